"""T2.benefit: does e tell which of decomposed and joint GRPO is ahead?

Map rows are exact: on `outcomes` J after one update is a finite sum. Either update takes the step
of one grid that suits it best, or both the same, any of the grid; the one whose e is larger must
gain more. Race rows train both with
one step size on the same episodes: e speaks of the policy where it is taken, so that a run is
predicted only while e ranks the two alike along both runs. No step is taken from e: at a small
share of its own best step, L cancels, and e would rank the gains whatever it was made of.
"""

from collections.abc import Mapping
from itertools import product

import numpy as np

from grpo_checks.experiments.claims.benefit import facts
from grpo_checks.experiments.claims.benefit.map import Benefit, measure, options
from grpo_checks.experiments.claims.benefit.rows import GROUP_SIZE, race_rows, start
from grpo_checks.experiments.models.instances import InstanceSpec, build
from grpo_checks.experiments.models.settings import RunResult, RunSettings
from grpo_checks.experiments.points.decomposition.benefit import STATEMENT, STEPS
from grpo_checks.experiments.protocol.assumptions import Assumption, in_cells, stated
from grpo_checks.experiments.protocol.cell_rows import inequality, unmet
from grpo_checks.experiments.protocol.claim import Claim, Row, Scope
from grpo_checks.theory.estimators.group_counts import coefficients_fit, entries
from grpo_checks.theory.updates.one_update import single_decision

COUPLINGS = (-0.9, -0.6, -0.3, 0.0, 0.3, 0.6, 0.9)
RATIOS = (1.0, 0.7, 0.5, 0.3, 0.2, 0.1, 0.05)
MAPS = {
    "quick": [(2, 0.8, GROUP_SIZE)],
    "paper": [*product((2,), (0.8, 0.5), (4, 8, 16, 64)), (3, 0.8, 4), (3, 0.8, 8)],
}
"""Components, success of the first one, group size."""
MOST_ENTRIES = 10**6
"""Of a table of groups."""


def _grid(components: int, success: float, profile: str) -> list[InstanceSpec]:
    ratios = RATIOS if profile == "paper" else RATIOS[::2]
    couplings = [c for c in COUPLINGS if components == 2 or c >= 0]
    return [start(components, success, r, c) for r in ratios for c in couplings]


def map_row(spec: InstanceSpec, group_size: int, benefit: Benefit, i: int) -> Row:
    """The best gain of the update whose e is smaller against that of the other."""
    e, gain, rounding = benefit.efficiency[i], benefit.gain[i], float(benefit.rounding[i])
    best, ahead = gain.max(1), int(e.argmax())
    # Both terms of a gain are values of J, at most R_max.
    off = 4 * rounding * float(build(spec).mdp.max_reward)
    extra = {
        "where": "one update",
        **options(spec),
        "e_decomposed": e[0],
        "e_joint": e[1],
        "lead": (e[0] - e[1]) / e.max() if e.max() > 0 else 0.0,
        "gain_lead": (best[0] - best[1]) / np.abs(best).max() if best.any() else 0.0,
        "equal_steps": gain.shape[1],
        "equal_steps_as_e": int((gain[ahead] - gain[1 - ahead] > off).sum()),
        "best_at_end": int((gain.argmax(1) == gain.shape[1] - 1).sum()),
        "distinct_decomposed": benefit.distinct[i, 0],
        "distinct_joint": benefit.distinct[i, 1],
    }
    shared = {"components": build(spec).mdp.weights.size, "group_size": group_size}
    labels = ("T2.benefit", spec.name, shared)
    # e is a square over another, so that its error counts a few times over.
    if abs(e[0] - e[1]) <= 4 * rounding * benefit.squared_gradient[i]:
        return unmet(*labels, "e is equal up to rounding")
    if abs(best[0] - best[1]) <= off:
        return unmet(*labels, "a tie: best gains are equal up to rounding")
    note = "exact gain at its best step: of the update behind by e, against the one ahead"
    return inequality(*labels, float(best[1 - ahead]), float(best[ahead]), off, note, extra)


def step_row(spec: InstanceSpec, group_size: int, benefit: Benefit, i: int) -> Row:
    """Both updates at the same step, the one of the grid that speaks most against e."""
    e, gain, rounding = benefit.efficiency[i], benefit.gain[i], float(benefit.rounding[i])
    ahead = int(e.argmax())
    lead = gain[ahead] - gain[1 - ahead]
    off = 4 * rounding * float(build(spec).mdp.max_reward)
    worst = int(lead.argmin())
    extra = {
        "where": "one update, any step",
        **options(spec),
        "as_e": int((lead > off).sum()),
        "against_e": int((lead < -off).sum()),
        "worst_step": float(STEPS[worst]),
    }
    shared = {"components": build(spec).mdp.weights.size, "group_size": group_size}
    labels = ("T2.benefit", spec.name, shared)
    if abs(e[0] - e[1]) <= 4 * rounding * benefit.squared_gradient[i]:
        return unmet(*labels, "e is equal up to rounding")
    if (np.abs(lead) <= off).all():
        return unmet(*labels, "a tie at every step: gains are equal up to rounding")
    note = "exact gain at one step for both: of the update behind by e, against the one ahead"
    return inequality(
        *labels, float(gain[1 - ahead, worst]), float(gain[ahead, worst]), off, note, extra
    )


def _map_rows(scope: Scope) -> list[Row]:
    if scope.instance is not None:
        cells = [(GROUP_SIZE, [scope.instance])]
    else:
        cells = [(g, _grid(k, s, scope.profile)) for k, s, g in MAPS[scope.profile]]
    rows = []
    for size, specs in cells:
        numbers = measure(specs, size)
        rows += [map_row(s, size, numbers, i) for i, s in enumerate(specs)]
        rows += [step_row(s, size, numbers, i) for i, s in enumerate(specs)]
    return rows


def rows(scope: Scope, results: Mapping[RunSettings, RunResult]) -> list[Row]:
    """The map and, on no model of a user's, the races."""
    return _map_rows(scope) + ([] if scope.instance is not None else race_rows(scope))


def _not_listed(spec: InstanceSpec) -> str | None:
    """Why J after an update is no finite sum that could be listed."""
    try:
        kinds = int((single_decision(build(spec).mdp).chance > 0).sum())
    except ValueError as error:
        return str(error)
    if entries(kinds, GROUP_SIZE) > MOST_ENTRIES or not coefficients_fit(kinds, GROUP_SIZE):
        return f"{kinds} kinds of episodes: groups of {GROUP_SIZE} are too many to list"
    return None


CLAIM = Claim(
    name="T2.benefit",
    statement="the sign of e_dec - e_joint says which of decomposed and joint GRPO gains more",
    provenance="derived",
    expected="refuted",
    proof=("grpo_checks.theory.updates.benefit",),
    figures=("t2_phase",),
    facts={"T2.benefit": facts.benefit, "T2.benefit, what to use": facts.rules},
    assumptions=(
        Assumption("an episode is one decision", _not_listed),
        *stated("one grid of steps for both, up to 16/L"),
        in_cells("e ranks them alike along both runs"),
    ),
    rows=rows,
    exact=STATEMENT.exact(),
)
