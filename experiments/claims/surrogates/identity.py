"""T2.identity: the joint advantage is a reweighted sum of component advantages.

Statement: A_i = sum_k (w_k sd_k/sd) A_i^(k) in every group with sd > 0: the misalignment is 0.
Proof: ``theory.losses.surrogate_gap``.
Source: reported of arXiv:2604.19857.
Units: sd Delta_i, of rewards; rational, so that 0 is certain. Random groups in fractions and stored
ones; the mutants are decided on stored ones alone.
"""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from grpo_checks.experiments.claims.surrogates.groups import (
    GROUP,
    Values,
    groups_of,
    random_groups,
    silent,
)
from grpo_checks.experiments.falsifier.statement import Statement
from grpo_checks.experiments.models.instances import build
from grpo_checks.experiments.models.settings import RunResult, RunSettings
from grpo_checks.experiments.protocol.assumptions import in_cells, stated
from grpo_checks.experiments.protocol.cell_rows import certified, inequality, stored_only
from grpo_checks.experiments.protocol.claim import Claim, Facts, Row, Scope
from grpo_checks.experiments.runs.words import Table
from grpo_checks.theory.arithmetic.enclose import enclose
from grpo_checks.theory.losses.surrogate_gap import plain_misalignment, scaled_misalignment
from grpo_checks.theory.numbers.balls import fmpq, largest, magnitude

SHAPES = ((2, 2), (4, 3), (8, 2), (16, 4))
COUNT = {"quick": 50, "paper": 500}
NOTE = "exact: largest sd |Delta_i|"
_misalignments = enclose(jax.vmap(lambda r, w: scaled_misalignment(r, w, 0)))


def sides(rewards: Any, weights: Any, ratios: Any, ddof: int, eps: Any = 0.0) -> tuple[Any, Any]:
    """sd times the largest |Delta_i|, and 0."""
    return jnp.abs(scaled_misalignment(rewards, weights, ddof, eps)).max(), 0.0


def _plain(rewards: Any, weights: Any, ratios: Any, ddof: int) -> tuple[Any, Any]:
    return jnp.abs(plain_misalignment(rewards, weights)).max(), 0.0


STATEMENT = Statement(
    sides,
    GROUP,
    mutants={
        "eps": ("the same with eps = 1/10 in both denominators", {"eps": fmpq(1, 10)}),
        "plain weights": ("A = sum_k w_k A^(k), without the factors sd_k/sd", _plain),
    },
    exception=silent,
    note=lambda **point: NOTE,
)


def _row(name: str, rewards: Values, weights: Values) -> Row:
    """sd Delta_i: 0 for every member of every group with sd > 0.

    With one component A_i is A_i^(1) by definition, w_1 sd_1 = sd.
    """
    _, size, components = rewards.shape
    speaking = sum(silent(r, w) is None for r, w in zip(rewards, weights, strict=True))
    worst = largest(magnitude(x) for x in _misalignments(rewards, weights).flat)
    shared = {"components": components, "group_size": size}
    idle = components == 1 or not speaking
    extra = {"cells": speaking}
    note = f"{NOTE}, in fractions"
    return certified(
        inequality("T2.identity", name, shared, float(worst), 0.0, 0.0, note, extra, idle)
    )


def rows(scope: Scope, results: Mapping[RunSettings, RunResult]) -> list[Row]:
    """Random groups with graded rewards, or groups of the instance's rewards."""
    if scope.mutant is not None:
        return stored_only("T2.identity", scope)
    count, rng = COUNT[scope.profile], np.random.default_rng(0)
    if scope.instance is not None:
        mdp, name = build(scope.instance).mdp, scope.instance.name
        return [_row(name, *groups_of(rng, mdp, g, count)) for g, _ in SHAPES]
    return [_row("random groups", *random_groups(rng, k, g, count)) for g, k in SHAPES]


def facts(data: Table) -> Facts:
    """Of T2.identity."""
    return {"groups": int(data["cells"].sum())}


CLAIM = Claim(
    name="T2.identity",
    statement="A_i = sum_k (w_k sd_k/sd) A_i^(k): the misalignment Delta_i is 0",
    provenance="reported",
    expected="holds",
    proof=("grpo_checks.theory.losses.surrogate_gap",),
    facts={"T2.identity": facts},
    assumptions=(*stated("eps = 0"), in_cells("sd > 0")),
    rows=rows,
    exact=STATEMENT.exact(),
)
