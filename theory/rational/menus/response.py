"""The response c_G of std-normalised GRPO to a two-valued reward, and its potential, as balls.

The formulas of ``theory.estimators.response`` (arXiv:2510.13651, re-derived) with rational numbers
in and rigorous enclosures out, so that a sign can be certified.
"""

from collections.abc import Sequence
from functools import lru_cache
from math import comb

from flint import fmpq

from grpo_checks.theory.estimators.advantages import check_group_size
from grpo_checks.theory.numbers.balls import Number, powers, root, total


@lru_cache(maxsize=256)
def coefficients(group_size: int, ddof: int = 0, eps: fmpq | int = 0) -> tuple[Number, ...]:
    """b_1, ..., b_{G-1}: b_k = ((G-1)/G)/(sd_k + eps), sd_k^2 = k (G-k)/(G (G-ddof))."""
    check_group_size(group_size)
    g = group_size
    spreads = [root(fmpq(k * (g - k), g * (g - ddof))) for k in range(1, g)]
    return tuple(fmpq(g - 1, g) / (sd + eps) for sd in spreads)


def _bernstein(coefficients: Sequence[Number], p: Number) -> Number:
    """sum_j C(n, j) p^j (1-p)^(n-j) b_j. Raises ValueError for p outside [0, 1]."""
    if p < 0 or p > 1:
        raise ValueError(f"p = {p}: expected a probability")
    n = len(coefficients) - 1
    ups, downs = powers(p, n), powers(1 - p, n)
    return total(comb(n, j) * b * ups[j] * downs[n - j] for j, b in enumerate(coefficients))


def response(group_size: int, p: Number, ddof: int = 0, eps: fmpq | int = 0) -> Number:
    """c_G(p), rational where all b_k are. Raises ValueError for p certainly outside [0, 1]."""
    return _bernstein(coefficients(group_size, ddof, eps), p)


def potential(group_size: int, p: Number, ddof: int = 0, eps: fmpq | int = 0) -> Number:
    """F_G(p), F_G' = c_G and F_G(0) = 0: running means of the coefficients, one degree higher."""
    sums: list[Number] = [fmpq(0)]
    for b in coefficients(group_size, ddof, eps):
        sums.append(sums[-1] + b)
    return _bernstein(sums, p) / (group_size - 1)
