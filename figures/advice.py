"""Figure of the guidance for one model."""

import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from grpo_checks.figures.style import ESTIMATORS, PAGE_WIDTH, RC, SERIES, shared_legend


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
    with rc_context(dict(RC)):  # type: ignore[arg-type]
        figure = Figure((PAGE_WIDTH, 2.4), layout="constrained")
        for axes, (column, label) in zip(figure.subplots(1, 3), panels.items(), strict=True):
            for look, (name, part) in zip(
                SERIES, data.groupby("estimator", sort=False), strict=False
            ):
                part = part.dropna(subset=[column]).sort_values("group_size")
                axes.plot(
                    part["group_size"],
                    part[column],
                    label=ESTIMATORS.get(str(name), str(name)),
                    **look,
                )
                if column == "signal_per_episode" and not part.empty:
                    _mark_best(axes, part.iloc[part[column].argmax()], str(look["color"]))
                if column == "signal_per_episode" and len(part):
                    best = part.sort_values(column).iloc[-1]
                    spot = (best["group_size"], best[column])
                    axes.plot(*spot, "o", ms=9, mfc="none", color=look["color"], clip_on=False)
            axes.set_xscale("log", base=2)
            axes.xaxis.set_major_formatter("{x:g}")
            axes.set_xlabel("group size $G$")
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


def _mark_best(axes: Axes, best: pd.Series, color: str) -> None:
    """A ring around the largest signal of an estimator."""
    axes.plot(
        best["group_size"], best["signal_per_episode"], marker="o", markersize=9, color=color,
        fillstyle="none", linestyle="none",
    )  # fmt: skip
