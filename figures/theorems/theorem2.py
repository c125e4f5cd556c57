"""Figures of Theorem 2, from its rows."""

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from grpo_checks.figures.style import BOUND, OBSERVED, PAGE_WIDTH, RC, REFERENCE, shared_legend

SHARE = r"share of $\sum_k w_k u_k$"
PANELS = {
    "sharp": "sharp: two calls, gap = bound",
    "menu": "menu: from a uniform start",
    "menu, in tension": "random calls in tension: worst ratio",
}
DECOMPOSED, JOINT = OBSERVED, BOUND
CLOSE = 0.01
"""Relative difference of e below which neither is called larger."""


def _plain(rows: pd.DataFrame, claim: str) -> pd.DataFrame:
    """The rows of a claim at eps = 0 and ddof = 0."""
    if not {"claim", "where", "ddof", "eps"} <= set(rows.columns):
        return rows.iloc[:0]
    return rows[(rows["claim"] == claim) & (rows["ddof"] == 0) & (rows["eps"] == 0)]


def _limit(axes: Axes, table: pd.DataFrame) -> None:
    """(kappa_G - 1)/(kappa_G + 1), which no first-order point exceeds."""
    sizes = table["group_size"].to_numpy(float)
    label = r"$(\kappa_G-1)/(\kappa_G+1)$"
    axes.plot(sizes, table["factor"], "-", color=REFERENCE, linewidth=2.5, alpha=0.4, label=label)


def gap(rows: pd.DataFrame) -> Figure | None:
    """T2.gap and T2.kappa against G at first-order points: a panel for each kind of instance."""
    data = _plain(rows, "T2.kappa")
    if data.empty:
        return None
    points = data[data["where"] == "first-order point"]
    table = data[data["where"] == "any policy"].sort_values("group_size")
    names = [name for name in PANELS if (points["instance"] == name).any()]
    if not names:
        return None
    with rc_context(dict(RC)):  # type: ignore[arg-type]
        figure = Figure((PAGE_WIDTH, 2.6), layout="constrained")
        panels = figure.subplots(1, len(names), sharey=True, squeeze=False)[0]
        for axes, name in zip(panels, names, strict=True):
            cell = points[points["instance"] == name].sort_values("group_size")
            sizes, reach = cell["group_size"].to_numpy(float), cell["worst_reach"]
            _limit(axes, table)
            bounds = (cell["worst_kappa_bound"] / reach, cell["worst_bound"] / reach)
            axes.plot(sizes, bounds[0], "s:", color=BOUND, mfc="none", ms=7, label="T2.kappa")
            axes.plot(sizes, bounds[1], "v--", color="black", mfc="none", ms=5, label="T2.gap")
            observed = cell["worst_gap"].clip(lower=0) / reach
            axes.plot(sizes, observed, "o-", color=OBSERVED, ms=3, label="gap (exact)")
            axes.set_xscale("log", base=2)
            axes.set_xticks([2, 4, 8, 16, 32, 64], labels=["2", "4", "8", "16", "32", "64"])
            axes.set_title(PANELS[name])
            axes.set_xlabel("group size $G$")
        panels[0].set_ylabel(SHARE)
        shared_legend(figure, panels[0])
    return figure


def _map(axes: Axes, cells: pd.DataFrame) -> None:
    """Triangles for whose e is larger, their size for by how much; the line where it changes."""
    kinds = (
        (cells["lead"] >= CLOSE, "^", DECOMPOSED),
        (cells["lead"] <= -CLOSE, "v", JOINT),
        (cells["lead"].abs() < CLOSE, ".", REFERENCE),
    )
    for kind, marker, colour in kinds:
        part = cells[kind]
        size = (6 + 500 * part["lead"].abs()).clip(upper=75)
        x, y = part["coupling"], part["success_ratio"]
        axes.scatter(x, y, s=size, marker=marker, color=colour, linewidths=0)
    table = cells.pivot_table(index="success_ratio", columns="coupling", values="lead")
    if min(table.shape) > 1 and table.min().min() < 0 < table.max().max():
        axes.contour(
            table.columns, table.index, table.to_numpy(), [0.0], colors="black", linewidths=0.8
        )


RACES = {
    "holds": ("o", 10, "race as $e$ says"),
    "refuted": ("x", 7, "race the other way"),
    "assumption unmet": ("+", 7, "race in which $e$ turns"),
}


def _races(axes: Axes, races: pd.DataFrame) -> None:
    """Training, by verdict; races that stay open are not marked."""
    for verdict, (marker, size, _) in RACES.items():
        part = races[races["verdict"] == verdict]
        at = part["coupling"], part["success_ratio"]
        axes.plot(*at, marker, color="black", mfc="none", markersize=size, mew=0.9)


