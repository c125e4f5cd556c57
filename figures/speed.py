"""Figure of what a recorded training step costs, against each size of the problem."""

import pandas as pd
from matplotlib.figure import Figure

from grpo_checks.figures.style import (
    OBSERVED,
    PAGE_WIDTH,
    REFERENCE,
    doubling,
    shared_legend,
    styled,
)

COLUMNS = 4


@styled
def cost(rows: pd.DataFrame) -> Figure | None:
    """Seconds against each size, with the measured exponent and a line of the expected one."""
    data = rows[rows["claim"] == "cost"]
    if data.empty:
        return None
    sweeps = list(data.groupby("swept", sort=False))
    lines = -(-len(sweeps) // COLUMNS)
    figure = Figure((PAGE_WIDTH, 1.9 * lines), layout="constrained")
    panels = figure.subplots(lines, COLUMNS, squeeze=False, sharey=True).ravel()
    for axes, (name, sweep) in zip(panels, sweeps, strict=False):
        sweep = sweep.sort_values("size")
        last, expected = sweep.iloc[-1], int(sweep["expected_exponent"].iloc[0])
        line = last["ours_seconds"] * (sweep["size"] / last["size"]) ** expected
        axes.plot(
            sweep["size"], line, color=REFERENCE, linestyle="--", label="slope at large sizes"
        )
        axes.plot(
            sweep["size"], sweep["ours_seconds"], color=OBSERVED, marker="o", label="measured"
        )
        doubling(axes, str(name) if name == "seeds" else f"${name}$")
        axes.set_yscale("log")
        axes.set_xticks(sweep["size"])
        axes.set_title(f"slope {sweep['exponent'].iloc[0]:.2f}, at large sizes {expected}")
    for axes in panels[len(sweeps) :]:
        axes.set_axis_off()
    figure.supylabel("seconds", fontsize=8)
    shared_legend(figure, panels[0])
    return figure
