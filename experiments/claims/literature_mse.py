"""L.mse and L.baseline: the noise of `leave_one_out`, and whether its limit is the least.

arXiv:2603.01162; see ``theory.ustatistic`` for what is published and what is derived.
"""

from collections.abc import Mapping
from fractions import Fraction
from functools import cache
from typing import NamedTuple

from experiments.assumptions import LISTED, stated
from experiments.claim import Claim, Row, Scope, Verdict
from experiments.claims.literature_gradient import listings, too_many
from experiments.exact_cells import ROUNDING, exact, identity
from experiments.instances import InstanceSpec, build, named
from experiments.runs import RunResult
from experiments.settings import UNBIASED, RunSettings
from theory.group_law import GroupLaw, group_law
from theory.ustatistic import listed_error, noise

QUICK_GROUPS, PAPER_GROUPS = (2, 3, 8), (2, 3, 4, 8, 16)
BANDIT = Fraction(3, 4)
"""Chance of the good one of two answers: one state, one logit for each."""


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
def _law(spec: InstanceSpec, group_size: int) -> GroupLaw:
    return group_law(build(spec).mdp, group_size, UNBIASED, "counts")


def _mse_rows(spec: InstanceSpec, groups: tuple[int, ...], mutant: str | None) -> list[Row]:
    claim, listed = "L.mse", listings(spec)
    if listed is None:
        return [too_many(claim, spec)]
    rows = []
    for q, one in enumerate(listed):
        of = noise(one)
        for g in groups:
            oracle = of.oracle / g
            expected = oracle if mutant == "no remainder" else of.error(g)
            parameters = {"prompt": q, "group_size": g, "estimator": UNBIASED.name}
            extra = {"oracle": oracle, "remainder": of.error(g) - oracle}
            found = listed_error(one, _law(spec, g))
            rows.append(identity(claim, spec.name, parameters, found, expected, "", extra))
    return rows


def mse_rows(scope: Scope, results: Mapping[RunSettings, RunResult]) -> list[Row]:
    """The formula from pairs of episodes against the exact law of groups, by count vectors."""
    groups = PAPER_GROUPS if scope.profile == "paper" else QUICK_GROUPS
    return [row for spec in _specs(scope) for row in _mse_rows(spec, groups, scope.mutant)]


class BanditErrors(NamedTuple):
    """E|(r-c) s|^2 - |grad p|^2 of the two-answer bandit, for two baselines c."""

    value: Fraction
    best: Fraction
    baseline: Fraction


def bandit_errors(p: Fraction) -> BanditErrors:
    """Exactly: s = (1-p)(1,-1) on success, -p (1,-1) on failure, so |s|^2 = 2(1-p)^2 or 2p^2.

    The best baseline is 1-p: then (r-c) s = p(1-p)(1,-1) always, without any noise.
    """

    def error(c: Fraction) -> Fraction:
        square = p * (1 - c) ** 2 * 2 * (1 - p) ** 2 + (1 - p) * c**2 * 2 * p**2
        return square - 2 * (p * (1 - p)) ** 2

    weight, fisher = p * 2 * (1 - p) ** 2, p * 2 * (1 - p) ** 2 + (1 - p) * 2 * p**2
    best = weight / fisher
    return BanditErrors(error(p), error(best), best)


def _bandit_row() -> Row:
    found = bandit_errors(BANDIT)
    verdict: Verdict = "refuted" if found.value > found.best >= 0 else "holds"
    note = f"exact: {found.value} with the value {BANDIT} as baseline, {found.best} with "
    note += f"{found.baseline}"
    numbers = (float(found.value), float(found.best))
    return exact("L.baseline", "bandit", {}, *numbers, verdict, note)


def _baseline_rows(spec: InstanceSpec) -> list[Row]:
    claim, listed = "L.baseline", listings(spec)
    if listed is None:
        return [too_many(claim, spec)]
    rows = []
    for q, one in enumerate(listed):
        of = noise(one)
        excess = of.oracle - of.best
        verdict: Verdict = "refuted" if excess > ROUNDING * max(1.0, of.oracle) else "holds"
        note = (
            "float64; the bandit's row is exact"
            if verdict == "refuted"
            else "R, |s|^2 uncorrelated"
        )
        extra = {"value": one.value, "best_baseline": of.baseline}
        rows.append(
            exact(claim, spec.name, {"prompt": q}, of.oracle, of.best, verdict, note, extra)
        )
    return rows


def baseline_rows(scope: Scope, results: Mapping[RunSettings, RunResult]) -> list[Row]:
    """Error of the oracle against that of the best constant, on the bandit and on each prompt."""
    return [_bandit_row(), *(row for spec in _specs(scope) for row in _baseline_rows(spec))]


MSE = Claim(
    name="L.mse",
    statement="arXiv:2603.01162: E|g - grad J|^2 of `leave_one_out` is ((G-2)a + 2b)/(G(G-1)) = "
    "a/G + O(1/G^2), a/G the error with the value as baseline",
    provenance="literature",
    expected="holds",
    proof=("theory.ustatistic",),
    assumptions=(LISTED, *stated("one prompt at a time")),
    mutants={"no remainder": "a/G alone"},
    runs=lambda scope: [],
    rows=mse_rows,
)
BASELINE = Claim(
    name="L.baseline",
    statement="arXiv:2603.01162 as read by others: a/G is the least error among unbiased "
    "estimators whose baseline depends on the prompt alone",
    provenance="literature",
    expected="refuted",
    proof=("theory.ustatistic",),
    assumptions=(LISTED, *stated("true if and only if R and |s|^2 are uncorrelated (derived)")),
    mutants={},
    runs=lambda scope: [],
    rows=baseline_rows,
)
