"""Averages over groups with finite-sample limits, for policies that move while they are logged."""

from typing import NamedTuple

import numpy as np

from grpo_checks.theory.convergence.confidence import drift_upper_limit
from grpo_checks.theory.logs.groups import Floats

LEVEL = 0.05
"""Error of the limits of one number, alone."""


class Estimate(NamedTuple):
    """A number with two-sided limits; all NaN where nothing tells it."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        """As a reader sees it."""
        return f"{self.value:.3g} ({self.low:.3g} to {self.high:.3g})"


UNKNOWN = Estimate(np.nan, np.nan, np.nan)


def mean_estimate(
    values: Floats, low: float = 0.0, high: float = 1.0, level: float = LEVEL, error: float = 0.0
) -> Estimate:
    """Of the average over groups of E[x_i | what came before], x in [low, high]; NaN is left out.

    x_i are in the order of the run: the policy of a group may depend on all before, neither
    independence of groups nor one law is needed. The average is unbiased; the limits are
    ``drift_upper_limit`` on x_i less the mean of those before it, once from each side (derived).
    ``error``: how far rounding may have put a value, which is moved back. Raises ValueError for
    values further outside the range.
    """
    x = values[~np.isnan(values)]
    if not x.size:
        return UNKNOWN
    if not (x.min() >= low - error and x.max() <= high + error):
        raise ValueError(f"values = [{x.min()}, {x.max()}]: expected them in [{low}, {high}]")
    x = np.clip(x, low, high)
    width, rank = high - low, np.arange(1, x.size + 1)
    past = np.r_[0.0, np.cumsum(x)[:-1]]
    centre = ((low + high) / 2 + past) / rank
    off, square = x - centre, float(np.square(x - centre).sum())
    moved = [
        drift_upper_limit(x.size, float(sign * off.sum()), square, level / 2, width)
        for sign in (1, -1)
    ]
    upper, lower = centre.mean() + moved[0], centre.mean() - moved[1]
    return Estimate(float(x.mean()), max(low, float(lower)), min(high, float(upper)))


def difference_of_square(square: Estimate, mean: Estimate, value: float) -> Estimate:
    """Of E x^2 - (E x)^2, from limits of both, ``value`` its estimate; never below 0."""
    if np.isnan(value):
        return UNKNOWN
    ends = sorted((abs(mean.low), abs(mean.high)))
    least = 0.0 if mean.low <= 0 <= mean.high else ends[0] ** 2
    return Estimate(value, max(0.0, square.low - ends[1] ** 2), max(0.0, square.high - least))


def ratio_of_root(over: Estimate, first: Estimate, second: Estimate) -> Estimate:
    """Of over/sqrt(first second), limits in [-1, 1] from those of the parts (no unbiased estimate).

    The level adds up over the three.
    """
    if not first.value * second.value > 0:
        return UNKNOWN
    least, most = (np.sqrt(max(0.0, a * b)) for a, b in (
        (first.low, second.low), (first.high, second.high)))  # fmt: skip
    with np.errstate(divide="ignore", invalid="ignore"):
        low, high = (
            end / (most if (end > 0) is below else least) if end else 0.0
            for end, below in ((over.low, True), (over.high, False))
        )
    value = over.value / np.sqrt(first.value * second.value)
    return Estimate(*(float(np.clip(x, -1, 1)) for x in (value, low, high)))
