"""The figure of T1.own: std-normalised GRPO goes round, other estimators arrive."""

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from grpo_checks.figures.style import ESTIMATORS, PAGE_WIDTH, RC, REFERENCE, SERIES, series

NAMES = {"dice": ("A", "B", "C"), "rank_cycle": ("1", "2", "3")}
ESTIMATOR_LOOK = {"group_normalized": 0, "leave_one_out": 1, "componentwise_normalized": 2}


def orbits(rows: pd.DataFrame) -> Figure | None:
    """Orbits in the simplex, J along them, and |grad J|^2 of sampled training against T."""
    data = rows[rows["claim"] == "T1.own"]
    if "first at t=0" not in data:
        return None
    drawn = data[data["first at t=0"].notna()]
    sampled = data[data["evidence"] == "statistical"]
    dice, cycle = (drawn[drawn["instance"] == name] for name in ("dice", "rank_cycle"))
    if dice.empty or cycle.empty:
        return None
    with rc_context(dict(RC)):  # type: ignore[arg-type]
        figure = Figure((PAGE_WIDTH, 5.2), layout="constrained")
        ((first, second), (third, fourth)) = figure.subplots(2, 2)
        _orbits(first, "dice", dice[dice["group_size"] == 2])
        _orbits(second, "rank_cycle", cycle[cycle["estimator"] == "group_normalized"])
        _values(third, dice[dice["group_size"] == 2])
        _averages(fourth, sampled)
    return figure


def _label(row: pd.Series, by_size: bool) -> str:
    name = ESTIMATORS[row["estimator"]]
    return f"{name}, G = {int(row['group_size'])}" if by_size else name


def _looks(rows: pd.DataFrame) -> list[tuple[pd.Series, int, str]]:
    """Rows with look and label: by estimator, or of one estimator by group size."""
    shown = rows[rows["estimator"].isin(ESTIMATOR_LOOK)]
    by_size = shown["group_size"].nunique() > 1
    return [
        (row, i if by_size else ESTIMATOR_LOOK[row["estimator"]], _label(row, by_size))
        for i, (_, row) in enumerate(shown.iterrows())
    ]


def _corners(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """Barycentric coordinates: the first action left, the second right, the third on top."""
    third = 1 - first - second
    return np.array([second + third / 2, third * np.sqrt(3) / 2])


def _orbits(axes: Axes, instance: str, rows: pd.DataFrame) -> None:
    axes.plot([0, 1, 0.5, 0], [0, 0, np.sqrt(3) / 2, 0], color=REFERENCE, lw=0.8)
    for (x, y), name, side in zip(
        ((0, 0), (1, 0), (0.5, np.sqrt(3) / 2)), NAMES[instance], ("right", "left", "center"),
        strict=True,
    ):  # fmt: skip
        axes.text(x, y, f" {name} ", ha=side, va="bottom" if side == "center" else "center")
    for row, look, label in _looks(rows):
        x, y = _corners(series(row, "first at t=")[1], series(row, "second at t=")[1])
        axes.plot(x, y, label=label, markevery=6, **SERIES[look])
    axes.set_aspect("equal")
    axes.axis("off")
    axes.set_title(f"{instance}: expected updates")
    axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(-0.25, 1.0))


def _values(axes: Axes, rows: pd.DataFrame) -> None:
    for row, look, label in _looks(rows):
        axes.plot(*series(row, "J at t="), label=label, markevery=6, **SERIES[look])
    axes.axhline(rows.iloc[0]["optimum"], color=REFERENCE, ls=":", label="$J^*$")
    axes.set_xlabel(r"time $\eta t$ on dice, G = 2")
    axes.set_ylabel("$J$")
    axes.legend(frameon=False, loc="upper right", ncols=2, bbox_to_anchor=(1.0, 0.92))


def _averages(axes: Axes, rows: pd.DataFrame) -> None:
    for i, (_, data) in enumerate(rows.groupby(["instance", "estimator"])):
        runs = data.sort_values("n_steps")
        t, mean = runs["n_steps"].to_numpy(float), runs["observed"].to_numpy(float)
        spread = [mean - runs["lower"], runs["upper"] - mean]
        label = f"{ESTIMATORS[runs.iloc[0]['estimator']]} on {runs.iloc[0]['instance']}"
        axes.errorbar(t, mean, yerr=spread, label=label, **SERIES[i])
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("number of steps $T$ (sampled, G = 2)")
    axes.set_ylabel(r"average of $|\nabla J|^2$")
    # Room above the limits.
    axes.set_ylim(top=0.5)
    axes.legend(frameon=False, loc="upper left", ncols=2)
