"""T2.gap: the decomposition gap is certified at every policy, trained or not.

Statement: J*_q - J_q <= phi_q/c + sum_k w_k |1 - c_k/c| u_k for every c > 0.
Proof: ``theory.convergence.decomposition_gap``.
Source: derived; the abstract of arXiv:2604.19857 gives a gap without constants.
Units: of the composite reward.
"""

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd

from grpo_checks.experiments.claims.decomposition.cases import static_cells
from grpo_checks.experiments.claims.decomposition.cells import Cells
from grpo_checks.experiments.claims.decomposition.summaries import grouped, overall, summary
from grpo_checks.experiments.claims.decomposition.training_cells import (
    training_cells,
    training_runs,
)
from grpo_checks.experiments.falsifier.constraints import above_zero
from grpo_checks.experiments.falsifier.domain import Domain
from grpo_checks.experiments.falsifier.statement import Statement
from grpo_checks.experiments.models.settings import RunResult, RunSettings
from grpo_checks.experiments.points.decomposition.deep_gap import deep_gap
from grpo_checks.experiments.points.decomposition.menus import ARRAYS, OPTIONS
from grpo_checks.experiments.protocol.assumptions import BINARY
from grpo_checks.experiments.protocol.claim import Claim, Facts, Part, Row, Scope
from grpo_checks.experiments.runs.words import table
from grpo_checks.theory.convergence.decomposition_gap import (
    Certificate,
    gap_bounds,
    menu_certificate,
)
from grpo_checks.theory.estimators.response import response
from grpo_checks.theory.rational.menus.gap import Menu, gap_reached

CONSTANT_RESPONSE = (2, 3)
"""Group sizes at which c_G is a constant, whatever eps and ddof."""


def _bounds(c: Certificate) -> jax.Array:
    """At every c at which the least one can be (Q, K+1)."""
    return gap_bounds(c.residual, c.response, c.reach, c.weights)


def _signed(c: Certificate) -> jax.Array:
    inverse = jnp.concatenate([jnp.zeros((*c.residual.shape, 1)), 1 / c.response], -1)
    off = 1 - c.response[..., None, :] * inverse[..., None]
    cost = jnp.einsum("qck,qk,k->qc", off, c.reach, c.weights)
    return c.residual[:, None] * inverse + cost


def _from_maximum(c: Certificate) -> jax.Array:
    return gap_bounds(c.residual, c.response, c.high - c.success, c.weights)


MUTANTS = {
    "no absolute value": ("sum_k w_k (1 - c_k/c) u_k instead of |1 - c_k/c|", {"bounds": _signed}),
    "u_k from the maximum alone": ("u_k = max J_k - p_k", {"bounds": _from_maximum}),
}


def sides(
    calls: Any,
    odds: Any,
    weights: Any,
    group_size: int,
    ddof: int,
    eps: Any,
    bounds: Callable[[Certificate], jax.Array] = _bounds,
) -> tuple[Any, Any]:
    """J* - J, and the bound at every c: the claim is about the least, so that all are to hold."""
    responses = response(odds @ calls, group_size, ddof, eps)
    c = menu_certificate(calls, odds, responses, weights)
    return c.gap, bounds(c)[0]


def _reached(entry: int, **point: Any) -> bool:
    """As polynomials in the responses; without a response (c infinite) fractions decide."""
    menu = Menu(point["calls"], point["odds"], point["group_size"])
    return entry > 0 and gap_reached(menu, point["weights"], entry - 1)


SHAPES = tuple((g, m, k) for g in (4, 8, 64) for m, k in ((2, 2), (3, 2), (4, 3)))
"""Group size, calls and components of the policies that are searched."""
STATEMENT = Statement(
    sides,
    Domain(
        {**ARRAYS, "weights": above_zero("components")},
        OPTIONS,
        [{"group_size": g, "calls": m, "components": k} for g, m, k in SHAPES],
    ),
    mutants=MUTANTS,
    equal=_reached,
)


DEEP = deep_gap(_bounds, MUTANTS, OPTIONS)


def _tautologies(frame: pd.DataFrame) -> pd.Series:
    """Cells with gap = bound at every policy: phi = c (J* - J) where all responses are one number,
    and those with no gap at any policy."""
    equal = (frame["responses"] <= 1) | frame["group_size"].isin(CONSTANT_RESPONSE)
    return equal | (frame["stake"] == 0)


def rows(scope: Scope, results: Mapping[RunSettings, RunResult]) -> list[Row]:
    """A row for each instance, group size and kind of policy."""
    stacks = list(static_cells(scope.profile, scope.instance))
    runs = training_runs(scope)
    if runs and scope.mutant is None:
        stacks.append(training_cells(runs, results))
    table, frames = [], []
    for cells in stacks:
        if scope.mutant is not None:
            false = jax.jit(jax.vmap(STATEMENT.versions[scope.mutant]["bounds"]))(cells.certificate)
            cells = Cells(
                cells.frame.assign(bound=np.asarray(false)[:, 0].min(-1)), cells.certificate
            )
        frame = cells.frame.assign(idle=_tautologies(cells.frame))
        for name, shared, part in grouped(frame, ["group_size", "ddof", "eps", "where"]):
            table.append(summary("T2.gap", name, part, "bound", shared))
        frames.append(frame)
    return [*table, *overall("T2.gap", pd.concat(frames, ignore_index=True), "bound")]


def facts(data: pd.DataFrame, kappa: pd.DataFrame) -> Facts:
    """Of T2.gap, and gap/bound of all cells of T2.kappa beside its own."""
    both = pd.concat([data, kappa])
    headings = (
        "claim | where: at | cells | ratio_median: median | ratio_99: 99th percentile | "
        "ratio_max: maximum"
    )
    cells = data[data["instance"] != "all"]
    return {
        "cells": int(cells["cells"].sum()),
        "identities": int(cells["identities"].sum()),
        "kinds": "; ".join(sorted(cells["instance"].unique())),
        "violations": int(cells["violations"].sum()),
        "excess": cells["largest_excess"].max(),
        "ratios": table(both[both["where"].str.startswith("all ")], headings),
    }


CLAIM = Claim(
    name="T2.gap",
    statement="J*_q - J_q <= min_c [phi_q/c + sum_k w_k |1 - c_k/c| u_k], at every policy",
    provenance="derived",
    expected="holds",
    proof=("grpo_checks.theory.convergence.decomposition_gap",),
    figures=("t2_gap",),
    facts={"T2.gap": Part(facts, ("T2.gap", "T2.kappa"))},
    assumptions=(BINARY,),
    runs=training_runs,
    rows=rows,
    exact=STATEMENT.exact().with_deep(DEEP.exact()),
)
