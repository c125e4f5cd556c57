"""Figures of the bias of std-normalised GRPO: where it ends, and that it is no gradient."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from grpo_checks.figures.style import (
    BOUND,
    COLUMN_WIDTH,
    REFERENCE,
    SERIES,
    doubling,
    series,
    styled,
)


@styled
def floor(rows: pd.DataFrame) -> Figure | None:
    """T1.floor on `conflict`: GRPO by group size, RLOO beside it, and the floor of G = 8."""
    stalled = rows[(rows["claim"] == "T1.floor") & (rows["group_size"] == 8)]
    plain = rows[(rows["claim"] == "T1.slope") & (rows["group_size"] == 8)]
    kept = rows[(rows["claim"] == "T1.floor") & rows["group_size"].isin([2, 3])]
    if stalled.empty or kept.empty:
        return None
    figure = Figure((COLUMN_WIDTH, 3.3), layout="constrained")
    axes = figure.subplots()
    curves = [("GRPO", row) for _, row in kept.sort_values("group_size").iterrows()]
    curves += [("RLOO", row) for _, row in plain.head(1).iterrows()]
    curves.append(("GRPO", stalled.iloc[0]))
    for look, (name, row) in zip((2, 3, 0, 1), curves, strict=False):
        _curve(axes, row, f"{name}, G = {int(row['group_size'])}", look)
    _floor_line(axes, stalled.iloc[0])
    axes.set(title="conflict", xlabel="number of steps $T$", ylabel=r"average of $|\nabla J|^2$")
    axes.legend(frameon=False, loc="upper right")
    return figure


def _floor_line(axes: Axes, row: pd.Series) -> None:
    """|grad J|^2 where E[g] is 0, named on the line; below it a run could not stay."""
    at = float(row["floor"])
    axes.axhspan(at / 10, at, color=BOUND, alpha=0.12, linewidth=0)
    axes.axhline(at, color=BOUND, ls="-.", lw=1)
    axes.set_ylim(bottom=at / 2)
    axes.annotate(
        r"floor of G = 8: $|\nabla J|^2$ where $E[g]=0$", (0.03, at), (0, -4),
        xycoords=("axes fraction", "data"), textcoords="offset points", va="top", color=BOUND,
    )  # fmt: skip


def _curve(axes: Axes, row: pd.Series, label: str, look: int) -> None:
    """A row's averages with their confidence limits, and a reference of slope -1/2."""
    t, mean = series(row, "average at T=")
    lower, upper = (series(row, f"{end} at T=")[1] for end in ("lower", "upper"))
    axes.errorbar(t, mean, yerr=[mean - lower, upper - mean], label=label, **SERIES[look])
    # Named once, under the last of the curves.
    slope = "slope $-1/2$" if look == 1 else None
    axes.plot(t, mean[0] * np.sqrt(t[0] / t), ":", color=REFERENCE, label=slope)
    axes.set(xscale="log", yscale="log")
    axes.yaxis.set_minor_formatter(NullFormatter())


@styled
def bias(rows: pd.DataFrame) -> Figure | None:
    """T1.bias and T1.curl: |grad J|^2 at the zero of E[g], and the asymmetry of its Jacobian."""
    conflict = rows[(rows["claim"] == "T1.bias") & (rows["instance"] == "conflict")]
    curl = rows[(rows["claim"] == "T1.curl") & rows["observed"].notna()]
    if conflict.empty or curl.empty:
        return None
    conflict, curl = (data[~(data["eps"] > 0)] for data in (conflict, curl))
    figure = Figure((COLUMN_WIDTH, 4.2), layout="constrained")
    upper, lower = figure.subplots(2, 1)
    cells = conflict.sort_values("group_size")
    upper.plot(cells["group_size"], 1000 * cells["observed"], **SERIES[0])
    upper.set_title("conflict, one binary reward: where does it end?")
    upper.set_ylabel(r"$10^3\,|\nabla J|^2$ where $E[g]=0$")
    for look, (name, data) in zip(SERIES, _kinds(curl), strict=False):
        lower.plot(data["group_size"], data["largest"], label=name, **look)
    lower.set_title("is $E[g]$ a gradient? Yes at 0")
    lower.set_ylabel("largest relative asymmetry")
    lower.set_ylim(-0.05, 1.45)
    lower.legend(frameon=False, ncols=2, loc="upper center", columnspacing=1.0)
    for axes in (upper, lower):
        doubling(axes)
    return figure


def _kinds(curl: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """By model and number of distinct rewards."""
    kind = curl["instance"] + ", " + curl["distinct_rewards"].astype(int).astype(str) + " rewards"
    return [(str(name), data.sort_values("group_size")) for name, data in curl.groupby(kind)]
