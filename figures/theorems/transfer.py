"""Figures of Theorem 3 on transfer, from its rows: shifts, depth, false terms, Visual-ARFT."""

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
    doubling,
    shared_legend,
    styled,
)

LABELS = {
    "oscillation": (r"$L_S + \mathrm{osc}\cdot\mathrm{TV}$", "#56B4E9", "s", "--"),
    "chi_square": (r"$\chi^2$", "#009E73", "D", "--"),
    "variation": (r"$L_S + \mathrm{TV}$", "#E69F00", "v", "-."),
    "data_processing": ("data processing", "#CC79A7", "P", ":"),
    "pinsker": (r"$L_S + \sqrt{\mathrm{KL}/2}$", "#D55E00", "^", "-."),
}
FIRST, SECOND = OBSERVED, BOUND


@styled
def ood(rows: pd.DataFrame) -> Figure | None:
    """T3.ood on `specialists`, for the policy that loses most: its risk, and each bound's slack."""
    data = rows[(rows["claim"] == "T3.ood") & rows["observed"].notna()]
    if data.empty or "shown_risk" not in data:
        return None
    data = data[data["shown_risk"].notna() & (data["instance"] == data["instance"].iloc[0])]
    data = data[data["policy_class"] == data["policy_class"].iloc[0]].copy()
    shifts = list(dict.fromkeys(data["shift"].astype(str)))
    data = data.assign(place=data["shift"].astype(str).map(shifts.index))
    # A bound of 1 says nothing of a risk: its distance to the risk is no tightness.
    telling = data[data["shown_bound"] < 1]
    figure = Figure((COLUMN_WIDTH, 4.6), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True)
    risks = data.drop_duplicates("place")
    above.plot(risks["place"], risks["shown_risk"], "o-", color=OBSERVED, label="exact $L_T$")
    cells = telling[telling["bound_name"] == "pinsker"]
    label, colour, marker, line = LABELS["pinsker"]
    above.plot(cells["place"], cells["shown_bound"], marker + line, color=colour, label=label)
    _slacks(below, telling)
    for axes in (above, below):
        _say_nothing(axes, telling["place"].max() + 0.5, len(shifts) - 0.5)
    above.set_ylabel("risk on the target")
    below.set_ylabel("bound minus exact $L_T$")
    below.set_xticks(range(len(shifts)), shifts)
    below.set_xlabel("share of tasks moved to the rarest type")
    above.legend(frameon=False, loc="upper left")
    below.legend(frameon=False, loc="upper left")
    return figure


def _slacks(axes: Axes, cells: pd.DataFrame) -> None:
    """A curve per bound; the first is wide, to be seen below one that is equal."""
    for name, (label, colour, marker, line) in LABELS.items():
        part = cells[cells["bound_name"] == name]
        slack = part["shown_bound"] - part["shown_risk"]
        wide: dict[str, Any] = {"lw": 4, "ms": 8, "alpha": 0.6} if name == "oscillation" else {}
        axes.plot(part["place"], slack, marker + line, color=colour, label=label, **wide)


def _say_nothing(axes: Axes, start: float, end: float) -> None:
    """Shade where every bound is 1, the largest risk there is."""
    if start < end:
        axes.axvspan(start, end, color=REFERENCE, alpha=0.15, linewidth=0)
        middle = (start + end) / 2
        axes.text(
            middle, 0.5, "all bounds are 1:\nthey say nothing", rotation=90, ha="center",
            va="center", transform=axes.get_xaxis_transform(), multialignment="center",
        )  # fmt: skip


@styled
def depth(rows: pd.DataFrame) -> Figure | None:
    """T3.depth on `relay`: the gap in value against D, where losses are final and where not."""
    data = rows[(rows["claim"] == "T3.depth") & (rows["instance"] == "relay")]
    data = data[data["kind"].isin(["final", "repaired"])] if len(data) else data
    if data.empty:
        return None
    figure = Figure((PAGE_WIDTH, 2.6), layout="constrained")
    axes = figure.subplots()
    final = data[data["kind"] == "final"].sort_values("depth")
    looks = (("final", "o-", FIRST), ("repaired", "^-", "#009E73"))
    for kind, look, colour in looks:
        cells = data[data["kind"] == kind].sort_values("depth")
        axes.plot(cells["depth"], cells["observed"], look, color=colour, label=f"gap, {kind}")
    axes.plot(final["depth"], final["bound"], "s--", color=BOUND, label=r"bound, $D\,$max TV")
    sharper = r"bound, $1-(1-\mathrm{max\ TV})^D$"
    axes.plot(final["depth"], final["sharper_bound"], "x:", color=REFERENCE, label=sharper)
    doubling(axes, "number of tool calls $D$")
    axes.set_xticks(final["depth"])
    axes.set(yscale="log", ylabel="$|V_T - V_S|$")
    figure.legend(loc="outside upper center", ncols=4, frameon=False)
    return figure


