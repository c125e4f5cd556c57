"""Figures of Theorem 3 on coverage and tightness, from its rows."""

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
    shared_legend,
    styled,
)

NAMES = {
    "kl-xi": r"kl-$\xi$",
    "kl-2sqrt(n)": r"kl-$2\sqrt{n}$",
    "McAllester": "McAllester",
    "Catoni": "Catoni",
    "lambda": r"$\lambda$",
    "unexpected Bernstein": "unexp. Bernstein",
    "betting mixture": "betting mixture",
    "split 1/10": r"kl-$\xi$, prior of 1/10",
}
"""What the bounds are called on an axis."""
NATS = {
    "used": ("used by the sample", "#0072B2", ""),
    "jensen": ("Jensen", "#56B4E9", "...."),
    "change_of_measure": ("change of measure", "#009E73", "xxxx"),
    "markov": ("Markov", "#E69F00", "////"),
    "bernoulli": ("Bernoulli worst case", "#CC79A7", "\\\\\\\\"),
}
KINDS = {
    "Gibbs": ("Gibbs posterior", OBSERVED, "o"),
    "worst": ("worst posterior", BOUND, "^"),
    "given": ("one policy, hardest law", "black", "x"),
}
SMALLEST = 1e-9


@styled
def coverage(rows: pd.DataFrame) -> Figure | None:
    """T3.coverage: failure probability over delta, one mark per cell, a line per bound."""
    data = rows[(rows["claim"] == "T3.coverage") & rows["observed"].notna()]
    data = data[data["posterior"].isin(list(KINDS))] if len(data) else data
    if data.empty:
        return None
    names = list(data["bound_name"].unique())
    figure = Figure((PAGE_WIDTH, 0.9 + 0.26 * len(names)), layout="constrained")
    axes = figure.subplots()
    for step, (kind, (label, colour, marker)) in enumerate(KINDS.items()):
        cells = data[data["posterior"] == kind]
        ratio = np.maximum(cells["observed"] / cells["delta"], SMALLEST)
        height = cells["bound_name"].map(names.index) + 0.22 * (step - 1)
        axes.plot(ratio, height, marker, color=colour, alpha=0.6, label=label, linestyle="")
    axes.axvline(1, color=REFERENCE, linestyle="--", label=r"$\delta$")
    axes.set_xscale("log")
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.set_xlabel(r"exact failure probability over $\delta$ (0 and below $10^{-9}$: left edge)")
    figure.legend(loc="outside upper center", ncols=4, frameon=False)
    return figure


def _ratios(axes: Axes, cells: pd.DataFrame) -> None:
    """A line per bound, the nearest at the least n on top; a mark per number of tasks."""
    columns = [f"tightness {name}" for name in NAMES]
    columns = [c for c in columns if c in cells and cells[c].notna().any()]
    columns.sort(key=dict(zip(columns, cells[columns].to_numpy(float)[0], strict=True)).__getitem__)
    for look, (_, row) in zip(SERIES, cells.iterrows(), strict=False):
        mark = {**look, "linestyle": ""}
        axes.plot(row[columns], range(len(columns)), label=f"n = {row['n_tasks']:.0f}", **mark)
    for place, column in enumerate(columns):
        ends = [cells[column].min(), cells[column].max()]
        axes.plot(ends, [place, place], color=REFERENCE, linewidth=0.8, zorder=0)
    axes.axvline(1, color=REFERENCE, linestyle="--", linewidth=0.9)
    axes.set_yticks(range(len(columns)), [NAMES[c.removeprefix("tightness ")] for c in columns])
    axes.invert_yaxis()
    axes.set_xlabel("mean offset / oracle offset")


def _slack(axes: Axes, cells: pd.DataFrame) -> None:
    labels, left = [f"{int(n)}" for n in cells["n_tasks"]], np.zeros(len(cells))
    for name, (label, colour, hatch) in NATS.items():
        nats = cells[f"nats {name}"].to_numpy(float)
        axes.bar(
            labels, nats, bottom=left, color=colour, hatch=hatch, edgecolor="white", label=label
        )
        left += nats
    axes.plot(labels, cells["nats oracle"], "D", color="black", label="asked by the oracle offset")
    axes.set(xlabel="number of tasks $n$", ylabel=r"price of kl-$\xi$, nats")


@styled
def tightness(rows: pd.DataFrame) -> Figure | None:
    """T3.tightness on `specialists`: each bound against the oracle; where kl-xi's nats go."""
    data = rows[(rows["claim"] == "T3.tightness") & rows["observed"].notna()]
    if data.empty or "nats used" not in data:
        return None
    cells = data[(data["instance"] == "specialists") & (data["policy_class"] == "sampled")]
    cells = cells[(cells["temperature"] == 1) & cells["nats used"].notna()].sort_values("n_tasks")
    if cells.empty:
        return None
    figure = Figure((COLUMN_WIDTH, 5.2), layout="constrained")
    above, below = np.ravel(np.array(figure.subfigures(2, 1)))
    _ratios(ratios := above.subplots(), cells)
    _slack(nats := below.subplots(), cells)
    ratios.legend(frameon=False, loc="upper right")
    shared_legend(below, nats, 2)
    return figure
