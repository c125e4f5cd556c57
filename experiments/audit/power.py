"""What the sampled checks could see: the smallest excess over a bound that is found, and its price.

From stored rows alone. With a half-width w at the simultaneous level (z, its normal quantile) the
standard error is at most w/z, since limits valid at any n are wider than normal ones. An excess x
is found with probability 0.9 where the mean stays above the bound by w + 1.28 w/z. Where the noise
grows with the mean (an average of squares below its bound) it is scaled up to the bound first.
Planning figures: conservative in the standard error, approximate in the shape.
"""

import numpy as np
import pandas as pd
import scipy

from grpo_checks.experiments.protocol.error_shares import claim_error
from grpo_checks.experiments.storage.text import counts

FOUND = 0.9
EXCESSES = (0.1, 0.01)


def sampled(rows: pd.DataFrame) -> pd.DataFrame:
    """The cells that rest on random seeds and have limits."""
    return rows[rows["seeds"].notna() & (rows["lower"] < rows["upper"])]


def reach(level: float, chance: float = FOUND) -> float:
    """How many half-widths above the bound a mean must be to be found with that probability."""
    return 1 + float(scipy.stats.norm.ppf(chance) / scipy.stats.norm.isf(level))


def _relative(cells: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """Half-width over the scale of the cell, and whether noise grows with the mean."""
    width = cells["observed"] - cells["lower"]
    # An excess over 0 is no share of it: such cells are left out.
    scale = cells["bound"].abs().replace(0.0, np.nan)
    if "J_joint" in cells:
        # Races are against 0: a difference of J is measured against J.
        scale = scale.fillna(cells["J_joint"])
    grows = (cells["observed"] > 0) & (cells["bound"] > cells["observed"])
    return width / cells["observed"].where(grows, scale), grows


def smallest_excess(cells: pd.DataFrame, level: float) -> pd.Series:
    """As a share of the bound, for each cell; infinite where none is found at these seeds."""
    width, grows = _relative(cells)
    needed = width * reach(level)
    scaled = needed / (1 - needed).where(needed < 1, np.nan)
    return needed.where(~grows, scaled.fillna(np.inf))


def seeds_needed(cells: pd.DataFrame, level: float, excess: float) -> pd.Series:
    """Seeds at which an excess would be found: widths fall as one over their root."""
    width, grows = _relative(cells)
    allowed = pd.Series(excess, index=cells.index).where(~grows, excess / (1 + excess))
    return pd.Series(np.ceil(cells["seeds"] * (width * reach(level) / allowed) ** 2))


def power(rows: pd.DataFrame) -> pd.DataFrame:
    """A line per sampled claim; numbers over its cells."""
    lines = []
    for claim, cells in sampled(rows).groupby("claim", sort=False):
        level = claim_error() / len(cells)
        cells = cells[_relative(cells)[0].notna()]
        width, excess = _relative(cells)[0], smallest_excess(cells, level)
        seeds = {x: seeds_needed(cells, level, x) for x in EXCESSES}
        lines.append(
            {
                "claim": claim,
                "cells": len(cells),
                "level": f"{level:.1g}",
                "seeds": counts(cells["seeds"]),
                "half-width": _typical(f"{width.median():.1%}", f"{width.max():.1%}"),
                "found at 90%": _typical(
                    _share(excess.median()), _share(excess.max()), "in all cells"
                ),
                **{f"seeds for {x:.0%}": _many(n) for x, n in seeds.items()},
            }
        )
    return pd.DataFrame(lines)


def _share(value: float) -> str:
    return f"{value:.1%}" if np.isfinite(value) else "none"


def _many(numbers: pd.Series) -> str:
    return _typical(*(f"{int(x):,}" for x in (numbers.median(), numbers.max())))


def _typical(median: str, largest: str, name: str = "at most") -> str:
    """The median, and the largest where it prints otherwise."""
    return median if median == largest else f"{median}, {name} {largest}"
