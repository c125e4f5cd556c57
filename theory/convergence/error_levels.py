"""Error levels: how small a level lets a confidence limit of ``theory.convergence.confidence``
decide a cell.

A limit at level a is on the wrong side of the true mean with chance at most a, so the smallest
level at which it meets a bound is a p-value. Several cells of a claim are then decided together by
Holm's step-down test (Scand. J. Statist. 6, 1979), which never decides less than Bonferroni.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from grpo_checks.theory.convergence.confidence import DRIFT_BETS, drift_penalty, log_evidence_below

SMALLEST = 1e-300


def upper_level(sample: NDArray[np.float64], bound: float, low: float, high: float) -> float:
    """The smallest level at which ``upper_limit`` of a sample in [low, high] is at most ``bound``.

    Closed form: the evidence against "the mean is at least the bound".
    """
    values = np.asarray(sample, float)
    if bound >= high:
        return 0.0
    if high == low or values.mean() >= bound:
        return 1.0
    unit, mean = (values - low) / (high - low), (bound - low) / (high - low)
    return float(np.exp(min(0.0, -log_evidence_below(unit, mean, 1.0))))


def lower_level(sample: NDArray[np.float64], bound: float, low: float, high: float) -> float:
    """The smallest level at which ``lower_limit`` is at least ``bound``."""
    return upper_level(-np.asarray(sample, float), -bound, -high, -low)


def drift_level(count: int, total: float, square: float, bound: float, largest: float) -> float:
    """The smallest level at which ``drift_upper_limit`` is at most ``bound``."""
    gained = DRIFT_BETS * count * (bound - total / count) / largest
    best = float(np.max(gained - drift_penalty(square, largest)))
    return float(min(1.0, len(DRIFT_BETS) * np.exp(-best))) if best > 0 else 1.0


def attained(upper: Callable[[float], float], bound: float) -> float:
    """The smallest level at which any decreasing upper limit is at most ``bound``; 1 if none is.

    Rounded up by at most one per cent.
    """
    distance = lambda exponent: upper(float(np.exp(exponent))) - bound  # noqa: E731
    least, most = float(np.log(SMALLEST)), -1e-9
    if distance(most) > 0:
        return 1.0
    if distance(least) <= 0:
        return SMALLEST
    close = 0.005
    return float(min(1.0, np.exp(brentq(distance, least, most, xtol=close) + close)))


def holm(levels: Sequence[float], error: float) -> list[bool]:
    """Which of m hypotheses are rejected at family-wise ``error``: the i-th smallest level (from 0)
    as long as it, and all smaller ones, are at most error/(m - i)."""
    order = np.argsort(levels, kind="stable")
    rejected = [False] * len(levels)
    for i, place in enumerate(order):
        if levels[place] > error / (len(levels) - i):
            break
        rejected[place] = True
    return rejected
