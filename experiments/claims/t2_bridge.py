"""T2.bridge and T2.bridge': does the misalignment bound joint minus decomposed surrogate?

No: the counterexample is a stored file, read and computed again in fractions at every verification.
What is true, T2.bridge', is checked on random groups in floating point, and on a stored group that
reaches it in fractions.
"""

from collections.abc import Mapping
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from experiments.assumptions import not_on_models, stated
from experiments.claim import Claim, Row, Scope, Verdict
from experiments.instances import build
from experiments.rational_groups import stored_group
from experiments.runs import RunResult
from experiments.settings import RunSettings
from theory.bridge import Surrogates, surrogates
from theory.surrogate_gap import surrogate_gap

SHAPES = ((2, 2, 0), (4, 3, 1), (8, 2, 0), (16, 4, 1), (4, 3, 0), (8, 2, 1), (16, 4, 0), (2, 2, 1))
"""Group size, components, ddof; the quick profile takes the first three."""
GROUPS = 120_000
ROUNDING = 1e-12
MUTANTS = {"quarter of the range": "(max ratio - min ratio)/4 instead of /2"}
Floats = NDArray[np.float64]


def _stored_row(claim: str, name: str, verdict: Verdict, exact: Surrogates, bound: float) -> Row:
    note = f"exact: joint {exact.joint}, decomposed {exact.decomposed}, Delta {exact.misalignment}"
    if verdict == "inconclusive":
        note += "; the stored file states other numbers"
    size = float(exact.difference)
    shared = {"components": 2, "group_size": 2}
    extra = {"cells": 1, "reached": str(size == bound)}
    return Row(claim, name, shared, size, size, size, bound, verdict, note, extra)


def bridge_rows(scope: Scope, results: Mapping[RunSettings, RunResult]) -> list[Row]:
    """The stored counterexample; a file that contradicts itself decides nothing."""
    if scope.instance is not None:
        why = "a statement about all groups, decided by a stored pair of samples"
        name = scope.instance.name
        return [Row("T2.bridge", name, {}, None, None, None, None, "assumption unmet", why)]
    group, stated = stored_group("bridge")
    exact = surrogates(group)
    verdict: Verdict = "refuted" if exact.difference > exact.misalignment else "holds"
    if not stated.agrees(exact):
        verdict = "inconclusive"
    bound = float(exact.misalignment)
    return [_stored_row("T2.bridge", "stored pair", verdict, exact, bound)]


def _reached_row(mutant: str | None) -> Row:
    """The stored group on which the corrected bridge is an equality."""
    group, stated = stored_group("bridge_reached")
    exact = surrogates(group)
    bound = exact.bridge / 2 if mutant == "quarter of the range" else exact.bridge
    verdict: Verdict = "refuted" if exact.difference > bound else "holds"
    if not stated.agrees(exact):
        verdict = "inconclusive"
    return _stored_row("T2.bridge'", "stored group", verdict, exact, float(bound))


@partial(jax.jit, static_argnames="ddof")
def _gaps(rewards, composite, weights, ratios, ddof):  # type: ignore[no-untyped-def]
    one = lambda r, c, w, x: surrogate_gap(r, c, w, x, ddof)  # noqa: E731
    return jax.vmap(one)(rewards, composite, weights, ratios)


def _draw(
    rng: np.random.Generator, size: int, components: int, count: int
) -> tuple[Floats, Floats, Floats]:
    """Binary and graded groups; dyadic, so that equal composites are equal floats."""
    shape = (count, size, components)
    graded, binary = rng.integers(0, 5, shape) / 4, rng.integers(0, 2, shape)
    rewards = np.where(rng.random((count, 1, 1)) < 0.5, graded, binary)
    weights = rng.integers(1, 9, (count, components)) / 4
    return rewards, np.einsum("ngk,nk->ng", rewards, weights), weights


def _drawn_row(name: str, drawn: tuple[Floats, Floats, Floats], ddof: int, seed: int) -> Row:
    count, size, components = drawn[0].shape
    ratios = np.random.default_rng(seed).uniform(0.8, 1.2, (count, size))
    found = jax.device_get(_gaps(*map(jnp.asarray, (*drawn, ratios)), ddof))
    speaks = found.speaks
    ratio = (found.difference / np.where(found.bridge > ROUNDING, found.bridge, np.inf))[speaks]
    excess = float((found.difference - found.bridge)[speaks].max(initial=-np.inf))
    worst = float(ratio.max(initial=0.0))
    verdict: Verdict = "refuted" if excess > ROUNDING else "holds"
    extra = {
        "cells": int(speaks.sum()),
        "ddof": ddof,
        "largest_excess": excess,
        "ratio_median": float(np.median(ratio)),
        "largest_misalignment": float(found.misalignment[speaks].max(initial=0.0)),
    }
    shared = {"components": components, "group_size": size}
    head = ("T2.bridge'", name, shared, worst, worst, worst, 1.0)
    return Row(*head, verdict, f"largest difference/bound; rounding {ROUNDING:.0e}", extra)


def corrected_rows(scope: Scope, results: Mapping[RunSettings, RunResult]) -> list[Row]:
    """Random groups of several shapes with both divisors, and the group that reaches the bound."""
    if scope.mutant is not None:
        return [_reached_row(scope.mutant)]
    if scope.instance is not None:
        return [_instance_row(scope)]
    shapes = SHAPES if scope.profile == "paper" else SHAPES[:3]
    found = []
    for i, (size, components, ddof) in enumerate(shapes):
        drawn = _draw(np.random.default_rng(i), size, components, GROUPS // len(shapes))
        found.append(_drawn_row("random groups", drawn, ddof, i))
    return [*found, _reached_row(None)]


def _instance_row(scope: Scope) -> Row:
    """Groups of eight of the reward vectors that the instance can earn."""
    assert scope.instance is not None
    mdp = build(scope.instance).mdp
    which = np.random.default_rng(0).integers(0, mdp.class_composite.size, (10_000, 8))
    weights = np.broadcast_to(np.asarray(mdp.weights), (len(which), mdp.weights.size))
    drawn = np.asarray(mdp.class_vector)[which], np.asarray(mdp.class_composite)[which], weights
    return _drawn_row(scope.instance.name, drawn, 0, 0)


BRIDGE = Claim(
    name="T2.bridge",
    statement="|joint - decomposed surrogate| is bounded by the misalignment Delta",
    provenance="reported",
    expected="refuted",
    proof=("theory.bridge",),
    assumptions=(
        not_on_models("a statement about all groups, decided by a stored pair of samples"),
        *stated("eps = 0", "no clipping"),
    ),
    mutants={},
    runs=lambda scope: [],
    rows=bridge_rows,
)
CORRECTED = Claim(
    name="T2.bridge'",
    statement="|joint - decomposed| <= (max ratio - min ratio)/2 sum_k w_k |sd_k/sd - 1|",
    provenance="derived",
    expected="holds",
    proof=("theory.bridge",),
    assumptions=stated("sd > 0", "eps = 0", "no clipping"),
    mutants=MUTANTS,
    runs=lambda scope: [],
    rows=corrected_rows,
)
