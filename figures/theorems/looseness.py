"""Where bounds lose: that of T1.rate step by step, those without another figure cell by cell."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from grpo_checks.figures.style import (
    BOUND,
    OBSERVED,
    PAGE_WIDTH,
    REFERENCE,
    shared_legend,
    stacked,
    styled,
)
from grpo_checks.figures.theorems.theorem1 import one_k

CLAIMS = (
    "T1.rate.sharp",
    "T1.descent",
    "T1.surrogate",
    "T2.bridge'",
    "T2.bridge.sd",
    "T2.global",
    "L.hessian",
    "L.baseline",
    "L.correlation",
)
COLUMNS = 5
LOOKS = (("holds", OBSERVED, "o"), ("refuted", BOUND, "X"), ("vacuous", REFERENCE, "+"))


def _panel(axes: Axes, cells: pd.DataFrame) -> None:
    """observed/bound, sorted: under 1 where the claim holds, near 1 where it is tight."""
    used = (cells["observed"] / cells["bound"]).sort_values()
    place = pd.Series(np.linspace(0, 1, len(used)) if len(used) > 1 else 0.5, used.index)
    for verdict, color, marker in LOOKS:
        marked = cells.index[cells["verdict"] == verdict]
        axes.plot(place[marked], used[marked], marker, color=color, label=verdict, alpha=0.7)
    axes.axhline(1, color=REFERENCE, linestyle="--", label="the bound")
    axes.set_xticks([])


def _telling(rows: pd.DataFrame) -> pd.DataFrame:
    """Cells of these claims with something observed, and a bound that is no rounding error."""
    columns = ["claim", "observed", "bound", "verdict", "identity", "rounding"]
    kept = rows.loc[rows["claim"].isin(CLAIMS), columns]
    real = (kept["bound"] > kept["rounding"].fillna(0.0)) & (kept["observed"] > 0)
    return kept[real & (kept["identity"].astype(str) != "True")]


@styled
def looseness(rows: pd.DataFrame) -> Figure | None:
    """A panel per claim: all its cells, from the loosest to the tightest."""
    kept = _telling(rows)
    names = [name for name in CLAIMS if (kept["claim"] == name).any()]
    if not names:
        return None
    lines = -(-len(names) // COLUMNS)
    figure = Figure((PAGE_WIDTH, 0.6 + 1.5 * lines), layout="constrained")
    panels = figure.subplots(lines, COLUMNS, squeeze=False, sharey=True).ravel()
    for axes, name in zip(panels, names, strict=False):
        cells = kept[kept["claim"] == name]
        _panel(axes, cells)
        axes.set_title(f"{name}, {len(cells)} cells")
    panels[0].set_ylim(0, 1.05 * max(1.0, (kept["observed"] / kept["bound"]).max()))
    for axes in panels[len(names) :]:
        axes.set_axis_off()
    figure.supylabel("observed over bound", fontsize=8)
    figure.supxlabel("cells, sorted", fontsize=8)
    shared_legend(figure, panels[0])
    return figure


# From what was observed outwards; the same order, colours and hatches in every bar.
STEPS = {
    "observed": (r"observed average of $|\nabla J|^2$", ("#0072B2", "")),
    "slack: L for the curvature met": ("$L$ for the curvature met", ("#56B4E9", "....")),
    "slack: |m|^2 dropped": (r"$(1-L\eta)\,|m|^2$ dropped", ("#F0E442", "\\\\\\\\")),
    "slack: V_sup for V": (r"$V_{\sup}$ for $V$", ("#E69F00", "////")),
    "slack: J* for J(theta_T)": (r"$J^*$ for $J(\theta_T)$", ("#009E73", "xxxx")),
    "slack: one formula for the step": (
        r"one formula for both cases of $\eta$", ("#CC79A7", "||||"),
    ),
}  # fmt: skip


@styled
def waterfall(rows: pd.DataFrame) -> Figure | None:
    """One bar for each instance and group size, the longest runs, as shares of the bound."""
    data = rows[(rows["claim"] == "T1.rate") & rows["observed"].notna()]
    if data.empty or "slack: V_sup for V" not in data:
        return None
    data = one_k(data)
    kind = ["instance", "group_size"]
    data = data[data["n_steps"] == data.groupby(kind)["n_steps"].transform("max")]
    data = data[data["group_size"].isin([2, 8, 32])].sort_values(kind).drop_duplicates(kind)
    figure = Figure((PAGE_WIDTH, 1.0 + 0.2 * len(data)), layout="constrained")
    axes = figure.subplots()
    labels = [
        f"{r.instance}, K = {r.components}, G = {r.group_size}, T = {r.n_steps:,}"
        for r in data.itertuples()
    ]
    shares = {
        label: (data[column] / data["bound"], look) for column, (label, look) in STEPS.items()
    }
    stacked(axes, labels, shares)
    axes.margins(y=0.02)
    axes.set_xlabel("share of the bound T1.rate")
    shared_legend(figure, axes, 3)
    return figure
