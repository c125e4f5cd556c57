"""T2.bridge': half the range of the ratios bounds joint minus decomposed surrogate.

Statement: |joint - decomposed| <= (max ratio - min ratio)/2 sum_k w_k |sd_k/sd - 1|, sd > 0.
Proof: ``theory.losses.surrogate_gap``.
Source: derived, in place of T2.bridge.
Units: of advantages. Random groups in floating point, and stored ones, one of which reaches it.
"""

from collections.abc import Mapping
from typing import Any

import jax
import numpy as np
from numpy.typing import NDArray

from grpo_checks.experiments.claims.surrogates.bridge import in_words, surrogates
from grpo_checks.experiments.claims.surrogates.groups import GROUP, silent
from grpo_checks.experiments.falsifier.statement import Statement
from grpo_checks.experiments.models.instances import InstanceSpec, build
from grpo_checks.experiments.models.settings import RunResult, RunSettings
from grpo_checks.experiments.protocol.assumptions import in_cells, stated
from grpo_checks.experiments.protocol.cell_rows import inequality, nearest, stored_only
from grpo_checks.experiments.protocol.claim import Claim, Facts, Row, Scope
from grpo_checks.experiments.runs.words import Table
from grpo_checks.theory.losses.surrogate_gap import SurrogateGap, surrogate_gap
from grpo_checks.theory.updates.rounding import accumulated

SHAPES = ((2, 2, 0), (4, 3, 1), (8, 2, 0), (16, 4, 1), (4, 3, 0), (8, 2, 1), (16, 4, 0), (2, 2, 1))
"""Group size, components, ddof; the quick profile takes the first three."""
GROUPS = 120_000
Floats = NDArray[np.float64]
Drawn = tuple[Floats, Floats, Floats]
"""Rewards (N, G, K), composites (N, G) and weights (N, K) of groups."""


_gaps = jax.jit(jax.vmap(surrogate_gap, (0, 0, 0, 0, None)), static_argnums=4)
"""Of many groups, all with one ddof."""


def draw(rng: np.random.Generator, size: int, components: int, count: int) -> Drawn:
    """Binary and graded groups; dyadic, so that equal composites are equal floats."""
    shape = (count, size, components)
    graded, binary = rng.integers(0, 5, shape) / 4, rng.integers(0, 2, shape)
    rewards = np.where(rng.random((count, 1, 1)) < 0.5, graded, binary)
    weights = rng.integers(1, 9, (count, components)) / 4
    return rewards, np.einsum("ngk,nk->ng", rewards, weights), weights


def _drawn_row(name: str, drawn: Drawn, ddof: int, seed: int) -> Row:
    count, size, _ = drawn[0].shape
    ratios = np.random.default_rng(seed).uniform(0.8, 1.2, (count, size))
    gaps = jax.device_get(_gaps(*drawn, ratios, ddof))
    return gap_row("T2.bridge'", name, drawn, ddof, gaps)


def gap_row(claim: str, name: str, drawn: Drawn, ddof: int, gaps: SurrogateGap) -> Row:
    """The group closest to a violation of ``gaps.bridge``, of those that have a joint advantage."""
    _, size, components = drawn[0].shape
    speaks = jax.tree.map(lambda x: x[gaps.speaks], gaps)
    off = accumulated(4 * size + 16) * speaks.magnitude
    excess = speaks.difference - speaks.bridge
    # Where the bridge is 0 up to rounding both sides are: equal scales, or one component.
    live = (speaks.bridge > off) | (excess > off)
    ratio = speaks.difference[live] / np.maximum(speaks.bridge, off)[live]
    extra = {
        "cells": int(live.sum()),
        "identities": int((~live).sum()),
        "ddof": ddof,
        "largest_excess": float(excess.max(initial=-np.inf)) if len(excess) else None,
        "ratio_median": float(np.median(ratio)) if len(ratio) else None,
        "largest_misalignment": float(speaks.misalignment.max(initial=0.0)),
    }
    kept = live if live.any() else np.ones_like(live)
    sides = np.stack([speaks.difference, speaks.bridge, off])[:, kept]
    observed, bound, error = sides[:, nearest(*sides)] if sides.size else np.zeros(3)
    shared = {"components": components, "group_size": size}
    labels = (claim, name, shared, float(observed), float(bound), float(error))
    note = "difference and bound of the group closest to a violation"
    return inequality(*labels, note, extra, identity=not live.any())


def rows(scope: Scope, results: Mapping[RunSettings, RunResult]) -> list[Row]:
    """Random groups of several shapes with both divisors; the mutant is decided on stored ones."""
    if scope.mutant is not None:
        return stored_only("T2.bridge'", scope)
    if scope.instance is not None:
        return [_drawn_row(scope.instance.name, drawn_of(scope.instance), 0, 0)]
    shapes = SHAPES if scope.profile == "paper" else SHAPES[:3]
    checked = []
    for i, (size, components, ddof) in enumerate(shapes):
        drawn = draw(np.random.default_rng(i), size, components, GROUPS // len(shapes))
        checked.append(_drawn_row("random groups", drawn, ddof, i))
    return checked


def drawn_of(spec: InstanceSpec) -> Drawn:
    """Groups of eight of the reward vectors that the instance can earn."""
    mdp = build(spec).mdp
    which = np.random.default_rng(0).integers(0, mdp.class_composite.size, (10_000, 8))
    weights = np.broadcast_to(np.asarray(mdp.weights), (len(which), mdp.weights.size))
    return np.asarray(mdp.class_vector)[which], np.asarray(mdp.class_composite)[which], weights


def sides(rewards: Any, weights: Any, ratios: Any, ddof: int) -> tuple[Any, Any]:
    """|joint - decomposed| and the bridge."""
    gap = surrogates(rewards, weights, ratios, ddof)
    return gap.difference, gap.bridge


def _quarter(**point: Any) -> tuple[Any, Any]:
    difference, bridge = sides(**point)
    return difference, bridge / 2


STATEMENT = Statement(
    sides,
    GROUP,
    mutants={"quarter of the range": ("(max ratio - min ratio)/4 instead of /2", _quarter)},
    exception=silent,
    note=in_words,
)


def facts(data: Table) -> Facts:
    """Of T2.bridge': random groups."""
    drawn = data[data["largest_excess"].notna()]
    return {
        "groups": int(drawn["cells"].sum()),
        "largest": (drawn["observed"] / drawn["bound"]).max(),
        "excess": drawn["largest_excess"].max(),
    }


CLAIM = Claim(
    name="T2.bridge'",
    statement="|joint - decomposed| <= (max ratio - min ratio)/2 sum_k w_k |sd_k/sd - 1|",
    provenance="derived",
    expected="holds",
    proof=("grpo_checks.theory.losses.surrogate_gap",),
    figures=("looseness",),
    facts={"T2.bridge'": facts},
    assumptions=(in_cells("sd > 0"), *stated("eps = 0", "no clipping")),
    rows=rows,
    exact=STATEMENT.exact(),
)
