"""The figure of T2.benefit: does the signal e of an update tell which form gains more?"""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.lines import Line2D

from grpo_checks.figures.style import COLUMN_WIDTH, shared_legend, stacked, styled
from grpo_checks.figures.theorems.theorem2 import DECOMPOSED, JOINT


def _map(axes: Axes, cells: pd.DataFrame) -> None:
    """A triangle up where decomposed has the larger e, down else; filled where e was right."""
    for up, (marker, colour) in ((True, ("^", DECOMPOSED)), (False, ("v", JOINT))):
        for right in (True, False):
            part = cells[((cells["lead"] > 0) == up) & ((cells["verdict"] == "holds") == right)]
            face = colour if right else "none"
            x, y = part["coupling"], part["success_ratio"]
            axes.plot(x, y, marker, color=colour, mfc=face, ms=5, mew=0.9)
    axes.set_yscale("log")
    ticks = [1, 0.5, 0.2, 0.1, 0.05]
    axes.set_yticks(ticks, labels=[str(t) for t in ticks], minor=False)
    axes.minorticks_off()
    axes.set(xlim=(-1.1, 1.1), ylim=(0.038, 1.35))


OUTCOMES = {
    "holds": ("as $e$ says", ("#009E73", "")),
    "refuted": ("the other form gains more", ("#E69F00", "////")),
    "assumption unmet": ("$e$ turns on the way", ("#CC79A7", "....")),
    "inconclusive": ("open", ("#DDDDDD", "")),
}
KIND = ["components", "success", "group_size"]


def _kind(cells: pd.DataFrame) -> str:
    k, success, group = cells[KIND].iloc[0]
    return f"K = {k:.0f}, $p_1$ = {success}, G = {group:.0f}"


def _outcomes(axes: Axes, cells: pd.DataFrame) -> None:
    """A bar for each kind of model: shares of starts by verdict; black: where joint gains more."""
    kinds = list(cells.groupby(["where", *KIND]))
    labels = []
    for _, part in kinds:
        races = part["where"].iloc[0] == "training"
        labels.append(("races, " if races else "") + _kind(part))
    shares = {
        label: (np.array([(part["verdict"] == verdict).mean() for _, part in kinds]), look)
        for verdict, (label, look) in OUTCOMES.items()
    }
    stacked(axes, range(len(kinds)), shares)
    updates = [(i, part) for i, (_, part) in enumerate(kinds) if part["gain_lead"].notna().any()]
    joint = [(part["gain_lead"] <= 0).mean() for _, part in updates]
    axes.plot(
        joint, [i for i, _ in updates], "D", color="black", mec="white", ms=5,
        label="joint gains more",
    )  # fmt: skip
    axes.set_yticks(range(len(kinds)), labels)
    axes.set_xlabel("share of starts, of races")


def _key(figure: SubFigure) -> None:
    """What the triangles mean, drawn from triangles."""
    looks = (
        ("^", DECOMPOSED, DECOMPOSED, "$e$: decomposed, right"),
        ("^", DECOMPOSED, "none", "$e$: decomposed, wrong"),
        ("v", JOINT, JOINT, "$e$: joint, right"),
        ("v", JOINT, "none", "$e$: joint, wrong"),
    )
    handles = [
        Line2D([], [], marker=marker, color=colour, mfc=face, ls="", label=label)
        for marker, colour, face, label in looks
    ]
    figure.legend(handles=handles, loc="outside upper center", ncols=2, frameon=False)


@styled
def phase(rows: pd.DataFrame) -> Figure | None:
    """T2.benefit: which form e prefers, and whether it is right: two maps, and shares of all."""
    data = rows[rows["claim"] == "T2.benefit"]
    data = data[data["instance"] == "outcomes"]
    updates = data[data["where"] == "one update"] if len(data) else data
    if updates.empty:
        return None
    two = updates[(updates["components"] == 2) & (updates["group_size"] == 8)]
    shown = [part for _, part in (updates if two.empty else two).groupby(KIND)][:2]
    counted = data[data["where"].isin(["one update", "training"])]
    bars = counted[["where", *KIND]].drop_duplicates().shape[0]
    figure = Figure((COLUMN_WIDTH, 4.1 + 0.19 * bars), layout="constrained")
    ratios = [2.9, 1.2 + 0.19 * bars]
    above, below = np.ravel(np.array(figure.subfigures(2, 1, height_ratios=ratios)))
    maps = above.subplots(1, len(shown), sharey=True, squeeze=False)[0]
    for axes, part in zip(maps, shown, strict=True):
        _map(axes, part)
        axes.set_title(_kind(part))
    above.supxlabel("correlation, as a share of the extreme one", fontsize=8)
    maps[0].set_ylabel("success ratio $p_2/p_1$")
    _key(above)
    _outcomes(axes := below.subplots(), counted)
    shared_legend(below, axes, 2)
    return figure
