"""T1.own: does std-normalised GRPO with composite rewards become stationary at O(1/sqrt T)?

Statement: with steps c/sqrt(T) the average of |E[g]|^2 along `group_normalized`, and that of
|grad J|^2, are at most C/sqrt(T) for some C and every T.
Proof: false. At G = 2, on `dice` (one prompt, one decision, accuracy and format) and `rank_cycle`,
``theory.convergence.cycles.rank_cycles`` gives a floor for every T and ``theory.rational.cycles``
its size. At G = 2, 3, 4, 8, on `rank_cycle` and `dice_all`, certified centres
(``theory.convergence.cycles.reversible``): expected updates that start there stay, with
|grad J|^2 > 0, and closed orbits of the flow lie around. With one decision all loss aggregations
are the same up to a constant.
Source: arXiv:2604.19857, abstract, for the estimator as it is run; its assumptions are not known.
Units: squared rewards per logit.

Cells: floors, each beside the same average along expected updates of the model itself; for
estimators whose wins are differences the bound of gradient ascent; centres of larger groups, and
what is measured where there is none; and sampled training against what T1.path leaves for an
unbiased estimator.
"""

from collections.abc import Mapping
from dataclasses import replace
from math import sqrt

from grpo_checks.experiments.claims.cycles import facts
from grpo_checks.experiments.claims.cycles.models import DOCUMENTS, MODELS
from grpo_checks.experiments.claims.cycles.own_centres import centres
from grpo_checks.experiments.claims.cycles.own_field import EXACT
from grpo_checks.experiments.claims.cycles.own_orbits import (
    GROUP_NORMALIZED,
    NAME,
    ascents,
    floors,
    period,
    spec_of,
)
from grpo_checks.experiments.claims.stationarity.sharp.steps import not_judged
from grpo_checks.experiments.models.averages import average
from grpo_checks.experiments.models.constants import run_constants
from grpo_checks.experiments.models.settings import RunResult, RunSettings
from grpo_checks.experiments.protocol.assumptions import stated
from grpo_checks.experiments.protocol.cell_rows import unmet
from grpo_checks.experiments.protocol.claim import (
    STATISTICAL,
    Claim,
    Levels,
    Part,
    Row,
    Scope,
    judge,
)
from grpo_checks.theory.convergence.stationarity import path_terms
from grpo_checks.theory.estimators.advantages import Estimator

SAMPLED = {
    "rank_cycle": (GROUP_NORMALIZED, Estimator("leave_one_out")),
    "dice": (GROUP_NORMALIZED, Estimator("leave_one_out"), Estimator("componentwise_normalized")),
}
TELLING = "rank_cycle"
"""The model that the quick profile trains: on `dice` so short a run says little."""
SAMPLED_REACH = {"rank_cycle": 2.5, "dice": 6.5}
"""c of sampled runs: three periods at the longest."""
SAMPLED_LENGTHS = {"quick": (3000,), "paper": (300, 3000, 30_000)}
SEEDS = 128


def _names(scope: Scope) -> list[str]:
    if scope.instance is None:
        return list(MODELS)
    return [name for name in MODELS if scope.instance.is_named(name)]


def runs(scope: Scope) -> list[RunSettings]:
    """Sampled training from the same start, on a full sweep."""
    users = scope.instance and scope.instance.name
    return [
        RunSettings(
            spec_of(name), 2, t, max(SEEDS, scope.seeds), estimator,
            step=SAMPLED_REACH[name] / sqrt(t),
        )
        for name in _names(scope)
        if name in DOCUMENTS and (scope.profile == "paper" or name in (TELLING, users))
        for estimator in SAMPLED[name][: None if scope.profile == "paper" else 1]
        for t in SAMPLED_LENGTHS[scope.profile]
    ]  # fmt: skip


def _sampled(run: RunSettings, result: RunResult, level: float) -> Row:
    """E of the average of |grad J|^2, and what T1.path leaves for an unbiased estimator."""
    assert run.step is not None
    name, c = run.instance.name, run_constants(replace(run, estimator=Estimator("leave_one_out")))
    reach = SAMPLED_REACH[name]
    parameters = {**run.parameters(), "step": run.step, "reach": reach}
    unfit = not_judged(result, run.step, c.smoothness)
    if unfit is not None:
        return Row(NAME, name, parameters, None, None, None, None, *unfit)
    terms = path_terms(c.gap, 0.0, c.variance, run.step, run.n_steps, c.smoothness)
    bound, seen = float(terms.bound), average(run, result)
    lower, upper = seen.limits(level / 2)
    verdict = judge(upper, lower, bound)
    levels = Levels(*seen.levels(bound), weak=bound >= c.squared_gradient)
    if verdict == "holds" and levels.weak:
        verdict = "vacuous"
    turns = reach * sqrt(run.n_steps) / period(name)
    return Row(
        NAME, name, parameters, seen.mean, lower, upper, bound, verdict,
        STATISTICAL if verdict == "refuted" else "", {"field": "grad J", "periods": turns},
        evidence="statistical", levels=levels,
    )  # fmt: skip


def rows(scope: Scope, results: Mapping[RunSettings, RunResult]) -> list[Row]:
    """Floors, gradient ascents, centres of all group sizes, sampled training."""
    names = _names(scope)
    if not names:
        assert scope.instance is not None
        return [unmet(NAME, scope.instance.name, {}, f"on {', '.join(MODELS)} only")]
    cells = runs(scope)
    level = scope.error / max(1, len(cells))
    measured = [
        row
        for name in names
        for make in ((floors, ascents, centres) if name in DOCUMENTS else (centres,))
        for row in make(name, scope)
    ]
    return measured + [_sampled(run, results[run], level) for run in cells]


CLAIM = Claim(
    name=NAME,
    statement="composite verifiable rewards: the averages of |E[g]|^2 and |grad J|^2 along "
    "std-normalised GRPO fall as O(1/sqrt T), steps c/sqrt(T)",
    provenance="abstract",
    expected="refuted",
    proof=(
        "grpo_checks.theory.convergence.cycles.duels",
        "grpo_checks.theory.convergence.cycles.rank_cycles",
        "grpo_checks.theory.convergence.cycles.reversible",
        "grpo_checks.theory.rational.cycles.ring",
        "grpo_checks.theory.rational.cycles.centres",
    ),
    figures=("t1_own",),
    facts={NAME: Part(facts.cycles, (NAME, "T1.cycle"))},
    assumptions=stated("one decision, the same policy for all prompts", "steps c/sqrt(T)"),
    runs=runs,
    rows=rows,
    exact=EXACT,
)
