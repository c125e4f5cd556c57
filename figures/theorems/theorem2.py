"""Figures of Theorem 2, from its rows."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from grpo_checks.figures.style import (
    BOUND,
    COLUMN_WIDTH,
    OBSERVED,
    PAGE_WIDTH,
    REFERENCE,
    SERIES,
    doubling,
    shared_legend,
    styled,
)

SHARE = r"share of $\sum_k w_k u_k$"
SHOWN = {
    "sharp": "sharp, two calls in tension",
    "menu": "menu, from a uniform start",
    "menu, in tension": "random calls in tension",
}
DECOMPOSED, JOINT = OBSERVED, BOUND


def _plain(rows: pd.DataFrame, claim: str) -> pd.DataFrame:
    """The rows of a claim at eps = 0 and ddof = 0."""
    if not {"claim", "where", "ddof", "eps"} <= set(rows.columns):
        return rows.iloc[:0]
    return rows[(rows["claim"] == claim) & (rows["ddof"] == 0) & (rows["eps"] == 0)]


def _costs(axes: Axes, points: pd.DataFrame, table: pd.DataFrame) -> None:
    """The exact gap against G, below (kappa_G - 1)/(kappa_G + 1), which no such point exceeds."""
    sizes, limit = table["group_size"].to_numpy(float), table["factor"].to_numpy(float)
    axes.fill_between(sizes, limit, max(1.1 * limit.max(), 0.01), color=REFERENCE, alpha=0.18, lw=0)
    axes.plot(sizes, limit, "-", color=REFERENCE, lw=2.5, label=r"$(\kappa_G-1)/(\kappa_G+1)$")
    for (name, label), look in zip(SHOWN.items(), SERIES, strict=False):
        cell = points[points["instance"] == name].sort_values("group_size")
        lost = cell["worst_gap"].clip(lower=0) / cell["worst_reach"]
        axes.plot(cell["group_size"], lost, label=label, **look)
    doubling(axes)
    axes.set_xticks([2, 4, 8, 16, 32, 64])
    axes.set_ylabel("exact gap, " + SHARE)
    axes.legend(frameon=False, loc="upper left")


def _use(axes: Axes, points: pd.DataFrame) -> None:
    """Gap against both bounds of every point: on the diagonal a bound is reached."""
    lost = points["worst_gap"].clip(lower=0) / points["worst_reach"]
    bounds: Sequence[tuple[str, str, Mapping[str, Any]]] = (
        ("worst_kappa_bound", "T2.kappa", {"marker": "s", "color": BOUND, "mfc": "none", "ms": 6}),
        ("worst_bound", "T2.gap", {"marker": "v", "color": "black", "ms": 3}),
    )
    for column, label, look in bounds:
        axes.plot(points[column] / points["worst_reach"], lost, linestyle="", label=label, **look)
    axes.axline((0, 0), slope=1, color=REFERENCE, ls="--", lw=0.8, label="bound reached")
    axes.set_xlabel(f"bound, {SHARE}; {len(points)} points of all models")
    axes.set_ylabel("exact gap, " + SHARE)
    axes.legend(frameon=False, loc="upper left")


@styled
def gap(rows: pd.DataFrame) -> Figure | None:
    """T2.gap and T2.kappa at first-order points: the gap against G, and against its bounds."""
    data = _plain(rows, "T2.kappa")
    if data.empty:
        return None
    points = data[data["where"] == "first-order point"]
    table = data[data["where"] == "any policy"].sort_values("group_size")
    if points.empty or table.empty:
        return None
    figure = Figure((COLUMN_WIDTH, 5.0), layout="constrained")
    above, below = figure.subplots(2, 1)
    _costs(above, points, table)
    _use(below, points)
    return figure


def _points(text: str) -> np.ndarray:
    return np.array([[float(x) for x in point.split()] for point in str(text).split(";")])


@styled
def region(rows: pd.DataFrame) -> Figure | None:
    """T2.potential: what two components can attain, both optima and their level lines."""
    if "region" not in rows.columns:
        return None
    data = rows[(rows["claim"] == "T2.potential") & rows["region"].notna()]
    if data.empty:
        return None
    figure = Figure((PAGE_WIDTH, 2.9), layout="constrained")
    panels = figure.subplots(1, len(data), sharey=True, squeeze=False)[0]
    for axes, (_, row) in zip(panels, data.sort_values("group_size").iterrows(), strict=True):
        _attainable(axes, row)
        trained = rows[(rows["claim"] == "T2.potential") & rows["mean_success_1"].notna()]
        trained = trained[trained["group_size"] == row["group_size"]]
        axes.plot(
            trained["mean_success_1"], trained["mean_success_2"], "k+", ms=11, mew=1.2,
            label="trained, decomposed (mean)",
        )  # fmt: skip
        axes.set_title(f"menu, G = {int(row['group_size'])}")
        axes.set_xlabel("$J_{q1}$, success of component 1")
    panels[0].set_ylabel("$J_{q2}$, success of component 2")
    shared_legend(figure, panels[0], 3)
    return figure


def _attainable(axes: Axes, row: pd.Series) -> None:
    polygon, line = _points(row["region"]), _points(row["level_line"])
    joint, decomposed = _points(row["joint_point"])[0], _points(row["decomposed_point"])[0]
    weights = _points(row["weights"])[0]
    axes.fill(*polygon.T, color="#DDDDDD", edgecolor="none", label="attainable")
    x = np.array([0.0, 1.0])
    level = (weights @ joint - weights[0] * x) / weights[1]
    axes.plot(x, level, "--", color=JOINT, label="level line of $J$ at its optimum")
    axes.plot(*line.T, "-", color=DECOMPOSED, label=r"level line of $\tilde J$ at its optimum")
    axes.plot(*joint, "s", color=JOINT, ms=7, label="joint optimum (of $J$)")
    axes.plot(*decomposed, "o", color=DECOMPOSED, ms=7, label=r"decomposed optimum (of $\tilde J$)")
    axes.set(xlim=(-0.02, 1.12 * polygon[:, 0].max()), ylim=(-0.02, 1.6 * polygon[:, 1].max()))