def _key(figure: Figure) -> None:
    """What the marks mean, drawn from marks rather than from colours."""

    def mark(marker: str, label: str, **options: object) -> Line2D:
        return Line2D([], [], marker=marker, linestyle="none", label=label, **options)  # type: ignore[arg-type]

    handles = [
        mark("^", "$e$ of decomposed larger", color=DECOMPOSED, markersize=6),
        mark("v", "$e$ of joint larger", color=JOINT, markersize=6),
        mark(".", "within 1 %", color=REFERENCE, markersize=4),
        Line2D([], [], color="black", linewidth=0.8, label="$e$ equal"),
        *(mark(m, text, color="black", mfc="none") for m, _, text in RACES.values()),
    ]
    figure.legend(handles=handles, loc="outside upper center", ncols=3, frameon=False)


def phase(rows: pd.DataFrame) -> Figure | None:
    """T2.benefit: whose e is larger, over coupling and ratio of successes; races on top."""
    data = rows[rows["claim"] == "T2.benefit"]
    data = data[data["instance"] == "outcomes"]
    if data.empty:
        return None
    kind = ["components", "success", "group_size"]
    cells, races = data[data["where"] == "one update"], data[data["where"] == "training"]
    panels = list(cells.groupby(kind))
    columns = min(4, len(panels))
    lines = -(-len(panels) // columns)
    with rc_context(dict(RC)):  # type: ignore[arg-type]
        size = (PAGE_WIDTH, 0.9 + 1.65 * lines + 0.6 * (lines == 1))
        figure = Figure(size, layout="constrained")
        grid = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False)
        for axes, (_, part) in zip(grid.flat, panels, strict=False):
            k, success, g = part[kind].iloc[0]
            _map(axes, part)
            _races(axes, races[(races[kind] == [k, success, g]).all(axis=1)])
            axes.set_title(f"K = {int(k)}, $p_1$ = {success}, G = {int(g)}")
            axes.set_yscale("log")
            ticks = [1, 0.5, 0.2, 0.1, 0.05]
            axes.set_yticks(ticks, labels=[str(t) for t in ticks], minor=False)
            axes.minorticks_off()
            axes.set_xlim(-1.1, 1.1)
            axes.set_ylim(0.038, 1.35)
        for axes in grid.flat[len(panels) :]:
            axes.set_visible(False)
        figure.supxlabel("correlation of the components, as a share of the extreme one", fontsize=8)
        figure.supylabel("ratio of success probabilities $p_2/p_1$", fontsize=8)
        _key(figure)
    return figure


def _points(text: str) -> np.ndarray:
    return np.array([[float(x) for x in point.split()] for point in str(text).split(";")])


def region(rows: pd.DataFrame) -> Figure | None:
    """T2.potential: what two components can attain, both optima and their level lines."""
    if "region" not in rows.columns:
        return None
    data = rows[(rows["claim"] == "T2.potential") & rows["region"].notna()]
    if data.empty:
        return None
    with rc_context(dict(RC)):  # type: ignore[arg-type]
        figure = Figure((PAGE_WIDTH, 2.9), layout="constrained")
        panels = figure.subplots(1, len(data), sharey=True, squeeze=False)[0]
        for axes, (_, row) in zip(panels, data.sort_values("group_size").iterrows(), strict=True):
            _attainable(axes, row)
            trained = rows[(rows["claim"] == "T2.potential") & rows["mean_success_1"].notna()]
            trained = trained[trained["group_size"] == row["group_size"]]
            axes.plot(
                trained["mean_success_1"], trained["mean_success_2"], "k+", ms=11, mew=1.2,
                label="trained, decomposed (mean)",
            )  # fmt: skip
            axes.set_title(f"menu, G = {int(row['group_size'])}")
            axes.set_xlabel("$J_{q1}$, success of component 1")
        panels[0].set_ylabel("$J_{q2}$, success of component 2")
        shared_legend(figure, panels[0], 3)
    return figure


def _attainable(axes: Axes, row: pd.Series) -> None:
    polygon, line = _points(row["region"]), _points(row["level_line"])
    joint, decomposed = _points(row["joint_point"])[0], _points(row["decomposed_point"])[0]
    weights = _points(row["weights"])[0]
    axes.fill(*polygon.T, color="#DDDDDD", edgecolor="none", label="attainable")
    x = np.array([0.0, 1.0])
    level = (weights @ joint - weights[0] * x) / weights[1]
    axes.plot(x, level, "--", color=JOINT, label="level line of $J$ at its optimum")
    axes.plot(*line.T, "-", color=DECOMPOSED, label=r"level line of $\tilde J$ at its optimum")
    axes.plot(*joint, "s", color=JOINT, ms=7, label="joint optimum (of $J$)")
    axes.plot(*decomposed, "o", color=DECOMPOSED, ms=7, label=r"decomposed optimum (of $\tilde J$)")
    axes.set_xlim(-0.02, 1.12 * polygon[:, 0].max())
    axes.set_ylim(-0.02, 1.6 * polygon[:, 1].max())
