"""Figures of Theorem 1, from its rows."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from grpo_checks.figures.style import (
    BOUND,
    ESTIMATORS,
    OBSERVED,
    PAGE_WIDTH,
    RC,
    REFERENCE,
    TERMS,
    shared_legend,
)

STEPS = "number of steps $T$"
AVERAGE = r"average of $|\nabla J|^2$"


def _curves(axes: Axes, data: pd.DataFrame) -> None:
    """Observed with its confidence band, the bound, and a reference of slope -1/2."""
    t = data["n_steps"].to_numpy(float)
    observed = data["observed"].to_numpy(float)
    axes.fill_between(t, data["lower"], data["upper"], color=OBSERVED, alpha=0.25, linewidth=0)
    axes.plot(t, observed, "o-", color=OBSERVED, label="observed, with confidence band")
    axes.plot(t, data["bound"], "s--", color=BOUND, label="bound")
    # Half-way between the two curves, so that neither hides it.
    reference = np.sqrt(observed[0] * data["bound"].to_numpy(float)[0]) * np.sqrt(t[0] / t)
    axes.plot(t, reference, ":", color=REFERENCE, label="slope $-1/2$")
    axes.set_xscale("log")
    axes.set_yscale("log")


def one_k(rows: pd.DataFrame, wanted: int = 3) -> pd.DataFrame:
    """For each instance and estimator the cells whose number of components is next to ``wanted``.

    Counts become whole numbers again: a table with gaps stores them as floats.
    """
    counts = ["components", "group_size", "n_steps"]
    rows = rows.astype(dict.fromkeys(counts, int))
    distance = (rows["components"] - wanted).abs()
    kind = [rows["instance"], rows["estimator"]]
    return rows[distance == distance.groupby(kind).transform("min")]


def rate(rows: pd.DataFrame) -> Figure | None:
    """T1.rate: a row of panels per instance, one for each group size that was checked."""
    data = rows[(rows["claim"] == "T1.rate") & rows["observed"].notna()]
    if data.empty:
        return None
    data = one_k(data).sort_values("n_steps")
    rows_of = {str(name): _by_group(cells) for name, cells in data.groupby("instance")}
    columns = max(len(cells) for cells in rows_of.values())
    with rc_context(dict(RC)):  # type: ignore[arg-type]
        figure = Figure((PAGE_WIDTH, 0.6 + 1.35 * len(rows_of)), layout="constrained")
        grid = figure.subplots(len(rows_of), columns, sharex=True, sharey="row", squeeze=False)
        for panels, (instance, cells) in zip(grid, rows_of.items(), strict=True):
            for axes in panels[len(cells) :]:
                axes.set_axis_off()
            for axes, (group, cell) in zip(panels, cells, strict=False):
                _curves(axes, cell)
                axes.set_title(f"{instance}, K = {cell['components'].iloc[0]}, G = {group}")
        figure.supxlabel(STEPS, fontsize=8)
        figure.supylabel(AVERAGE, fontsize=8)
        shared_legend(figure, grid[0, 0])
    return figure


def _by_group(cells: pd.DataFrame) -> list[tuple[int, pd.DataFrame]]:
    """The cells of each group size that was checked, smallest first."""
    sizes = sorted(cells["group_size"].unique())
    return [(int(g), cells[cells["group_size"] == g]) for g in sizes]


def _points(row: pd.Series) -> pd.DataFrame:
    """The averages that a slope was fitted to, as columns of the kind that T1.rate has."""
    prefix = "average at T="
    lengths = sorted(
        int(c[len(prefix) :]) for c in row.index if c.startswith(prefix) and row[c] > 0
    )
    names = {"observed": "average", "lower": "lower", "upper": "upper", "bound": "bound"}
    columns = {k: [row[f"{name} at T={t}"] for t in lengths] for k, name in names.items()}
    return pd.DataFrame({"n_steps": lengths, **columns})


def slope(rows: pd.DataFrame) -> Figure | None:
    """T1.slope: one panel per group size, with the fitted slope in its title."""
    data = rows[(rows["claim"] == "T1.slope") & rows["observed"].notna()]
    if data.empty:
        return None
    with rc_context(dict(RC)):  # type: ignore[arg-type]
        figure = Figure((PAGE_WIDTH, 2.6), layout="constrained")
        panels: Sequence[Axes] = figure.subplots(1, len(data), sharey=True, squeeze=False)[0]
        for axes, (_, row) in zip(panels, data.iterrows(), strict=True):
            _curves(axes, _points(row))
            limits = f"[{row['lower']:.3f}, {row['upper']:.3f}]"
            group = int(row["group_size"])
            axes.set_title(f"conflict, G = {group}: slope {row['observed']:.3f} in {limits}")
            axes.set_xlabel(STEPS)
        panels[0].set_ylabel(AVERAGE)
        shared_legend(figure, panels[0])
    return figure


def path(rows: pd.DataFrame) -> Figure | None:
    """T1.path: what the bound consists of, and how much of it was observed, longest runs."""
    data = rows[(rows["claim"] == "T1.path") & rows["observed"].notna()]
    data = data[data["prompts"].isna()] if len(data) else data
    if data.empty:
        return None
    kind = ["instance", "estimator", "group_size"]
    data = one_k(data)
    data = data[data["n_steps"] == data.groupby(kind)["n_steps"].transform("max")]
    data = data.sort_values(kind).drop_duplicates(kind)
    with rc_context(dict(RC)):  # type: ignore[arg-type]
        figure = Figure((PAGE_WIDTH, 0.9 + 0.19 * len(data)), layout="constrained")
        axes = figure.subplots()
        _shares(axes, data)
        shared_legend(figure, axes)
    return figure


def _shares(axes: Axes, data: pd.DataFrame) -> None:
    names = data["estimator"].map(ESTIMATORS)
    labels = [
        f"{r.instance}, {name}, K = {r.components}, G = {r.group_size}, T = {r.n_steps:,}"
        for r, name in zip(data.itertuples(), names, strict=True)
    ]
    left = np.zeros(len(data))
    for term, (colour, hatch) in TERMS.items():
        share = (data[term] / data["bound"]).to_numpy(float)
        axes.barh(
            labels, share, left=left, color=colour, hatch=hatch, edgecolor="white", label=term
        )
        left += share
    axes.plot(data["observed"] / data["bound"], labels, "D", color="black", label="observed")
    axes.invert_yaxis()
    axes.set_xlim(0, 1)
    axes.margins(y=0.02)
    axes.set_xlabel("share of the bound T1.path")
