"""T2.gap: the decomposition gap is certified at every policy, trained or not."""

from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd

from experiments.assumptions import BINARY
from experiments.claim import Claim, Row, Scope, Verdict
from experiments.points.gap_search import GAP
from experiments.runs import RunResult
from experiments.settings import RunSettings
from experiments.theorem2_cases import (
    static_cells,
    training_cells,
    training_runs,
)
from experiments.theorem2_cells import Cells
from theory.theorem2 import Certificate, gap_bound

TOLERANCE = 1e-10
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


def ratios(gap: pd.Series, bound: pd.Series) -> np.ndarray:
    """gap/bound; 0 where the gap is."""
    none = gap.to_numpy() <= TOLERANCE
    return np.where(none, 0.0, gap / np.where(bound > 0, bound, 1e-300))


def summary(claim: str, name: str, part: pd.DataFrame, bound: str, extra: dict[str, object]) -> Row:
    """One row for many cells: the largest gap/bound, and how many cells violate the bound."""
    ratio = ratios(part["gap"], part[bound])
    violations = int((part["gap"] > part[bound] + TOLERANCE).sum())
    verdict: Verdict = "refuted" if violations else "holds"
    worst = float(ratio.max())
    # Where no cell has a gap, the one whose bound is largest.
    at = part.iloc[int(ratio.argmax() if worst else part[bound].to_numpy().argmax())]
    numbers = {
        "cells": len(part),
        "violations": violations,
        "largest_excess": float((part["gap"] - part[bound]).max()),
        "largest_gap": float(part["gap"].max()),
        "ratio_median": float(np.median(ratio)),
        "ratio_99": float(np.quantile(ratio, 0.99)),
        "ratio_max": worst,
        "worst_gap": float(at["gap"]),
        "worst_bound": float(at["bound"]),
        "worst_kappa_bound": float(at["kappa_bound"]),
        "worst_reach": float(at["reach"]),
    }
    # Where the gap is small its ratio is rounded: the verdict is by the excess.
    head = (claim, name, extra, worst, worst, worst, 1.0)
    return Row(*head, verdict, "exact: largest gap/bound of the cells", numbers)


def grouped(
    frame: pd.DataFrame, columns: list[str]
) -> list[tuple[str, dict[str, object], pd.DataFrame]]:
    """The lines by instance and ``columns``: name, what they share, and they themselves."""
    return [
        (str(name), dict(zip(columns, shared, strict=True)), part)
        for (name, *shared), part in frame.groupby(["instance", *columns], sort=True)
    ]


def whole(claim: str, frame: pd.DataFrame, bound: str) -> list[Row]:
    """All cells of a claim in one row for policies as they come and one for first-order points."""
    kinds = {"all policies": ~frame["arrived"], "all first-order points": frame["arrived"]}
    return [
        summary(claim, "all", frame[kind], bound, {"where": name})
        for name, kind in kinds.items()
        if kind.any()
    ]


def rows(scope: Scope, results: Mapping[RunSettings, RunResult]) -> list[Row]:
    """A row for each instance, group size and kind of policy."""
    stacks = list(static_cells(scope.profile, scope.instance))
    runs = training_runs(scope)
    if runs and scope.mutant is None:
        stacks.append(training_cells(runs, results))
    found, frames = [], []
    for cells in stacks:
        if scope.mutant is not None:
            false = jax.vmap(FALSE_BOUNDS[scope.mutant])(cells.certificate)
            cells = Cells(cells.frame.assign(bound=np.asarray(false)[:, 0]), cells.certificate)
        for name, shared, part in grouped(cells.frame, ["group_size", "ddof", "eps", "where"]):
            found.append(summary("T2.gap", name, part, "bound", shared))
        frames.append(cells.frame)
    return [*found, *whole("T2.gap", pd.concat(frames, ignore_index=True), "bound")]


CLAIM = Claim(
    name="T2.gap",
    statement="J*_q - J_q <= min_c [phi_q/c + sum_k w_k |1 - c_k/c| u_k], at every policy",
    provenance="derived",
    expected="holds",
    proof=("theory.theorem2",),
    figures=("t2_gap",),
    assumptions=(BINARY,),
    mutants=MUTANTS,
    runs=training_runs,
    rows=rows,
    exact=GAP,
)
