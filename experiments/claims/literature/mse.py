"""L.mse and L.baseline: the noise of `leave_one_out`, and whether its limit is the least.

arXiv:2603.01162; see ``theory.updates.ustatistic`` for what is published and what is derived.
"""

from collections.abc import Mapping
from functools import cache

from grpo_checks.experiments.claims.literature.listed_errors import (
    listed_errors,
    listings,
    too_many,
)
from grpo_checks.experiments.models.instances import InstanceSpec, build, named
from grpo_checks.experiments.models.settings import UNBIASED, RunResult, RunSettings
from grpo_checks.experiments.points.literature import noise as points
from grpo_checks.experiments.protocol.assumptions import LISTED, influence_on, stated
from grpo_checks.experiments.protocol.cell_rows import (
    certified,
    equality,
    exact,
    inequality,
    no_better,
    seen,
    unmet,
)
from grpo_checks.experiments.protocol.claim import Claim, Row, Scope
from grpo_checks.theory.estimators.group_law import Engine, GroupLaw, group_law
from grpo_checks.theory.numbers.balls import ends
from grpo_checks.theory.updates.ustatistic import listed_error, noise

ENGINES: tuple[Engine, ...] = ("counts", "lattice")
QUICK_GROUPS, PAPER_GROUPS = (2, 3, 8), (2, 3, 4, 8, 16)
BANDIT = {
    "weights": [1],
    "prompts": [
        {
            "share": 1,
            "actions": [
                {"odds": 3, "outcomes": [{"share": 1, "rewards": [1]}]},
                {"odds": 1, "outcomes": [{"share": 1, "rewards": [0]}]},
            ],
        }
    ],
}
"""Two answers, right with chance 3/4: one state, one logit for each."""


def _specs(scope: Scope) -> list[InstanceSpec]:
    if scope.instance is not None:
        return [scope.instance]
    conflict = named("conflict", components=1, start=-0.5)
    if scope.profile == "quick":
        return [conflict]
    more = [named(name, components=2) for name in ("coding", "search")]
    more.append(named("bits", components=2, success=0.2))
    small = [named("random", components=1, seed=s, width=1, tools=1, depth=1) for s in range(6)]
    return [conflict, *more, *small, named("random", components=1, seed=3, features=3)]


@cache
def _law(spec: InstanceSpec, group_size: int) -> GroupLaw | str:
    """By count vectors; by sums along a lattice where they are too many; or why by neither."""
    why = ""
    for engine in ENGINES:
        try:
            return group_law(build(spec).mdp, group_size, UNBIASED, engine)
        except ValueError as obstacle:
            why = str(obstacle)
    return why


def _mse_rows(spec: InstanceSpec, groups: tuple[int, ...], mutant: str | None) -> list[Row]:
    claim, listed = "L.mse", listings(spec)
    if listed is None:
        return [too_many(claim, spec)]
    rows, learns = [], influence_on(spec).law
    for q, one in enumerate(listed):
        terms, errors = noise(one), listed_errors(spec, one, q)
        for g in groups:
            law, oracle = _law(spec, g), terms.oracle / g
            parameters = {"prompt": q, "group_size": g, "estimator": UNBIASED.name}
            if isinstance(law, str):
                rows.append(unmet(claim, spec.name, parameters, law))
                continue
            expected = oracle if mutant == "no remainder" else terms.error(g)
            extra = {"oracle": oracle, "remainder": terms.error(g) - oracle}
            numbers = (listed_error(one, law), expected, errors.noise(law) / g)
            labels = (claim, spec.name, parameters, *numbers, "", extra)
            rows.append(seen(equality(*labels, identity=not learns[q])))
    return rows


def mse_rows(scope: Scope, results: Mapping[RunSettings, RunResult]) -> list[Row]:
    """The formula from pairs of episodes against the exact law of groups, by count vectors."""
    groups = PAPER_GROUPS if scope.profile == "paper" else QUICK_GROUPS
    return [row for spec in _specs(scope) for row in _mse_rows(spec, groups, scope.mutant)]


def _bandit_row() -> Row:
    """In rational numbers."""
    decision = points.decide_baseline(BANDIT, None)
    numbers = (float(ends(decision.observed)[0]), float(ends(decision.bound)[0]))
    moments, value = points.baselines(BANDIT)
    extra = {
        "observed_exact": str(moments.oracle),
        "bound_exact": str(moments.best),
        "value_exact": str(value),
        "best_baseline_exact": str(moments.baseline),
    }
    note = f"exact: {decision.note}"
    row = exact("L.baseline", "bandit", {}, *numbers, decision.verdict, note, extra)
    return certified(row)


def _baseline_rows(spec: InstanceSpec) -> list[Row]:
    claim, listed = "L.baseline", listings(spec)
    if listed is None:
        return [too_many(claim, spec)]
    rows, learns = [], influence_on(spec).law
    for q, one in enumerate(listed):
        terms, off = noise(one), listed_errors(spec, one, q).noise()
        extra = {"value": one.value, "best_baseline": terms.baseline}
        labels = (claim, spec.name, {"prompt": q}, terms.oracle, terms.best, off, "", extra)
        row = seen(inequality(*labels, identity=not learns[q]))
        # The best constant is never worse: no more than equality can be seen.
        rows.append(no_better(row, "the value is a best baseline: R, |s|^2 are uncorrelated here"))
    return rows


def baseline_rows(scope: Scope, results: Mapping[RunSettings, RunResult]) -> list[Row]:
    """Error of the oracle against that of the best constant, on each prompt; and on the bandit."""
    rows = [row for spec in _specs(scope) for row in _baseline_rows(spec)]
    return rows if scope.instance is not None else [_bandit_row(), *rows]


MSE = Claim(
    name="L.mse",
    statement="arXiv:2603.01162: E|g - grad J|^2 of `leave_one_out` is ((G-2)a + 2b)/(G(G-1)) = "
    "a/G + O(1/G^2), a/G the error with the value as baseline",
    provenance="literature",
    expected="holds",
    proof=("grpo_checks.theory.updates.ustatistic",),
    assumptions=(LISTED, *stated("one prompt at a time")),
    mutants={"no remainder": "a/G alone"},
    runs=lambda scope: [],
    rows=mse_rows,
    exact=points.MSE,
)
BASELINE = Claim(
    name="L.baseline",
    statement="arXiv:2603.01162 as read by others: a/G is the least error among unbiased "
    "estimators whose baseline depends on the prompt alone",
    provenance="literature",
    expected="refuted",
    proof=("grpo_checks.theory.updates.ustatistic",),
    assumptions=(LISTED, *stated("true if and only if R and |s|^2 are uncorrelated (derived)")),
    mutants={},
    runs=lambda scope: [],
    rows=baseline_rows,
    exact=points.BASELINE,
)
