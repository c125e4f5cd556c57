"""Figures of Theorem 3 on coverage and tightness, from its rows."""

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from grpo_checks.figures.style import BOUND, OBSERVED, PAGE_WIDTH, RC, REFERENCE

# Marker and line style tell bounds apart without colour.
LOOKS = {
    "kl-xi": ("#0072B2", "o", "-"),
    "kl-2sqrt(n)": ("#56B4E9", "s", "--"),
    "McAllester": ("#D55E00", "^", "-."),
    "Catoni": ("#009E73", "D", "-"),
    "lambda": ("#E69F00", "v", ":"),
    "unexpected Bernstein": ("#CC79A7", "P", "--"),
    "betting mixture": ("#999999", "h", "-."),
    "split 1/10": ("#000000", "x", ":"),
}
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


def coverage(rows: pd.DataFrame) -> Figure | None:
    """T3.coverage: failure probability over delta, one mark per cell, a line per bound."""
    data = rows[(rows["claim"] == "T3.coverage") & rows["observed"].notna()]
    data = data[data["posterior"].isin(list(KINDS))] if len(data) else data
    if data.empty:
        return None
    names = list(data["bound_name"].unique())
    with rc_context(dict(RC)):  # type: ignore[arg-type]
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
        axes.set_xlabel(
            r"exact failure probability over $\delta$ (0 and below $10^{-9}$: left edge)"
        )
        figure.legend(loc="outside upper center", ncols=4, frameon=False)
    return figure


def _ratios(axes: Axes, cells: pd.DataFrame) -> None:
    for name, (colour, marker, line) in LOOKS.items():
        column = f"tightness {name}"
        if column in cells and cells[column].notna().any():
            label = f"{name} of tasks" if name.startswith("split") else name
            label = label.replace("split 1/10", "kl-xi, prior from 1/10")
            axes.plot(
                cells["n_tasks"], cells[column], marker + line, color=colour, label=label, alpha=0.9
            )
    axes.axhline(1, color=REFERENCE, linewidth=0.8)
    axes.set_xscale("log")
    axes.set_xticks(cells["n_tasks"], [f"{int(n)}" for n in cells["n_tasks"]], minor=False)
    axes.set_xticks([], minor=True)
    axes.set_xlabel("number of tasks $n$")
    axes.set_ylabel("mean offset / oracle offset")


def _slack(axes: Axes, cells: pd.DataFrame) -> None:
    labels, left = [f"{int(n)}" for n in cells["n_tasks"]], np.zeros(len(cells))
    for name, (label, colour, hatch) in NATS.items():
        nats = cells[f"nats {name}"].to_numpy(float)
        axes.bar(
            labels, nats, bottom=left, color=colour, hatch=hatch, edgecolor="white", label=label
        )
        left += nats
    axes.plot(labels, cells["nats oracle"], "D", color="black", label="asked by the oracle offset")
    axes.set_xlabel("number of tasks $n$")
    axes.set_ylabel("nats")


def tightness(rows: pd.DataFrame) -> Figure | None:
    """T3.tightness on `specialists`: each bound against the oracle; where kl-xi's nats go."""
    data = rows[(rows["claim"] == "T3.tightness") & rows["observed"].notna()]
    if data.empty or "nats used" not in data:
        return None
    cells = data[(data["instance"] == "specialists") & (data["policy_class"] == "sampled")]
    cells = cells[(cells["temperature"] == 1) & cells["nats used"].notna()].sort_values("n_tasks")
    if cells.empty:
        return None
    with rc_context(dict(RC)):  # type: ignore[arg-type]
        figure = Figure((PAGE_WIDTH, 3.3), layout="constrained")
        left, right = figure.subplots(1, 2)
        _ratios(left, cells)
        _slack(right, cells)
        left.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, frameon=False)
        right.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, frameon=False)
    return figure
