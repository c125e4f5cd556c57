"""Figures of Theorem 1, from its rows."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from grpo_checks.figures.style import (
    BOUND,
    COLUMN_WIDTH,
    ESTIMATORS,
    OBSERVED,
    PAGE_WIDTH,
    REFERENCE,
    SERIES,
    TERMS,
    series,
    shared_legend,
    stacked,
    styled,
)

STEPS = "number of steps $T$"
AVERAGE = r"average of $|\nabla J|^2$"
EXAMPLES = ("conflict", "bits")
"""Where the average falls from the first step, and where it first rises, leaving a plateau."""


def _curves(axes: Axes, data: pd.DataFrame) -> None:
    """Observed with its confidence band, the bound, and a reference of slope -1/2."""
    t = data["n_steps"].to_numpy(float)
    observed = data["observed"].to_numpy(float)
    axes.fill_between(t, data["lower"], data["upper"], color=OBSERVED, alpha=0.25, linewidth=0)
    axes.plot(t, observed, "o-", color=OBSERVED, label="observed, with its limits")
    axes.plot(t, data["bound"], "s--", color=BOUND, label="bound")
    # Half-way between the two curves, so that neither hides it.
    reference = np.sqrt(observed[0] * data["bound"].to_numpy(float)[0]) * np.sqrt(t[0] / t)
    axes.plot(t, reference, ":", color=REFERENCE, label="slope $-1/2$")
    axes.set(xscale="log", yscale="log")


def one_k(rows: pd.DataFrame, wanted: int = 3) -> pd.DataFrame:
    """For each instance and estimator the cells whose number of components is next to ``wanted``.

    Counts become whole numbers again: a table with gaps stores them as floats.
    """
    counts = ["components", "group_size", "n_steps"]
    rows = rows.astype(dict.fromkeys(counts, int))
    distance = (rows["components"] - wanted).abs()
    kind = [rows["instance"], rows["estimator"]]
    return rows[distance == distance.groupby(kind).transform("min")]


@styled
def rate(rows: pd.DataFrame) -> Figure | None:
    """T1.rate: two runs at the smallest group, and how far the bound lies above every cell."""
    data = rows[(rows["claim"] == "T1.rate") & rows["observed"].notna()]
    if data.empty:
        return None
    runs = one_k(data).sort_values("n_steps")
    runs = runs[runs["group_size"] == runs.groupby("instance")["group_size"].transform("min")]
    names = [str(name) for name in runs["instance"].unique()]
    shown = [name for name in EXAMPLES if name in names] or names[:2]
    figure = Figure((COLUMN_WIDTH, 4.6), layout="constrained")
    above, below = np.ravel(np.array(figure.subfigures(2, 1)))
    panels = above.subplots(1, len(shown), sharey=True, squeeze=False)[0]
    for axes, name in zip(panels, shown, strict=True):
        run = runs[runs["instance"] == name]
        _curves(axes, run)
        k, group = run[["components", "group_size"]].iloc[0]
        axes.set_title(f"{name}, K = {k}, G = {group}")
    panels[0].set_ylabel(AVERAGE)
    above.supxlabel(STEPS, fontsize=8)
    shared_legend(above, panels[0], 2)
    _looseness(below.subplots(), data)
    return figure


def _looseness(axes: Axes, data: pd.DataFrame) -> None:
    """Per model and T: median and range of bound/observed over K and G, least of bound/upper."""
    lengths = sorted(data["n_steps"].unique())
    for i, (name, cells) in enumerate(data.groupby("instance")):
        ratio = (cells["bound"] / cells["observed"]).groupby(cells["n_steps"])
        place = np.arange(len(lengths))[np.isin(lengths, cells["n_steps"])] + 0.15 * (i - 2)
        least, middle, most = ratio.min(), ratio.median(), ratio.max()
        look = {**SERIES[i % len(SERIES)], "linestyle": ""}
        axes.errorbar(place, middle, yerr=[middle - least, most - middle], label=name, **look)
        surely = (cells["bound"] / cells["upper"]).groupby(cells["n_steps"]).min()
        axes.plot(place, surely, "_", color=look["color"], markersize=7)
    axes.axhline(1, color=REFERENCE, linestyle="--", linewidth=0.9)
    axes.set_yscale("log")
    axes.set_xticks(range(len(lengths)), [f"{int(t):,}" for t in lengths])
    axes.set(xlabel=f"{STEPS}; all {len(data)} cells", ylabel="bound over observed")
    axes.legend(frameon=False, ncols=3, loc="lower center", bbox_to_anchor=(0.45, 1.0))


def _points(row: pd.Series) -> pd.DataFrame:
    """The averages that a slope was fitted to, as columns of the kind that T1.rate has."""
    names = {"observed": "average", "lower": "lower", "upper": "upper", "bound": "bound"}
    points = pd.DataFrame({k: series(row, f"{name} at T=")[1] for k, name in names.items()})
    points["n_steps"] = series(row, "average at T=")[0]
    return points[points["observed"] > 0]


@styled
def slope(rows: pd.DataFrame) -> Figure | None:
    """T1.slope: one panel per group size, with the fitted slope in its title."""
    data = rows[(rows["claim"] == "T1.slope") & rows["observed"].notna()]
    if data.empty:
        return None
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


@styled
def path(rows: pd.DataFrame) -> Figure | None:
    """T1.path: per model and estimator, the bound's terms where the last two weigh the most."""
    data = rows[(rows["claim"] == "T1.path") & rows["observed"].notna()]
    data = data[data["prompts"].isna()] if "prompts" in data else data
    if data.empty:
        return None
    columns = ["estimator", "instance", "components", "group_size", "n_steps", "observed", "bound"]
    kinds = data[[*columns, *TERMS]].groupby(["estimator", "instance"])
    figure = Figure((COLUMN_WIDTH, 1.1 + 0.33 * kinds.ngroups), layout="constrained")
    axes = figure.subplots()
    _shares(axes, [_least_optimisation(cells) for _, cells in kinds])
    for place, (_, cells) in enumerate(kinds):
        used = cells["observed"] / cells["bound"]
        axes.plot([used.min(), used.max()], [place, place], "|-", color="black", ms=6)
    shared_legend(figure, axes, 2)
    return figure


def _least_optimisation(cells: pd.DataFrame) -> pd.Series:
    return cells.iloc[int((cells["optimisation"] / cells["bound"]).to_numpy().argmin())]


def _shares(axes: Axes, cells: Sequence[pd.Series]) -> None:
    """A bar per cell, of the terms of its bound; what was observed as a diamond."""
    labels = [
        f"{cell['instance']}, {ESTIMATORS[cell['estimator']]}\n"
        f"K = {cell['components']:.0f}, G = {cell['group_size']:.0f}, T = {cell['n_steps']:,.0f}"
        for cell in cells
    ]
    shares = {
        term: (np.array([cell[term] / cell["bound"] for cell in cells]), look)
        for term, look in TERMS.items()
    }
    stacked(axes, range(len(cells)), shares)
    used = [cell["observed"] / cell["bound"] for cell in cells]
    axes.plot(used, range(len(cells)), "D", color="black", mec="white", label="observed")
    axes.set_yticks(range(len(cells)), labels)
    axes.margins(y=0.02)
    axes.set_xlabel("share of the bound T1.path")
