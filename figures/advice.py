"""Figure of the guidance for one model."""

import pandas as pd
from matplotlib.figure import Figure

from grpo_checks.figures.style import (
    ESTIMATORS,
    PAGE_WIDTH,
    SERIES,
    doubling,
    shared_legend,
    styled,
)


@styled
def advice(rows: pd.DataFrame) -> Figure | None:
    """Signal per episode, alignment and silent groups against the group size, per estimator.

    The best size of each is ringed.
    """
    data = rows[rows["claim"] == "advice"]
    if data.empty:
        return None
    panels = {
        "signal_per_episode": "signal $e$ per episode, best ringed",
        "cosine": r"cosine of $E[g]$ and $\nabla J$",
        "silent": "share of silent groups",
    }
    figure = Figure((PAGE_WIDTH, 2.4), layout="constrained")
    for axes, (column, label) in zip(figure.subplots(1, 3), panels.items(), strict=True):
        for look, (name, part) in zip(SERIES, data.groupby("estimator", sort=False), strict=False):
            part = part.dropna(subset=[column]).sort_values("group_size")
            method = ESTIMATORS.get(str(name), str(name))
            axes.plot(part["group_size"], part[column], label=method, **look)
            if column == "signal_per_episode" and len(part):
                best = part.sort_values(column).iloc[-1]
                spot = (best["group_size"], best[column])
                axes.plot(*spot, "o", ms=9, mfc="none", color=look["color"], clip_on=False)
        doubling(axes)
        axes.set_title(label)
        if column == "signal_per_episode":
            axes.set_ylim(bottom=0)
        if column == "silent":
            axes.set_yscale("symlog", linthresh=1e-3)
            axes.set_ylim(bottom=0)
    first = data.iloc[0]
    figure.supxlabel(f"{first['instance']}, {first['plan']}", fontsize=8)
    shared_legend(figure, figure.axes[0])
    return figure
