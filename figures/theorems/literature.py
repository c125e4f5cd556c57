"""Results of other papers, from their rows: one figure with four panels."""

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from grpo_checks.figures.style import BOUND, OBSERVED, PAGE_WIDTH, RC, REFERENCE

EXACT = {"conflict": ("o", OBSERVED), "coding": ("^", "#009E73")}
CYCLES = (("s-", OBSERVED), ("^--", BOUND), ("o:", REFERENCE), ("D-.", "#009E73"))


def _tools(axes: Axes, rows: pd.DataFrame) -> None:
    """Exact chance of success against the recurrence, with and without random tools."""
    cells = rows[rows["claim"].isin(["L.amplification", "L.tools"]) & rows["iterate"].notna()]
    cells = cells[cells["method"] != "ascent"]
    for name, (marker, colour) in EXACT.items():
        claim = "L.tools" if name == "coding" else "L.amplification"
        one = cells[(cells["instance"] == name) & (cells["claim"] == claim)]
        # Answer accuracy where there is more than one component; the gentlest penalty.
        one = one[(one["component"] == one["component"].clip(upper=1).max()) & (one["prompt"] == 0)]
        one = one[(one["beta"] == one["beta"].max()) & (one["eps"] == one["eps"].max())]
        if one.empty:
            continue
        first = one["reference"].iloc[0]
        n, p = one["iterate"].to_numpy(float), one["observed"].to_numpy(float)
        label = f"{name}: exact"
        axes.plot([0, *n], [first, *p], marker, color=colour, markersize=5, label=label)
        style = "--" if name == "coding" else "-"
        axes.plot(n, one["bound"], style, color=BOUND, label=f"{name}: recurrence bound")
    axes.set_xlabel("iterate $n$")
    axes.set_ylabel("chance of success $p_n$")
    axes.set_ylim(-0.03, 1.03)
    axes.set_title("(a) amplification, with and without tools")


def _convergence(axes: Axes, rows: pd.DataFrame) -> None:
    """Sequences of hard prompts that settle, and that do not."""
    cells = rows[(rows["claim"] == "L.convergence") & rows["p after 0"].notna()]
    # A prompt with several penalties.
    kinds = cells.groupby(["reference", "eps"])["beta"]
    cells = cells[kinds.transform("nunique") > 1]
    cells = cells[(cells["reference"] == cells["reference"].min())]
    cells = cells[cells["eps"] == cells["eps"].max()].sort_values("beta").tail(len(CYCLES) - 1)
    columns = [c for c in rows.columns if c.startswith("p after ")]
    for (_, row), (style, colour) in zip(cells.iterrows(), CYCLES, strict=False):
        verdict = {"refuted": "cycles", "holds": "settles"}.get(row["verdict"], row["verdict"])
        label = rf"$\beta$ = {row['beta']:g}: {verdict}"
        axes.plot(range(len(columns)), row[columns].astype(float), style, color=colour, label=label)
    if not cells.empty:
        p_ref, eps = cells["reference"].iloc[0], cells["eps"].iloc[0]
        axes.set_title(rf"(b) recurrence from $p_{{ref}}$ = {p_ref:g}, $\epsilon$ = {eps:g}")
    axes.set_xlabel("iterate $n$")
    axes.set_ylabel("chance of success $p_n$")
    axes.set_ylim(-0.03, 1.03)


def _correlation(axes: Axes, rows: pd.DataFrame) -> None:
    """corr(r_k, A) at finite G and its limits, the first two components."""
    cells = rows[(rows["claim"] == "L.correlation.law") & rows["observed"].notna()]
    cells = cells[cells["component"] < 2].drop_duplicates(["component", "group_size"])
    kinds = (
        ("joint", "joint", "joint_limit", OBSERVED, "o"),
        ("decoupled", "observed", "decoupled_limit", BOUND, "s"),
    )
    for name, column, limit, colour, marker in kinds:
        for k, one in cells.groupby("component"):
            one = one.sort_values("group_size")
            chance = one["chance"].iloc[0]
            fill = colour if k == 0 else "white"
            axes.plot(
                one["group_size"],
                one[column],
                marker + "-",
                color=colour,
                markerfacecolor=fill,
                label=f"{name}, $p$ = {chance:.2g}",
            )
            axes.axhline(one[limit].iloc[0], color=colour, linestyle=":", linewidth=0.9)
    axes.set_xscale("log", base=2)
    axes.set_xlabel("group size $G$")
    axes.set_ylabel(r"corr$(r_k, A)$")
    # Room for the legend below the curves.
    axes.set_ylim(0.0, 1.0)
    axes.set_title("(c) exact correlations; dotted: limits")


def _groups(axes: Axes, rows: pd.DataFrame) -> None:
    """Numbers of different groups of advantages, two binary rewards of equal weight."""
    cells = rows[(rows["claim"] == "L.groups") & (rows["components"] == 2)]
    cells = cells[cells["weights"] == "(1, 1)"].sort_values("group_size")
    kinds = (
        ("multisets", "all groups of rewards", REFERENCE, "x:"),
        ("bound", "decoupled", BOUND, "s-"),
        ("centred", "no division by sd", "#009E73", "^--"),
        ("observed", "joint", OBSERVED, "o-"),
    )
    for column, label, colour, style in kinds:
        axes.plot(cells["group_size"], cells[column], style, color=colour, label=label)
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.set_xlabel("group size $G$")
    axes.set_ylabel("different groups")
    axes.set_title("(d) two binary rewards: groups told apart")


NEEDED = (
    *("iterate", "method", "component", "prompt", "beta", "eps", "reference", "p after 0"),
    *("group_size", "chance", "joint", "joint_limit", "decoupled_limit"),
    *("components", "weights", "centred", "multisets"),
)
PANELS = (_tools, _convergence, _correlation, _groups)


def overview(rows: pd.DataFrame) -> Figure | None:
    """Amplification, its convergence, correlations, distinct groups."""
    if not rows["claim"].astype(str).str.startswith("L.").any():
        return None
    # A check of one claim alone lacks the columns of the others.
    rows = rows.reindex(columns=[*rows.columns, *(c for c in NEEDED if c not in rows.columns)])
    with rc_context(dict(RC)):  # type: ignore[arg-type]
        figure = Figure((PAGE_WIDTH, 5.4), layout="constrained")
        for axes, panel in zip(np.ravel(figure.subplots(2, 2)), PANELS, strict=True):
            panel(axes, rows)
            if axes.get_legend_handles_labels()[0]:
                axes.legend(frameon=False, fontsize=7, ncols=2 if panel is _correlation else 1)
    return figure
