"""Confidence limits for the mean of bounded variables: valid at any n, adapting to the variance."""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import logsumexp

# Bets as shares of the largest one that cannot lose everything. A mixture needs no tuning: the
# best of them decides, at a price of ln(10) in the level.
BETS = np.array([0.01, 0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 0.9, 0.99])
DRIFT_BETS = np.concatenate([BETS / 1000, BETS / 30, BETS])


def log_evidence_below(sample: NDArray[np.float64], mean: float, high: float) -> float:
    """log of an e-value against "the mean is at least ``mean``", for a sample with values <= high.

    The capital of a gambler who bets on small values, sum over ``BETS`` of
    prod_i (1 + bet (mean - x_i)/(high - mean)), has expectation at most 1 under that hypothesis
    (betting, arXiv:2010.09686).
    """
    win = (mean - sample) / (high - mean)
    capital = np.log1p(BETS[:, None] * win[None]).sum(1)
    return float(logsumexp(capital) - np.log(len(BETS)))


def _check(sample: NDArray[np.float64], level: float, low: float, high: float) -> None:
    if not -np.inf < low <= high < np.inf:
        raise ValueError(f"range = [{low}, {high}]: expected finite ends, low <= high")
    if sample.size == 0 or not (sample.min() >= low and sample.max() <= high):
        raise ValueError(
            f"sample = {sample.size} values in [{sample.min(initial=np.inf)}, "
            f"{sample.max(initial=-np.inf)}]: expected at least one, all in [{low}, {high}]"
        )
    if not 0 < level < 1:
        raise ValueError(f"level = {level}: expected a number in (0, 1)")


def _unit_upper_limit(values: NDArray[np.float64], level: float) -> float:
    """For values in [0, 1]. Rejected means form an upper set: the evidence grows with the mean."""
    needed = -np.log(level)
    tiny = 1e-12
    start, end = float(values.mean()), 1 - tiny
    if start >= end or log_evidence_below(values, end, 1.0) < needed:
        return 1.0
    return float(
        brentq(lambda m: log_evidence_below(values, m, 1.0) - needed, start, end, xtol=tiny)
    )


def upper_limit(sample: NDArray[np.float64], level: float, low: float, high: float) -> float:
    """Upper confidence limit of the mean of i.i.d. values in [low, high], at error ``level``.

    Finite-sample: P(limit < mean) <= level for every law on the interval. Raises ValueError for a
    sample outside [low, high], an empty sample, an infinite range, or a level outside (0, 1).
    """
    values = np.asarray(sample, float)
    _check(values, level, low, high)
    if high == low:
        return high
    # In units of the range, or a narrow one far from 0 would be lost in rounding.
    limit = _unit_upper_limit((values - low) / (high - low), level)
    return high if limit == 1 else min(high, low + (high - low) * limit)


def lower_limit(sample: NDArray[np.float64], level: float, low: float, high: float) -> float:
    """Lower confidence limit; see ``upper_limit``."""
    values = np.asarray(sample, float)
    _check(values, level, low, high)
    return -upper_limit(-values, level, -high, -low)


def drift_upper_limit(
    count: int, total: float, square: float, level: float, largest: float
) -> float:
    """Upper limit for the average conditional mean of y_1..y_N, each given its past.

    For an adapted sequence with y <= ``largest``, from N = ``count``, sum y = ``total`` and sum
    y^2 = ``square``; neither independence nor a common law is needed, so the steps of many runs
    count one by one. Finite-sample, at error ``level``: the empirical Bernstein supermartingale
    prod exp(b (mu - y) - (-ln(1-b) - b) y^2), here with y/largest, at each bet b of ``BETS``
    (arXiv:2010.09686, section 3.2).
    """
    if not (count >= 1 and largest > 0 and 0 < level < 1 and np.isfinite(total) and square >= 0):
        raise ValueError(
            f"count = {count}, total = {total}, square = {square}, level = {level}, "
            f"largest = {largest}: expected count >= 1, a finite total, square >= 0, level in "
            "(0, 1) and largest > 0"
        )
    cost = np.log(len(DRIFT_BETS) / level) + drift_penalty(square, largest)
    return float(np.min(total / count + largest * cost / (DRIFT_BETS * count)))


def drift_penalty(square: float, largest: float) -> NDArray[np.float64]:
    """What the supermartingale of each bet pays for sum y^2 = ``square``."""
    return np.asarray((-np.log1p(-DRIFT_BETS) - DRIFT_BETS) * square / largest**2)


def samples_needed(slack: float, spread: float, width: float, level: float) -> float:
    """About how many samples let ``upper_limit`` undercut a bound that is ``slack`` above the mean.

    ``spread`` is the standard deviation, ``width`` = high - mean. A planning figure of Bernstein's
    shape (variance term plus range term), from the growth of the best bet; infinite where the
    smallest bet is too large for so small a slack. Raises ValueError if ``slack`` is not positive.
    """
    if slack <= 0:
        raise ValueError(f"slack = {slack}: expected a positive number")
    relative, cost = spread / slack, np.log(len(BETS) / level)
    if spread * relative * BETS.min() / 2 >= width:
        return float("inf")
    return float(np.ceil(cost * (2 * relative**2 + width / slack)))
