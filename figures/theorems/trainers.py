"""The figure of a trainer in use on `dice`: TRL's defaults go round, its other settings arrive."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from grpo_checks.figures.style import PAGE_WIDTH, REFERENCE, SERIES, simplex, styled
from grpo_checks.figures.theorems.cycles import corners

EXACT, DEFAULTS, BEST = "expected updates", "defaults", 0.75
"""Settings; and J*, always the third action."""


@styled
def paths(rows: pd.DataFrame) -> Figure | None:
    """Policies in the simplex, J and the conserved sum against the number of steps."""
    if "setting" not in rows:
        return None
    data = {str(name): path for name, path in rows.groupby("setting", sort=False)}
    if not data.keys() >= {EXACT, DEFAULTS}:
        return None
    figure = Figure((PAGE_WIDTH, 2.8), layout="constrained")
    first, second, third = figure.subplots(1, 3, width_ratios=(1, 1.4, 1.4))
    _simplex(first, data)
    for axes, column in ((second, "J"), (third, "conserved")):
        _against_steps(axes, data, column)
    second.axhline(BEST, color=REFERENCE, ls=":", lw=0.8)
    second.set_ylabel("J (dotted: the most there is)")
    third.set(yscale="log", ylabel=r"$\Sigma\, e^{-\theta}$, constant on the orbit")
    figure.legend(
        *second.get_legend_handles_labels(), loc="outside upper center", ncols=3, frameon=False
    )
    return figure


def _simplex(axes: Axes, data: dict[str, pd.DataFrame]) -> None:
    simplex(axes)
    for (x, y), name, place in (
        ((0, 0), "A", "top"), ((1, 0), "B", "top"), ((0.5, np.sqrt(3) / 2), "C", "bottom"),
    ):  # fmt: skip
        axes.text(x, y, name, ha="center", va=place)
    for i, (_, path) in enumerate(data.items()):
        x, y = corners(path["first"].to_numpy(), path["second"].to_numpy())
        axes.plot(x, y, zorder=10 - i, **_look(i))


def _against_steps(axes: Axes, data: dict[str, pd.DataFrame], column: str) -> None:
    for i, (name, path) in enumerate(data.items()):
        label = name if name == EXACT else f"TRL, {name}"
        axes.plot(path["step"], path[column], label=label, **_look(i))
    axes.set_xlabel("step of the trainer")


def _look(i: int) -> dict[str, Any]:
    """Expected updates first: a thin black line on top."""
    if i == 0:
        return {"color": "#000000", "lw": 0.8}
    style = SERIES[i - 1]
    return {**style, "markevery": 25, "lw": 1.0, "markersize": 3}
