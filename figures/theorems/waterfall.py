"""Where the bound of T1.rate loses: from what was observed to the bound, one step at a time."""

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.figure import Figure

from grpo_checks.figures.style import PAGE_WIDTH, RC, shared_legend
from grpo_checks.figures.theorems.theorem1 import one_k

PREFIX = "slack: "
# From what was observed outwards; the same order, colours and hatches in every bar.
LOOKS = {
    "observed": ("#0072B2", ""),
    "L for the curvature met": ("#56B4E9", "...."),
    "|m|^2 dropped": ("#F0E442", "\\\\\\\\"),
    "V_sup for V": ("#E69F00", "////"),
    "J* for J(theta_T)": ("#009E73", "xxxx"),
    "one formula for the step": ("#CC79A7", "||||"),
}
LABELS = {
    "observed": r"observed average of $|\nabla J|^2$",
    "L for the curvature met": "$L$ for the curvature met",
    "|m|^2 dropped": r"$(1-L\eta)\,|m|^2$ dropped",
    "V_sup for V": r"$V_{\sup}$ for $V$",
    "J* for J(theta_T)": r"$J^*$ for $J(\theta_T)$",
    "one formula for the step": r"one formula for both cases of $\eta$",
}


def waterfall(rows: pd.DataFrame) -> Figure | None:
    """One bar for each instance and group size, the longest runs, as shares of the bound."""
    data = rows[(rows["claim"] == "T1.rate") & rows["observed"].notna()]
    if data.empty or PREFIX + "V_sup for V" not in data:
        return None
    data = one_k(data)
    kind = ["instance", "group_size"]
    data = data[data["n_steps"] == data.groupby(kind)["n_steps"].transform("max")]
    data = data[data["group_size"].isin([2, 8, 32])].sort_values(kind).drop_duplicates(kind)
    with rc_context(dict(RC)):  # type: ignore[arg-type]
        figure = Figure((PAGE_WIDTH, 1.0 + 0.2 * len(data)), layout="constrained")
        axes = figure.subplots()
        labels = [
            f"{r.instance}, K = {r.components}, G = {r.group_size}, T = {r.n_steps:,}"
            for r in data.itertuples()
        ]
        left = np.zeros(len(data))
        for name, (colour, hatch) in LOOKS.items():
            column = name if name == "observed" else PREFIX + name
            share = (data[column] / data["bound"]).to_numpy(float)
            axes.barh(
                labels,
                share,
                left=left,
                label=LABELS[name],
                color=colour,
                hatch=hatch,
                edgecolor="white",
            )
            left += share
        axes.invert_yaxis()
        axes.set_xlim(0, 1)
        axes.margins(y=0.02)
        axes.set_xlabel("share of the bound T1.rate")
        shared_legend(figure, axes, 3)
    return figure
