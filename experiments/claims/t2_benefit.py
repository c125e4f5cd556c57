"""T2.benefit: does e tell which of decomposed and joint GRPO is ahead?

Map rows are exact: on `outcomes` J after one update is a finite sum. A small share of the best step
must rank the estimators as e does once e differs by 1 %, and the best step must gain at least
e/(2L). Race rows confirm by training, with the best step at every policy and the same episodes: e
speaks of the policy where it is taken, so a run is predicted only while e ranks the estimators
alike at all policies that the two runs visit. Where the difference is not significant, or e turns
on the way, the assumption is unmet, and the row says so.
"""

from collections.abc import Mapping

import jax.numpy as jnp
import numpy as np

from experiments.assumptions import in_cells, stated
from experiments.benefit_map import SHARE, Benefit, measure, options
from experiments.benefit_rows import GROUP_SIZE, sampled_rows, start
from experiments.claim import Claim, Row, Scope, Verdict
from experiments.instances import InstanceSpec, build, named
from experiments.points.benefit import BENEFIT
from experiments.runs import RunResult
from experiments.settings import RunSettings
from experiments.theorem2_cases import TWO_CALLS
from theory.races import sign_is_clear

MUTANTS = {"no max(0, .)": "e = <grad J, m>^2/(|m|^2 + V), also where the product is negative"}
COUPLINGS = (-0.9, -0.6, -0.3, 0.0, 0.3, 0.6, 0.9)
RATIOS = (1.0, 0.7, 0.5, 0.3, 0.2, 0.1, 0.05)
ROUNDING = 1e-12


def _maps(profile: str) -> list[tuple[int, float, int]]:
    """Components, success of the first one, group size."""
    if profile != "paper":
        return [(2, 0.8, GROUP_SIZE)]
    pairs = [(2, success, g) for success in (0.8, 0.5) for g in (4, 8, 16, 64)]
    return [*pairs, (3, 0.8, 4), (3, 0.8, 8)]


def _grid(components: int, success: float, profile: str) -> list[InstanceSpec]:
    paper = profile == "paper"
    ratios = RATIOS if paper else RATIOS[::2]
    couplings = [c for c in COUPLINGS if components == 2 or c >= 0]
    return [start(components, success, r, c) for r in ratios for c in couplings]


def _map_row(spec: InstanceSpec, group_size: int, found: Benefit, i: int) -> Row:
    """Guarantees against exact gains, and the ranking of a small step."""
    e, gain, small = found.efficiency[i], found.gain[i], found.small_gain[i]
    guaranteed = e / (2 * found.smoothness)
    broken = (guaranteed > gain + ROUNDING).any()
    clear = bool(sign_is_clear(jnp.asarray(e[0]), jnp.asarray(e[1]), SHARE))
    agrees = np.sign(small[0] - small[1]) == np.sign(e[0] - e[1])
    verdict: Verdict = "refuted" if broken or (clear and not agrees) else "holds"
    note = "exact: e/(2L) of the update that gains less than it, or of the better one; bound: gain"
    if verdict == "holds" and not clear:
        verdict, note = "assumption unmet", "e differs by less than 1 %: too close to call"
    shown = int((gain - guaranteed).argmin()) if broken else int(e.argmax())
    extra = {
        "where": "one update",
        **options(spec),
        "e_decomposed": e[0],
        "e_joint": e[1],
        "along_decomposed": found.along[i, 0],
        "lead": (e[0] - e[1]) / e.max(),
        "gain_lead": (gain[0] - gain[1]) / np.abs(gain).max(),
        "distinct_decomposed": found.distinct[i, 0],
        "distinct_joint": found.distinct[i, 1],
    }
    shared = {"components": build(spec).mdp.weights.size, "group_size": group_size}
    value = float(guaranteed[shown])
    head = ("T2.benefit", spec.name, shared, value, value, value, float(gain[shown]))
    return Row(*head, verdict, note, extra)


def _opposed() -> InstanceSpec:
    """Beyond the maximum of Jtilde: the better call has probability 4/5, and Jtilde wants less."""
    return named("menu", components=2, calls=TWO_CALLS, preference=float(np.log(4)))


def _map_rows(scope: Scope) -> list[Row]:
    signed = scope.mutant is None
    cells = []
    if scope.profile == "paper" or not signed:
        cells.append((GROUP_SIZE, [_opposed()]))
    if signed:
        cells += [(g, _grid(k, s, scope.profile)) for k, s, g in _maps(scope.profile)]
    found = []
    for size, specs in cells:
        numbers = measure(specs, size, signed)
        found += [_map_row(s, size, numbers, i) for i, s in enumerate(specs)]
    return found


def rows(scope: Scope, results: Mapping[RunSettings, RunResult]) -> list[Row]:
    """The map, the races, and what batch normalisation changes."""
    found = _map_rows(scope) if scope.instance is None else []
    if scope.mutant is not None:
        return found
    return found + sampled_rows(scope)


CLAIM = Claim(
    name="T2.benefit",
    statement="the sign of e_dec - e_joint says which of decomposed and joint GRPO is ahead",
    provenance="derived",
    expected="holds",
    proof=("theory.benefit",),
    figures=("t2_phase",),
    assumptions=(*stated("the best step for each"), in_cells("e ranks them alike along both runs")),
    mutants=MUTANTS,
    runs=lambda scope: [],
    rows=rows,
    exact=BENEFIT,
)
