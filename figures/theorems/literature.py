"""Results of other papers, from their rows: a figure each, at column width."""

from collections.abc import Callable, Mapping, Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from grpo_checks.figures.style import (
    BOUND,
    COLUMN_WIDTH,
    OBSERVED,
    REFERENCE,
    doubling,
    series,
    shared_legend,
    styled,
)

EXACT = {"conflict": ("o", OBSERVED), "coding": ("^", "#009E73")}
LOOKS = (("s-", OBSERVED), ("^--", BOUND), ("o:", REFERENCE))
ON_CYCLE = 0.01
"""Relative distance of the last two stored iterates to the cycle, below which they are on it."""


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
        axes.plot(n, one["bound"], style, color=BOUND, label=f"{name}: recurrence")
    axes.set(xlabel="iterate $n$", ylabel="chance of success $p_n$")


def _examples(rows: pd.DataFrame) -> list[tuple[str, pd.Series]]:
    """The recurrence of the easiest prompt that is on its cycle; beside it two that settle."""
    cells = rows[(rows["claim"] == "L.convergence") & rows["p after 0"].notna()]
    if cells.empty:
        return []
    last = [f"p after {n:.0f}" for n in series(cells.iloc[0], "p after ")[0][-2:]]
    distance = cells[last[1]].sub(cells[last[0]]).abs()
    cycling = cells[(cells["verdict"] == "refuted") & (cells["observed"] > 0)]
    cycling = cycling[(distance / cells["observed"] - 1).abs()[cycling.index] < ON_CYCLE]
    # Of prompts with several penalties, the hardest that settles.
    calm = cells[cells["verdict"] == "holds"].sort_values(["reference", "beta"])
    calm = calm[calm["eps"] == calm["eps"].max()]
    calm = calm[calm["reference"] == calm["reference"].min()].tail(2)
    cycling = cycling.sort_values("reference").tail(1)
    chosen = [("cycles", row) for _, row in cycling.iterrows()]
    return [*chosen, *(("settles", row) for _, row in calm.iterrows())]


def _convergence(axes: Axes, rows: pd.DataFrame) -> None:
    """Sequences of hard prompts that settle, and one that does not; dotted: the cycle's ends."""
    for (verdict, row), (style, colour) in zip(_examples(rows), LOOKS, strict=False):
        n, p = series(row, "p after ")
        setting = rf"$\beta$ = {row['beta']:g}, $\epsilon$ = {row['eps']:g}"
        label = rf"$p_{{ref}}$ = {row['reference']:g}, {setting}: {verdict}"
        axes.plot(n, p, style, color=colour, label=label)
        if verdict == "cycles":
            for end in (p[-2:].max(), p[-2:].max() - row["observed"]):
                axes.axhline(end, color=colour, linestyle=":", linewidth=0.9)
    axes.set(yscale="log", xlabel="iterate $n$", ylabel="chance of success $p_n$")


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
                one["group_size"], one[column], marker + "-", color=colour, markerfacecolor=fill,
                label=f"{name}, $p$ = {chance:.2g}",
            )  # fmt: skip
            axes.axhline(one[limit].iloc[0], color=colour, linestyle=":", linewidth=0.9)
    doubling(axes)
    axes.set(ylabel=r"corr$(r_k, A)$", ylim=(0.0, 1.0))


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
    doubling(axes)
    axes.set(yscale="log", ylabel="different groups")


NEEDED: Mapping[str, Sequence[str]] = {
    "L.amplification": ("iterate", "method", "component", "prompt", "beta", "eps", "reference"),
    "L.convergence": ("p after 0",),
    "L.correlation.law": ("group_size", "chance", "joint", "joint_limit", "decoupled_limit"),
    "L.groups": ("components", "weights", "centred", "multisets"),
}
"""Columns that the figure of a claim is drawn from: other tables lack them."""


@styled
def _figure(
    rows: pd.DataFrame, claim: str, panel: Callable[[Axes, pd.DataFrame], None], columns: int = 1
) -> Figure | None:
    """One panel; None where the claim has no rows that show something."""
    if not (rows["claim"] == claim).any() or not {*NEEDED[claim]} <= {*rows.columns}:
        return None
    figure = Figure((COLUMN_WIDTH, 2.9), layout="constrained")
    axes = figure.subplots()
    panel(axes, rows)
    if not axes.get_lines():
        return None
    shared_legend(figure, axes, columns)
    return figure


def amplification(rows: pd.DataFrame) -> Figure | None:
    """L.amplification and L.tools: exact iterates and the recurrence."""
    return _figure(rows, "L.amplification", _tools, 2)


def convergence(rows: pd.DataFrame) -> Figure | None:
    """L.convergence: iterates that settle, and that end on a cycle."""
    return _figure(rows, "L.convergence", _convergence)


def correlation(rows: pd.DataFrame) -> Figure | None:
    """L.correlation.law: against the group size, with the limits of large groups."""
    return _figure(rows, "L.correlation.law", _correlation, 2)


def groups(rows: pd.DataFrame) -> Figure | None:
    """L.groups: how many groups of advantages differ."""
    return _figure(rows, "L.groups", _groups, 2)
