"""T2.kappa: at first-order points the gap is bounded by how unequal the responses can be."""

from collections.abc import Mapping
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd

from grpo_checks.experiments.claims.decomposition import facts
from grpo_checks.experiments.claims.decomposition.cases import (
    DECOMPOSED,
    TRAINED_AT,
    saturated,
    static_cells,
)
from grpo_checks.experiments.claims.decomposition.cells import DEGREE
from grpo_checks.experiments.claims.decomposition.gap import CONSTANT_RESPONSE
from grpo_checks.experiments.claims.decomposition.sharp_cells import sharp_frame, sharp_rows
from grpo_checks.experiments.claims.decomposition.summaries import grouped, of_all, overall, summary
from grpo_checks.experiments.claims.decomposition.training_cells import (
    training_cells,
    training_runs,
)
from grpo_checks.experiments.models.settings import RunResult, RunSettings
from grpo_checks.experiments.points.decomposition.first_order_search import KAPPA
from grpo_checks.experiments.protocol.assumptions import BINARY, in_cells
from grpo_checks.experiments.protocol.cell_rows import inequality
from grpo_checks.experiments.protocol.claim import Claim, Row, Scope
from grpo_checks.theory.convergence.decomposition_gap import FIRST_ORDER, kappa_factor
from grpo_checks.theory.convergence.worst_case import tightest
from grpo_checks.theory.estimators.response import coefficients, kappa
from grpo_checks.theory.updates.potential import potential_value
from grpo_checks.theory.updates.rounding import rounding

UNMET = "phi is not 0: no first-order point, T2.gap applies and T2.kappa does not"
OPTIONS = ["group_size", "ddof", "eps"]
RESPONSE_STEPS = 8 * DEGREE
"""Roundings of kappa: two sums of positive terms with powers of p, 1 - p and binomials."""


@cache
def saturated_gradient() -> float:
    """|grad Jtilde| at the policy of ``saturated``, by automatic differentiation."""
    _, mdp, policy, theta, *_ = saturated()
    slope = jax.grad(lambda t: potential_value(mdp, policy, t, TRAINED_AT, DECOMPOSED))
    return float(jnp.linalg.norm(jax.jit(slope)(theta)))


def _bounded(frame: pd.DataFrame, mutant: str | None) -> pd.DataFrame:
    """The cells that the claim speaks of, with the bound that it states."""
    reached = frame["first_order"] <= FIRST_ORDER
    # A residual that ascent left is a distance from the assumption, not evidence against the claim.
    off = frame["rounding"] + frame["left"].where(reached, 0.0)
    bound = frame["kappa_bound"]
    if mutant == "kappa factor halved":
        bound = bound / 2
    if mutant == "kappa_4 replaced by 1":
        bound = bound.where(frame["group_size"] != 4, 0.0)
    if mutant == "three quarters for K >= 3":
        bound = bound.where(frame["moving"] < 3, 0.75 * bound)
    if mutant == "where the gradient vanishes" and saturated_gradient() < 1e-6:
        reached |= frame["instance"] == "saturated"
    return frame.assign(kappa_bound=bound, rounding=off)[reached]


def _largest_kappa(frame: pd.DataFrame) -> list[Row]:
    """The table of kappa_G: no policy and no option makes responses more unequal.

    Nothing is at stake where they are one number whatever the policy.
    """
    rows = []
    for _, part in frame.groupby(OPTIONS, sort=True):
        size, ddof, eps = (part[name].iloc[0].item() for name in OPTIONS)
        unequal = part[part["responses"] > 1]
        worst, limit = float(part["kappa"].max()), kappa(size)
        shared = {"group_size": size, "ddof": ddof, "eps": eps, "where": "any policy"}
        extra = {
            "cells": len(unequal),
            "kappa_G": limit,
            "kappa_options": kappa(size, ddof, eps),
            "factor": float(kappa_factor(jnp.asarray(limit))),
        }
        labels = ("T2.kappa", of_all(frame), shared, worst, limit, rounding(limit, RESPONSE_STEPS))
        note, idle = "largest kappa against kappa_G", size in CONSTANT_RESPONSE or unequal.empty
        rows.append(inequality(*labels, note, extra, idle))
    return rows


