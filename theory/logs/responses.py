"""How hard std normalisation pulls at a component: c_G(p) without knowing p.

c_G is a polynomial of degree G-2 in p (``theory.estimators.response``), so a group of n >= G-2
members has an unbiased estimate of it: the mean of b_(j+1) over its subsets of G-2, j of which
succeeded, a hypergeometric sum (derived).
"""

import numpy as np
from scipy.special import gammaln

from grpo_checks.theory.estimators.response import coefficients
from grpo_checks.theory.logs.groups import Floats, Groups
from grpo_checks.theory.logs.limits import LEVEL, UNKNOWN, Estimate, mean_estimate
from grpo_checks.theory.numbers.grouped.segments import Ints
from grpo_checks.theory.updates.rounding import ELEMENTARY, rounding


def _log_choose(n: Ints, k: Ints) -> Floats:
    valid = (k >= 0) & (k <= n)
    k = np.where(valid, k, 0)
    choose = gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)
    return np.where(valid, choose, -np.inf)


def subset_response(
    right: Ints, size: Ints, group_size: int, ddof: int = 1, eps: float = 1e-4
) -> Floats:
    """Unbiased for c_G(p), from ``right`` of ``size`` members; NaN where size < G-2."""
    b, most = np.asarray(coefficients(group_size, ddof, eps)), group_size - 2
    enough = size >= most
    n = np.where(enough, size, most)
    right = np.minimum(right, n)
    total = np.zeros(right.shape)
    for j in range(group_size - 1):
        log = _log_choose(right, np.full_like(right, j))
        log = log + _log_choose(n - right, np.full_like(right, most - j))
        total += np.exp(log - _log_choose(n, np.full_like(right, most))) * b[j]
    return np.where(enough, total, np.nan)


def mean_response(
    groups: Groups, values: Floats, group_size: int, level: float = LEVEL
) -> Estimate:
    """Average of c_G over groups, for a component of zeros and ones."""
    present = ~np.isnan(values)
    right = groups.total(np.where(present, values, 0.0)).round().astype(np.int64)
    size = groups.total(present.astype(np.int64))
    values = subset_response(right, size, group_size)
    b = np.asarray(coefficients(group_size, 1, 1e-4))
    if group_size <= 3:  # One response, or two that are equal: whatever the pass rate.
        return Estimate(float(b[0]), float(b[0]), float(b[0]))
    return mean_estimate(values, float(b.min()), float(b.max()), level, response_error(size, b))


def response_error(size: Ints, b: Floats) -> float:
    """How far rounding may put ``subset_response`` from the mean of ``b`` that it is.

    A chance is the exponential of nine logarithms of factorials, at most ln n! each; the chances
    are multiplied with b and added up.
    """
    nats = 9 * float(gammaln(size.max() + 1.0))
    return rounding(float(np.abs(b).max()), nats * (ELEMENTARY + 8) + ELEMENTARY + b.size + 1)


def kappa_estimate(responses: list[Estimate]) -> Estimate:
    """max/min of the mean responses of components: how unequally decomposing pulls at them."""
    known = [r for r in responses if not np.isnan(r.value)]
    if not known:
        return UNKNOWN
    value = max(r.value for r in known) / min(r.value for r in known)
    # The largest is at least each lower limit, the smallest at most each upper one.
    low = max(r.low for r in known) / min(r.high for r in known)
    high = max(r.high for r in known) / min(r.low for r in known)
    return Estimate(value, max(1.0, low), high)