def _terms(axes: Axes, cells: pd.DataFrame, hard: str) -> None:
    n = cells["n_tasks"]
    axes.plot(n, cells["gap"], "o-", color=OBSERVED, label="exact gap $L_T - L_S$")
    reported = r"reported, $\sqrt{\mathrm{KL}/2n}$"
    axes.plot(n, cells["shift_term_reported"], "s--", color=BOUND, label=reported)
    axes.plot(
        n, cells["shift_term"], "^:", color=REFERENCE, label=r"Pinsker, $\sqrt{\mathrm{KL}/2}$"
    )
    axes.set_xscale("log")
    axes.set_ylim(0, None)
    axes.set_title(f"$D_S$(hard) = {hard}")
    axes.set_xlabel("number of tasks $n$")


@styled
def shift(rows: pd.DataFrame) -> Figure | None:
    """T3.shift: both shift terms next to the exact gap, and how often the reported bound fails."""
    data = rows[rows["claim"] == "T3.shift"]
    if data.empty:
        return None
    data = data.sort_values("n_tasks")
    fractions = list(data["hard"].unique())
    figure = Figure((PAGE_WIDTH, 2.6), layout="constrained")
    panels = figure.subplots(1, len(fractions) + 1)
    for axes, hard in zip(panels, fractions, strict=False):
        _terms(axes, data[data["hard"] == hard], str(hard))
    panels[0].set_ylabel("shift in risk")
    last = panels[-1]
    for hard, look, colour in zip(fractions, ("o-", "s-"), (FIRST, SECOND), strict=False):
        cells = data[data["hard"] == hard]
        last.plot(cells["n_tasks"], cells["observed"], look, color=colour, label=f"hard {hard}")
    last.axhline(data["delta"].iloc[0], color=REFERENCE, linestyle="--", label=r"$\delta$")
    last.set(xscale="log", title="reported bound: P(it fails)", xlabel="number of tasks $n$")
    last.legend(frameon=False)
    shared_legend(figure, panels[0], 3)
    return figure


def _cells(axes: Axes, data: pd.DataFrame) -> None:
    benchmarks = list(dict.fromkeys(data["benchmark"]))
    sizes = sorted(data["n_tasks"].unique())
    looks = dict(zip(sizes, ("o", "s", "^", "D"), strict=False))
    colours = dict(zip(sizes, ("#0072B2", "#D55E00", "#009E73", "#CC79A7"), strict=False))
    for size in sizes:
        for trained in (True, False):
            cells = data[(data["n_tasks"] == size) & (data["trained_on"].astype(bool) == trained)]
            place = cells["benchmark"].map(benchmarks.index) + 0.16 * (sizes.index(size) - 1.5)
            label = f"n = {int(size)}" + ("" if trained else ", hypothetical")
            fill = "full" if trained else "none"
            look = {"color": colours[size], "fillstyle": fill, "ls": "", "label": label}
            axes.plot(place, cells["observed"], looks[size], **look)
    axes.axhline(0, color=REFERENCE, linestyle="--", linewidth=0.8)
    axes.set_yscale("symlog", linthresh=5)
    axes.axhspan(-5, 5, color=REFERENCE, alpha=0.08, linewidth=0)
    axes.set_yticks([-10, 0, 10, 100, 1000], ["-10", "0", "10", "100", "1000"])
    axes.set_xticks(range(len(benchmarks)), benchmarks, rotation=30, ha="right")


@styled
def visual_arft(rows: pd.DataFrame) -> Figure | None:
    """T3.visual_arft: the largest KL that would still certify more than the base model's score."""
    data = rows[rows["claim"] == "T3.visual_arft"]
    data = data[data["train_loss"] == "observed"] if len(data) else data
    if data.empty:
        return None
    figure = Figure((PAGE_WIDTH, 4.4), layout="constrained")
    models, metrics = list(dict.fromkeys(data["model"])), list(dict.fromkeys(data["metric"]))
    grid = figure.subplots(len(metrics), len(models), sharex=True, sharey=True, squeeze=False)
    for (i, j), axes in np.ndenumerate(grid):
        cell = data[(data["metric"] == metrics[i]) & (data["model"] == models[j])]
        _cells(axes, cell)
        axes.set_title(f"{models[j]}, {metrics[i]}")
    figure.supylabel("largest KL$(Q,P)$ in nats; below 0: none will do", fontsize=8)
    shared_legend(figure, grid[0, 0])
    return figure
