"""Figure of the reward log of a run: how rates, silence and what the advantage hears moved."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from grpo_checks.figures.style import (
    BOUND,
    OBSERVED,
    PAGE_WIDTH,
    REFERENCE,
    SERIES,
    doubling,
    styled,
)


@styled
def log(rows: pd.DataFrame) -> Figure | None:
    """Pass rates and correlations with the advantage by step, silent groups by size."""
    data = rows[rows["claim"] == "log"]
    if data.empty:
        return None
    figure = Figure((PAGE_WIDTH, 2.5), layout="constrained")
    means, heard, silent = figure.subplots(1, 3)
    _by_step(means, data[(data["quantity"] == "mean") & (data["about"] != "composite")])
    means.set_title("mean reward")
    logged = data[data["quantity"] == "heard_logged"]
    _by_step(heard, data[data["quantity"] == "heard_joint"] if logged.empty else logged)
    heard.set_title("correlation with the advantage")
    _silent(silent, data)
    handles, labels = means.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper left", ncols=4, frameon=False)
    return figure


def _by_step(axes: Axes, data: pd.DataFrame) -> None:
    """A line for each component, at the middle of its windows, with limits."""
    for look, (name, part) in zip(SERIES, data.groupby("about", sort=False), strict=False):
        part = part.dropna(subset=["value"]).sort_values("first_step")
        step = (part["first_step"] + part["last_step"]) / 2
        axes.plot(step, part["value"], label=str(name), **look)
        axes.fill_between(step, part["low"], part["high"], color=look["color"], alpha=0.15, lw=0)
    axes.set_xlabel("step")
    if data["value"].between(0, 1).all():
        axes.set_ylim(-0.02, 1.02)


def _silent(axes: Axes, data: pd.DataFrame) -> None:
    """Of the first and the latest window: estimated up to the size that was logged, beyond it the
    range that is predicted."""
    part = data[data["quantity"] == "silent"]
    ends = (part["window"].min(), REFERENCE, "s"), (part["window"].max(), OBSERVED, "o")
    for window, color, marker in dict((w, (w, c, m)) for w, c, m in ends).values():
        chosen = part[part["window"] == window]
        size = chosen["about"].astype(int)
        known = chosen["kind"] == "unbiased"
        steps = f"steps {int(chosen['first_step'].min())} to {int(chosen['last_step'].max())}"
        axes.plot(
            size[known], 100 * chosen["value"][known], marker=marker, color=color, label=steps
        )
        if window == part["window"].max():
            low, high = (100 * chosen[side] for side in ("low", "high"))
            axes.fill_between(size[known], low[known], high[known], color=color, alpha=0.15, lw=0)
            middle, off = (low + high)[~known] / 2, (high - low)[~known] / 2
            axes.errorbar(
                size[~known], middle, off, fmt="none", ecolor=BOUND, capsize=2, label="predicted"
            )
    doubling(axes)
    ticks = sorted({int(2**k) for k in np.arange(1, 11) if 2**k <= part["about"].astype(int).max()})
    axes.set_xticks(ticks)
    axes.set_title("silent groups, %")
    axes.set_ylim(bottom=0)
    axes.legend(frameon=False)
