"""How far the cells of a claim are from its bound: one kind of number each, with its name."""

import numpy as np
import pandas as pd

from grpo_checks.experiments.audit.sharpness import per_cent
from grpo_checks.experiments.runs.margins import compared, ratios, rounding_of
from grpo_checks.experiments.runs.words import having

LARGE = 1000.0
"""A looseness beyond it says no more than that."""


def margins(cells: pd.DataFrame) -> dict[str, str]:
    """Looseness of one claim's cells where all of them hold, else the distance of those that do
    not; and their rounding error, in words. Stored cases are taken where there are no cells."""
    refuted = (cells["verdict"] == "refuted").any()
    return {
        "looseness": "" if refuted else looseness(cells),
        "distance": distance(cells),
        "rounding": _largest_rounding(cells),
    }


def looseness(cells: pd.DataFrame) -> str:
    """bound/observed, >= 1 up to rounding: the least and the median over the cells that hold."""
    held = having(compared(cells), "holds").dropna(subset=["observed", "bound"])
    if held.empty:
        return ""
    if ((held["bound"] - held["observed"]).abs() <= rounding_of(held)).all():
        return "equal"
    known = ratios(held)
    if known.empty:
        return ""
    least, median = _ratio(known.min()), _ratio(known.median())
    return least if least == median else f"{least}, median {median}"


def _ratio(value: float) -> str:
    return f"{value:.3g}" if value < LARGE else f"over {LARGE:,.0f}"


def distance(cells: pd.DataFrame) -> str:
    """|observed - bound| over the larger of both, in per cent, of the farthest cell that is
    refuted for certain; of sampled ones where there are no others."""
    refuted = having(cells, "refuted")
    solid = refuted[refuted["evidence"] != "statistical"]
    chosen = (solid if len(solid) else refuted)[["observed", "bound"]].dropna()
    if chosen.empty:
        return ""
    larger = chosen.abs().max(axis=1)
    share = (chosen["observed"] - chosen["bound"]).abs() / larger.where(larger > 0, np.nan)
    return f"{share.max():.0%}" if share.max() >= 1 else per_cent(float(share.max()))


def _largest_rounding(cells: pd.DataFrame) -> str:
    errors = rounding_of(cells)
    return f"{errors.max():.0e}" if (errors > 0).any() else ""
