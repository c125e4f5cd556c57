"""Figures of the bias of std-normalised GRPO: where it ends, and that it is no gradient."""

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from grpo_checks.figures.style import BOUND, PAGE_WIDTH, RC, REFERENCE, SERIES, series


def floor(rows: pd.DataFrame) -> Figure | None:
    """T1.floor: both estimators on `conflict`; left |grad J|^2 at G = 8, right at G = 2 and 3."""
    stalled = rows[(rows["claim"] == "T1.floor") & (rows["group_size"] == 8)]
    plain = rows[(rows["claim"] == "T1.slope") & (rows["group_size"] == 8)]
    kept = rows[(rows["claim"] == "T1.floor") & rows["group_size"].isin([2, 3])]
    if stalled.empty or kept.empty:
        return None
    with rc_context(dict(RC)):  # type: ignore[arg-type]
        figure = Figure((PAGE_WIDTH, 2.7), layout="constrained")
        left, right = figure.subplots(1, 2, sharey=True)
        _curve(left, stalled.iloc[0], "GRPO", 1)
        if not plain.empty:
            _curve(left, plain.iloc[0], "RLOO", 0)
        at = stalled.iloc[0]["floor"]
        left.axhline(at, color=BOUND, ls="-.", lw=1, label="at the zero of $E[g]$, certified")
        for look, (_, row) in zip((2, 3), kept.iterrows(), strict=False):
            _curve(
                right, row, f"GRPO, G = {int(row['group_size'])}: slope {row['observed']:.3f}", look
            )
        left.set_title("conflict, G = 8")
        right.set_title("conflict, G = 2 and 3")
        left.set_ylabel(r"average of $|\nabla J|^2$")
        for axes in (left, right):
            axes.set_xlabel("number of steps $T$")
            axes.legend(frameon=False, loc="upper right")
    return figure


def _curve(axes: Axes, row: pd.Series, label: str, look: int) -> None:
    """A row's averages with their confidence limits, and a reference of slope -1/2."""
    t, mean = series(row, "average at T=")
    lower, upper = (series(row, f"{end} at T=")[1] for end in ("lower", "upper"))
    axes.errorbar(t, mean, yerr=[mean - lower, upper - mean], label=label, **SERIES[look])
    axes.plot(t, mean[0] * np.sqrt(t[0] / t), ":", color=REFERENCE)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.yaxis.set_minor_formatter(NullFormatter())


def bias(rows: pd.DataFrame) -> Figure | None:
    """T1.bias and T1.curl: |grad J|^2 at the zero of E[g], and the asymmetry of its Jacobian."""
    conflict = rows[(rows["claim"] == "T1.bias") & (rows["instance"] == "conflict")]
    curl = rows[(rows["claim"] == "T1.curl") & rows["observed"].notna()]
    if conflict.empty or curl.empty:
        return None
    conflict, curl = (data[~(data["eps"] > 0)] for data in (conflict, curl))
    with rc_context(dict(RC)):  # type: ignore[arg-type]
        figure = Figure((PAGE_WIDTH, 2.6), layout="constrained")
        left, right = figure.subplots(1, 2)
        refuted = conflict[conflict["observed"] > 0]
        left.plot(refuted["group_size"], refuted["observed"], **SERIES[0])
        left.set_title("conflict: zero for G = 2 and 3")
        left.set_ylabel(r"$|\nabla J|^2$ at the zero of $E[g]$")
        for look, (name, data) in zip(SERIES, _kinds(curl), strict=False):
            right.plot(data["group_size"], data["largest"].clip(lower=1e-17), label=name, **look)
        right.set_title("is $E[g]$ a gradient?")
        right.set_ylabel("largest relative asymmetry")
        right.legend(frameon=False)
        for axes in (left, right):
            axes.set_xscale("log", base=2)
            axes.set_yscale("log")
            axes.set_xlabel("group size $G$")
            axes.xaxis.set_major_formatter("{x:g}")
    return figure


def _kinds(curl: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """By model and number of distinct rewards."""
    kind = curl["instance"] + ", " + curl["distinct_rewards"].astype(int).astype(str) + " rewards"
    return [(str(name), data.sort_values("group_size")) for name, data in curl.groupby(kind)]
