"""The figure of T1.own: std-normalised GRPO goes round, other estimators arrive."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from grpo_checks.figures.style import (
    ESTIMATORS,
    PAGE_WIDTH,
    REFERENCE,
    SERIES,
    series,
    simplex,
    styled,
)

NAMES = {"dice": ("A", "B", "C"), "rank_cycle": ("1", "2", "3")}
LOOKS = {"group_normalized": 0, "leave_one_out": 1, "componentwise_normalized": 2}
SIZE_LOOKS = {2: 0, 4: 3, 8: 4}
PARTS = {"J": ("$J$", 0), "J_1": ("accuracy", 3), "J_2": ("format", 4)}


@styled
def orbits(rows: pd.DataFrame) -> Figure | None:
    """Orbits in the simplex, J and its components along one, |grad J|^2 of sampled training."""
    data = rows[rows["claim"] == "T1.own"]
    if "first at t=0" not in data:
        return None
    drawn = data[data["first at t=0"].notna()]
    sampled = data[data["evidence"] == "statistical"]
    dice, cycle = (drawn[drawn["instance"] == name] for name in ("dice", "rank_cycle"))
    if dice.empty or cycle.empty:
        return None
    figure = Figure((PAGE_WIDTH, 5.4), layout="constrained")
    ((first, second), (third, fourth)) = figure.subplots(2, 2)
    _orbits(first, "dice", dice)
    _orbits(second, "rank_cycle", cycle)
    _values(third, dice[dice["group_size"] == 2])
    _averages(fourth, sampled)
    return figure


def _looks(rows: pd.DataFrame) -> list[tuple[pd.Series, Mapping[str, Any], str]]:
    """Rows with look and label: std-normalised GRPO of every group size, then the others."""
    shown = rows[rows["estimator"].isin(LOOKS)].sort_values("group_size")
    chosen = []
    for _, row in shown.iterrows():
        size = int(row["group_size"])
        normalized = row["estimator"] == "group_normalized"
        look = SIZE_LOOKS[size] if normalized else LOOKS[row["estimator"]]
        chosen.append((row, SERIES[look], f"{ESTIMATORS[row['estimator']]}, G = {size}"))
    return sorted(chosen, key=lambda x: x[0]["estimator"] != "group_normalized")


def corners(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """Barycentric coordinates: the first action left, the second right, the third on top."""
    third = 1 - first - second
    return np.array([second + third / 2, third * np.sqrt(3) / 2])


def _orbits(axes: Axes, instance: str, rows: pd.DataFrame) -> None:
    simplex(axes)
    for (x, y), name, side in zip(
        ((0, 0), (1, 0), (0.5, np.sqrt(3) / 2)), NAMES[instance], ("right", "left", "center"),
        strict=True,
    ):  # fmt: skip
        axes.text(x, y, f" {name} ", ha=side, va="bottom" if side == "center" else "center")
    for row, look, label in _looks(rows):
        x, y = corners(series(row, "first at t=")[1], series(row, "second at t=")[1])
        axes.plot(x, y, label=label, markevery=6, **look)
    axes.set_title(f"{instance}: expected updates")
    axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(-0.25, 1.0))


def _values(axes: Axes, rows: pd.DataFrame) -> None:
    """Lines: expected updates. Marks: means of sampled runs, with their spread."""
    normalized = rows[rows["estimator"] == "group_normalized"].iloc[0]
    for name, (label, look) in PARTS.items():
        color = SERIES[look]["color"]
        axes.plot(*series(normalized, f"{name} at t="), color=color, ls=SERIES[look]["linestyle"])
        times, means = series(normalized, f"sampled {name} at t=")
        spread = series(normalized, "spread of J at t=")[1] if name == "J" else None
        marks = {"color": color, "marker": SERIES[look]["marker"], "ls": "", "label": label}
        axes.errorbar(times, means, yerr=spread, **marks)
    axes.axhline(normalized["optimum"], color=REFERENCE, ls=":", label="$J^*$")
    axes.set(xlabel=r"time $\eta t$ on dice, GRPO, G = 2", ylim=(0.2, 1.0))
    axes.legend(frameon=False, loc="upper center", ncols=4, columnspacing=1.0, handletextpad=0.4)


def _averages(axes: Axes, rows: pd.DataFrame) -> None:
    for i, (_, data) in enumerate(rows.groupby(["instance", "estimator"])):
        runs = data.sort_values("n_steps")
        t, mean = runs["n_steps"].to_numpy(float), runs["observed"].to_numpy(float)
        spread = [mean - runs["lower"], runs["upper"] - mean]
        label = f"{ESTIMATORS[runs.iloc[0]['estimator']]} on {runs.iloc[0]['instance']}"
        axes.errorbar(t, mean, yerr=spread, label=label, **SERIES[i])
    axes.set(xscale="log", yscale="log")
    axes.set_xlabel("number of steps $T$ (sampled, G = 2)")
    axes.set_ylabel(r"average of $|\nabla J|^2$")
    # Room above the limits.
    axes.set_ylim(top=0.5)
    axes.legend(frameon=False, loc="upper left", ncols=2)
