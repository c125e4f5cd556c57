"""T2.gap: the decomposition gap is certified at every policy, trained or not."""

from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd

from grpo_checks.experiments.claims.decomposition.cases import (
    static_cells,
)
from grpo_checks.experiments.claims.decomposition.cells import Cells
from grpo_checks.experiments.claims.decomposition.training_cells import (
    training_cells,
    training_runs,
)
from grpo_checks.experiments.models.settings import RunResult, RunSettings
from grpo_checks.experiments.points.decomposition.gap_search import GAP
from grpo_checks.experiments.protocol.assumptions import BINARY
from grpo_checks.experiments.protocol.cell_rows import inequality, nearest
from grpo_checks.experiments.protocol.claim import Claim, Row, Scope
from grpo_checks.theory.convergence.decomposition_gap import Certificate, gap_bound

CONSTANT_RESPONSE = (2, 3)
"""Group sizes at which c_G is a constant, whatever eps and ddof."""
MUTANTS = {
    "no absolute value": "sum_k w_k (1 - c_k/c) u_k instead of |1 - c_k/c|",
    "u_k from the maximum alone": "u_k = max J_k - p_k",
}


def _signed(c: Certificate) -> jax.Array:
    inverse = jnp.concatenate([jnp.zeros((*c.residual.shape, 1)), 1 / c.response], -1)
    off = 1 - c.response[..., None, :] * inverse[..., None]
    cost = jnp.einsum("qck,qk,k->qc", off, c.reach, c.weights)
    return (c.residual[:, None] * inverse + cost).min(-1)


def _from_maximum(c: Certificate) -> jax.Array:
    return gap_bound(c.residual, c.response, c.high - c.success, c.weights)


FALSE_BOUNDS: Mapping[str, Callable[[Certificate], jax.Array]] = {
    "no absolute value": _signed,
    "u_k from the maximum alone": _from_maximum,
}


def ratios(gap: pd.Series, bound: pd.Series, rounding: pd.Series) -> np.ndarray:
    """gap/bound; 0 where the gap is rounding."""
    seen = (gap > rounding) & (bound > 0)
    return np.where(seen, gap / bound.where(seen, 1.0), 0.0)


def summary(claim: str, name: str, part: pd.DataFrame, bound: str, extra: dict[str, object]) -> Row:
    """One row for many cells: the one closest to a violation, and how many violate the bound.

    Cells that are ``idle`` count apart: their sides are equal, or the gap is 0, at every policy.
    """
    violated = part["gap"] > part[bound] + part["rounding"]
    live = part[~part["idle"] | violated]
    shown = live if len(live) else part
    at = shown.iloc[nearest(*(shown[x].to_numpy() for x in ("gap", bound, "rounding")))]
    ratio = ratios(*(part[column] for column in ("gap", bound, "rounding")))
    numbers = {
        "cells": len(live),
        "identities": len(part) - len(live),
        "violations": int(violated.sum()),
        "largest_excess": float((part["gap"] - part[bound]).max()),
        "largest_gap": float(part["gap"].max()),
        "ratio_median": float(np.median(ratio)),
        "ratio_99": float(np.quantile(ratio, 0.99)),
        "ratio_max": float(ratio.max()),
        "worst_gap": float(at["gap"]),
        "worst_bound": float(at["bound"]),
        "worst_kappa_bound": float(at["kappa_bound"]),
        "worst_reach": float(at["reach"]),
    }
    sides = (float(at["gap"]), float(at[bound]), float(at["rounding"]))
    note = "gap and bound, exact, of the cell closest to a violation"
    return inequality(claim, name, extra, *sides, note, numbers, identity=not len(live))


def grouped(
    frame: pd.DataFrame, columns: list[str]
) -> list[tuple[str, dict[str, object], pd.DataFrame]]:
    """The lines by instance and ``columns``: name, what they share, and they themselves."""
    return [
        (str(name), dict(zip(columns, shared, strict=True)), part)
        for (name, *shared), part in frame.groupby(["instance", *columns], sort=True)
    ]


def overall(claim: str, frame: pd.DataFrame, bound: str) -> list[Row]:
    """All cells of a claim in one row for policies as they come and one for first-order points."""
    kinds = {"all policies": ~frame["arrived"], "all first-order points": frame["arrived"]}
    return [
        summary(claim, of_all(frame), frame[kind], bound, {"where": name})
        for name, kind in kinds.items()
        if kind.any()
    ]


def of_all(frame: pd.DataFrame) -> str:
    """What stands for the instance in a row about all of them."""
    names = frame["instance"].unique()
    return str(names[0]) if len(names) == 1 else "all"


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
            false = jax.vmap(FALSE_BOUNDS[scope.mutant])(cells.certificate)
            cells = Cells(cells.frame.assign(bound=np.asarray(false)[:, 0]), cells.certificate)
        frame = cells.frame.assign(idle=_tautologies(cells.frame))
        for name, shared, part in grouped(frame, ["group_size", "ddof", "eps", "where"]):
            table.append(summary("T2.gap", name, part, "bound", shared))
        frames.append(frame)
    return [*table, *overall("T2.gap", pd.concat(frames, ignore_index=True), "bound")]


CLAIM = Claim(
    name="T2.gap",
    statement="J*_q - J_q <= min_c [phi_q/c + sum_k w_k |1 - c_k/c| u_k], at every policy",
    provenance="derived",
    expected="holds",
    proof=("grpo_checks.theory.convergence.decomposition_gap",),
    figures=("t2_gap",),
    assumptions=(BINARY,),
    mutants=MUTANTS,
    runs=training_runs,
    rows=rows,
    exact=GAP,
)
