"""T2.identity: the joint advantage is a reweighted sum of component advantages, in fractions.

Random groups and stored ones; the mutants are decided on stored ones alone.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from grpo_checks.experiments.claims.decomposition.rational_groups import group_of, random_group
from grpo_checks.experiments.models.instances import build
from grpo_checks.experiments.models.settings import RunResult, RunSettings
from grpo_checks.experiments.points.decomposition.surrogates import IDENTITY
from grpo_checks.experiments.protocol.assumptions import in_cells, stated
from grpo_checks.experiments.protocol.cell_rows import certified, inequality, stored_only
from grpo_checks.experiments.protocol.claim import Claim, Row, Scope
from grpo_checks.theory.numbers.balls import largest, magnitude
from grpo_checks.theory.rational.menus.bridge import Group, scaled_misalignment

SHAPES = ((2, 2), (4, 3), (8, 2), (16, 4))
MUTANTS = {
    "eps": "the same with eps = 1/10 in both denominators",
    "plain weights": "A = sum_k w_k A^(k), without the factors sd_k/sd",
}


def _row(name: str, size: int, groups: Sequence[Group]) -> Row:
    """sd Delta_i, which needs no root: 0 for every member of every group with sd > 0.

    With one component A_i is A_i^(1) by definition, w_1 sd_1 = sd.
    """
    speaking = [group for group in groups if any(group.composite)]
    worst = largest(magnitude(x) for group in groups for x in scaled_misalignment(group))
    components = len(groups[0].weights)
    shared = {"components": components, "group_size": size}
    note, extra = "exact: largest sd |Delta_i|, in fractions", {"cells": len(speaking)}
    idle = components == 1 or not speaking
    return certified(
        inequality("T2.identity", name, shared, float(worst), 0.0, 0.0, note, extra, idle)
    )


def rows(scope: Scope, results: Mapping[RunSettings, RunResult]) -> list[Row]:
    """Random groups with graded rewards, or groups of the instance's rewards."""
    if scope.mutant is not None:
        return stored_only("T2.identity", scope)
    count = 500 if scope.profile == "paper" else 50
    rng = np.random.default_rng(0)
    if scope.instance is not None:
        mdp, name = build(scope.instance).mdp, scope.instance.name
        return [_row(name, g, [group_of(rng, mdp, g) for _ in range(count)]) for g, _ in SHAPES]
    drawn = [(g, [random_group(rng, k, g) for _ in range(count)]) for g, k in SHAPES]
    return [_row("random groups", g, groups) for g, groups in drawn]


CLAIM = Claim(
    name="T2.identity",
    statement="A_i = sum_k (w_k sd_k/sd) A_i^(k): the misalignment Delta_i is 0",
    provenance="reported",
    expected="holds",
    proof=("grpo_checks.theory.rational.menus.bridge",),
    assumptions=(*stated("eps = 0"), in_cells("sd > 0")),
    mutants=MUTANTS,
    runs=lambda scope: [],
    rows=rows,
    exact=IDENTITY,
)
