"""Upper quantiles of a beta law, rounded up: the confidence limits of a binomial proportion.

SciPy's tails of the beta law are right to a share of 4 eps sqrt(a + b), in the smaller one of the
two (found against 60 digits, see tests/theory/generalization/test_fresh_set.py). Its inverse is
not: it has nine digits where b is 10^8, and none for some laws with a or b = 1000.
"""

import numpy as np
import scipy
from numpy.typing import NDArray
from scipy.special import betainc, betaincc, betainccinv

from grpo_checks.theory.numbers.kl import EPS

LEAST = 1e-300
"""The smallest tail that leaves room for smaller numbers on the way."""
TINY, STEPS = 2.3e-308, 100
Numbers = NDArray[np.float64] | np.float64


@np.errstate(over="ignore")
def _move(p: Numbers, a: Numbers, b: Numbers, delta: float) -> tuple[Numbers, Numbers]:
    """Newton's step on the logarithm of the smaller tail, and what an error of that tail does to p.

    The logarithm is concave: from either side the step leads to the same side of the quantile.
    """
    tail, goal, sign = (betainc, 1 - delta, -1) if delta > 0.5 else (betaincc, delta, 1)
    mass = np.maximum(tail(a, b, p), TINY)
    # The way on which the tail changes by a factor of e.
    way = mass / np.maximum(scipy.stats.beta.pdf(p, a, b), TINY)
    return np.asarray(sign * way * np.log(mass / goal)), 4 * EPS * np.sqrt(a + b) * way


def upper_quantile(a: Numbers, b: Numbers, delta: float) -> Numbers:
    """p with P(Beta(a, b) > p) = delta; never below it, at most a share of 1e-11 above.

    For a and b in 1..10^8 and ``delta`` in [``LEAST``, 1).
    """
    # Two or three steps as a rule; the bracket is for the laws on which SciPy's start is no use.
    low, high = np.full_like(a, EPS**2), np.ones_like(a)
    p = np.nan_to_num(np.clip(betainccinv(a, b, delta), low, 1 - EPS), nan=0.5)
    for _ in range(STEPS):
        move, error = _move(p, a, b, delta)
        low, high = np.where(move < 0, low, p), np.where(move < 0, p, high)
        last, p = p, p + move
        p = np.where((low <= p) & (p <= high), p, np.sqrt(low * high))
        if ((np.abs(move) <= error) | (np.abs(p - last) <= EPS * p)).all():
            break
    return np.asarray(np.minimum(p * (1 + 4 * EPS) + error, 1.0))
