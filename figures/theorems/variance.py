"""Figures of the exact variance: against group size, components and a budget of episodes."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from grpo_checks.figures.style import (
    BOUND,
    COLUMN_WIDTH,
    PAGE_WIDTH,
    REFERENCE,
    SERIES,
    series,
    shared_legend,
    styled,
)

GROUP = "group size $G$"


def _panel(axes: Axes, title: str, x: str, y: str) -> None:
    axes.set(xscale="log", yscale="log", title=title, xlabel=x, ylabel=y)


def _group_ticks(axes: Axes, sizes: np.ndarray) -> None:
    """Sizes that were computed, every third, as numbers."""
    axes.set_xticks(sizes[::3], [f"{size:g}" for size in sizes[::3]])
    axes.xaxis.set_minor_locator(NullLocator())


@styled
def by_group_size(rows: pd.DataFrame) -> Figure | None:
    """T1.G: a panel for the full sweep and one for sampled prompts, per instance a column."""
    data = rows[(rows["claim"] == "T1.G") & rows["observed"].notna()]
    data = data.drop_duplicates("instance")
    if data.empty:
        return None
    height = -(-len(data) // 3)
    figure = Figure((PAGE_WIDTH, 0.4 + 1.8 * height), layout="constrained")
    panels = figure.subplots(height, 3, sharex=True, squeeze=False).reshape(-1)
    for axes, (_, row) in zip(panels, data.iterrows(), strict=False):
        g, sweep = series(row, "V at G=")
        _, drawn = series(row, "V of one prompt at G=")
        axes.plot(g, sweep, label="full sweep", **SERIES[0])
        axes.plot(g, drawn, label="one sampled prompt", **SERIES[1])
        axes.plot(g, row["limit"] / g, ":", color=REFERENCE, label="limit$/G$")
        if row["floor"] > 0:
            axes.axhline(row["floor"], color=BOUND, ls="-.", lw=0.9, label="floor")
        _panel(axes, str(row["instance"]), "", "")
        _group_ticks(axes, g)
    for axes in panels[len(data) :]:
        axes.set_axis_off()
    for axes in panels[max(0, len(data) - 3) : len(data)]:
        axes.tick_params(labelbottom=True)
    figure.supxlabel(GROUP, fontsize=8)
    figure.supylabel("exact variance $V$", fontsize=8)
    shared_legend(figure, panels[0])
    return figure


@styled
def by_components(rows: pd.DataFrame) -> Figure | None:
    """T1.K: growth of V with the number of components, for each estimator and correlation."""
    data = rows[(rows["claim"] == "T1.K") & rows["observed"].notna()]
    if data.empty:
        return None
    data = data[data["V at K=1"].notna()]
    data = data[data.reindex(columns=["weights"])["weights"] != "1/K"]
    figure = Figure((COLUMN_WIDTH, 3.2), layout="constrained")
    axes = figure.subplots()
    for look, (_, row) in zip(SERIES, data.iterrows(), strict=False):
        k, v = series(row, "V at K=")
        short = "RLOO" if row["estimator"] == "leave_one_out" else "GRPO"
        label = f"{short}, {row['correlation']:g}: {row['observed']:.2f}"
        axes.plot(k, v / v[0], label=label, **look)
    k = np.linspace(1, 6)
    axes.plot(k, k, ":", color=REFERENCE, label="$K$ and $K^2$")
    axes.plot(k, k**2, ":", color=REFERENCE)
    _panel(axes, "bits, unit weights, G = 8", "components $K$", "$V(K)/V(1)$")
    axes.set_xticks([1, 2, 3, 4, 5, 6], labels=[str(n) for n in range(1, 7)])
    axes.minorticks_off()
    shared_legend(figure, axes, 2, "correlation: fitted exponent")
    return figure


@styled
def by_budget(rows: pd.DataFrame) -> Figure | None:
    """T1.budget: N V against G relative to its minimum, and G* where the closed form puts it."""
    data = rows[(rows["claim"] == "T1.budget") & rows["observed"].notna()]
    data = data.drop_duplicates("instance")
    if data.empty:
        return None
    figure = Figure((COLUMN_WIDTH, 2.8), layout="constrained")
    axes = figure.subplots()
    for look, (_, row) in zip(SERIES, data.iterrows(), strict=False):
        g, cost = series(row, "N V at G=")
        name = f"{row['instance']}: $G^*$ = {row['best_real_group_size']:.2f}"
        axes.plot(g, cost / cost.min(), label=name, **look)
        axes.axvline(row["best_real_group_size"], color=look["color"], ls=":", lw=0.8)
    _panel(axes, "RLOO, sampled prompts, fixed budget", GROUP, "$NV$ over its minimum")
    axes.set_xticks([2, 4, 8, 16, 32, 64], labels=["2", "4", "8", "16", "32", "64"])
    axes.set_yticks([1, 2, 4, 8], labels=["1", "2", "4", "8"])
    axes.minorticks_off()
    shared_legend(figure, axes, 2)
    return figure
