"""Figure of how much of its bound each cell uses, for claims that no other figure shows."""

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from grpo_checks.figures.style import BOUND, OBSERVED, PAGE_WIDTH, RC, REFERENCE, shared_legend

CLAIMS = (
    "T1.rate.sharp",
    "T1.descent",
    "T1.surrogate",
    "T2.bridge'",
    "T2.bridge.sd",
    "T2.global",
    "L.hessian",
    "L.baseline",
    "L.correlation",
)
COLUMNS = 5
LOOKS = (("holds", OBSERVED, "o"), ("refuted", BOUND, "X"), ("vacuous", REFERENCE, "+"))


def _panel(axes: Axes, cells: pd.DataFrame) -> None:
    """observed/bound, sorted: under 1 where the claim holds, near 1 where it is tight."""
    used = (cells["observed"] / cells["bound"]).sort_values()
    place = pd.Series(np.linspace(0, 1, len(used)) if len(used) > 1 else 0.5, used.index)
    for verdict, color, marker in LOOKS:
        marked = cells.index[cells["verdict"] == verdict]
        axes.plot(place[marked], used[marked], marker, color=color, label=verdict, alpha=0.7)
    axes.axhline(1, color=REFERENCE, linestyle="--", label="the bound")
    axes.set_xticks([])


def _telling(rows: pd.DataFrame) -> pd.DataFrame:
    """Cells of these claims with something observed, and a bound that is no rounding error."""
    columns = ["claim", "observed", "bound", "verdict", "identity", "rounding"]
    kept = rows.loc[rows["claim"].isin(CLAIMS), columns]
    real = (kept["bound"] > kept["rounding"].fillna(0.0)) & (kept["observed"] > 0)
    return kept[real & (kept["identity"].astype(str) != "True")]


def looseness(rows: pd.DataFrame) -> Figure | None:
    """A panel per claim: all its cells, from the loosest to the tightest."""
    kept = _telling(rows)
    names = [name for name in CLAIMS if (kept["claim"] == name).any()]
    if not names:
        return None
    lines = -(-len(names) // COLUMNS)
    with rc_context(dict(RC)):  # type: ignore[arg-type]
        figure = Figure((PAGE_WIDTH, 0.6 + 1.5 * lines), layout="constrained")
        panels = figure.subplots(lines, COLUMNS, squeeze=False, sharey=True).ravel()
        for axes, name in zip(panels, names, strict=False):
            cells = kept[kept["claim"] == name]
            _panel(axes, cells)
            axes.set_title(f"{name}, {len(cells)} cells")
        panels[0].set_ylim(0, 1.05 * max(1.0, (kept["observed"] / kept["bound"]).max()))
        for axes in panels[len(names) :]:
            axes.set_axis_off()
        figure.supylabel("observed over bound", fontsize=8)
        figure.supxlabel("cells, sorted", fontsize=8)
        shared_legend(figure, panels[0])
    return figure