def _elsewhere(frame: pd.DataFrame) -> list[Row]:
    """Policies that are not first-order points, by kind: the claim says nothing of them."""
    far = frame[frame["first_order"] > FIRST_ORDER]
    rows = []
    for name, shared, part in grouped(far, ["group_size", "where"]):
        extra = {
            "cells": len(part),
            "largest_gap": float(part["gap"].max()),
            "largest_residual": float(part["residual"].max()),
            "would_violate": int((part["gap"] > part["kappa_bound"] + part["rounding"]).sum()),
        }
        if name == "saturated":
            extra["gradient_norm"] = saturated_gradient()
        labels = ("T2.kappa", name, shared, None, None, None, None)
        rows.append(Row(*labels, "assumption unmet", UNMET, extra))
    return rows


def _searched(profile: str) -> list[Row]:
    """The tightest first-order points that gradient ascent over instances finds."""
    rows = []
    for size in (4, 8, 64) if profile == "paper" else ():
        points, before = tightest(jax.random.key(size), coefficients(size), 32, 300)
        ratio, off = map(np.asarray, jax.vmap(lambda point: (point.ratio, point.error))(points))
        at = int((ratio - off).argmax())
        shared = {"components": 2, "group_size": size, "where": "search over instances"}
        extra = {
            "cells": ratio.size,
            "ratio_median": float(np.median(ratio)),
            "ratio_before": float(np.median(np.asarray(before))),
            "largest_residual": float(jax.vmap(lambda point: point.residual)(points).max()),
        }
        labels = ("T2.kappa", "menu, searched", shared, float(ratio[at]), 1.0, float(off[at]))
        rows.append(inequality(*labels, "largest gap/bound found", extra))
    return rows


def rows(scope: Scope, results: Mapping[RunSettings, RunResult]) -> list[Row]:
    """First-order points by instance and group size; kappa_G; and where nothing is claimed."""
    frames = [cells.frame for cells in static_cells(scope.profile, scope.instance)]
    runs = training_runs(scope)
    if runs:
        trained = training_cells(runs, results, only_ends=True).frame
        frames.append(trained)
    frame = pd.concat(frames, ignore_index=True)
    frame["idle"] = frame["stake"] == 0
    bounded = _bounded(frame, scope.mutant)
    table = [
        summary("T2.kappa", name, part, "kappa_bound", {**shared, "where": "first-order point"})
        for name, shared, part in grouped(bounded, OPTIONS)
    ]
    # Whether ascent arrived there or the policy was there already makes no difference here.
    table += overall("T2.kappa", bounded.assign(arrived=True), "kappa_bound")
    if scope.instance is None:
        table += sharp_rows("T2.kappa", _bounded(sharp_frame(scope.profile), scope.mutant))
    if scope.mutant is not None:
        return table
    searched = _searched(scope.profile) if scope.instance is None else []
    return [*table, *_largest_kappa(frame), *searched, *_elsewhere(frame)]


CLAIM = Claim(
    name="T2.kappa",
    statement="where phi_q = 0, J*_q - J_q <= (kappa-1)/(kappa+1) sum_k w_k u_k, kappa <= kappa_G",
    provenance="derived",
    expected="holds",
    proof=("grpo_checks.theory.convergence.decomposition_gap",),
    figures=("t2_gap",),
    facts={"T2.kappa": facts.kappa, "T2.kappa, by K": facts.kappa_by_components},
    assumptions=(BINARY, in_cells("a first-order point: phi_q = 0")),
    runs=training_runs,
    rows=rows,
    exact=KAPPA,
)
