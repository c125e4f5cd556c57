"""T2.identity: the joint advantage is a reweighted sum of component advantages, in fractions."""

from collections.abc import Mapping, Sequence
from fractions import Fraction

import numpy as np

from experiments.assumptions import stated
from experiments.claim import Claim, Row, Scope, Verdict
from experiments.instances import build
from experiments.rational_groups import group_of, random_group, stored_group
from experiments.runs import RunResult
from experiments.settings import RunSettings
from theory.bridge import Group, scaled_misalignment, surrogates

SHAPES = ((2, 2), (4, 3), (8, 2), (16, 4))
MUTANTS = {
    "eps": "the same with eps = 1/10 in both denominators",
    "plain weights": "A = sum_k w_k A^(k), without the factors sd_k/sd",
}


def _pair_row(mutant: str | None) -> Row:
    """The stored pair, whose standard deviations are rational: Delta itself."""
    group, _ = stored_group("bridge")
    exact = surrogates(group, Fraction(1, 10) if mutant == "eps" else Fraction(0))
    left = exact.difference if mutant == "plain weights" else exact.misalignment
    verdict: Verdict = "holds" if left == 0 else "refuted"
    shared = {"components": len(group.weights), "group_size": len(group.rewards)}
    head = ("T2.identity", "stored pair", shared, float(left), float(left), float(left), 0.0)
    return Row(*head, verdict, f"exact: mean |Delta_i| = {left}", {"cells": 1})


def _row(name: str, size: int, groups: Sequence[Group]) -> Row:
    """sd Delta_i, which needs no root: 0 for every member of every group."""
    worst = max(abs(x) for group in groups for x in scaled_misalignment(group))
    verdict: Verdict = "holds" if worst == 0 else "refuted"
    shared = {"components": len(groups[0].weights), "group_size": size}
    head = ("T2.identity", name, shared, float(worst), float(worst), float(worst), 0.0)
    return Row(*head, verdict, "exact: largest sd |Delta_i|, in fractions", {"cells": len(groups)})


def rows(scope: Scope, results: Mapping[RunSettings, RunResult]) -> list[Row]:
    """Random groups with graded rewards, or groups of the instance's rewards; a stored pair."""
    pair = _pair_row(scope.mutant)
    if scope.mutant is not None:
        return [pair]
    count = 500 if scope.profile == "paper" else 50
    rng = np.random.default_rng(0)
    if scope.instance is not None:
        mdp, name = build(scope.instance).mdp, scope.instance.name
        return [_row(name, g, [group_of(rng, mdp, g) for _ in range(count)]) for g, _ in SHAPES]
    drawn = [(g, [random_group(rng, k, g) for _ in range(count)]) for g, k in SHAPES]
    return [pair, *(_row("random groups", g, groups) for g, groups in drawn)]


CLAIM = Claim(
    name="T2.identity",
    statement="A_i = sum_k (w_k sd_k/sd) A_i^(k): the misalignment Delta_i is 0",
    provenance="reported",
    expected="holds",
    proof=("theory.bridge",),
    assumptions=stated("eps = 0", "sd > 0"),
    mutants=MUTANTS,
    runs=lambda scope: [],
    rows=rows,
)
