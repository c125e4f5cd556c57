"""How std-normalised GRPO responds to one two-valued reward: E[g] = c_G(p) grad p.

c_G(p) = sum_j C(G-2, j) p^j (1-p)^(G-2-j) b_{j+1}, b_k = (G-1)/sqrt(k (G-k)) at eps = 0, ddof = 0
(arXiv:2510.13651, re-derived; checked against the group law). Here with rational numbers in and
rational enclosures out, so that a sign can be certified.
"""

from fractions import Fraction
from math import comb, isqrt
from typing import NamedTuple

from theory.advantages import check_group_size

DIGITS = 10**40


class Enclosure(NamedTuple):
    """A rational interval that contains a real number."""

    low: Fraction
    high: Fraction

    def plus(self, other: "Enclosure") -> "Enclosure":
        """The sum."""
        return Enclosure(self.low + other.low, self.high + other.high)

    def times(self, factor: Fraction) -> "Enclosure":
        """The product with an exact number of either sign."""
        ends = (self.low * factor, self.high * factor)
        return Enclosure(min(ends), max(ends))


def inverse_root(n: int) -> Enclosure:
    """1/sqrt(n) for a positive integer, to 40 digits; exact for squares."""
    root = isqrt(n * DIGITS**2)
    low = Fraction(root, DIGITS)
    high = low if root * root == n * DIGITS**2 else Fraction(root + 1, DIGITS)
    return Enclosure(1 / high, 1 / low)


def response(group_size: int, p: Fraction) -> Enclosure:
    """c_G(p) for a rational success probability p in [0, 1]. Raises ValueError outside."""
    check_group_size(group_size)
    if not 0 <= p <= 1:
        raise ValueError(f"p = {p}: expected a probability")
    total, n = Enclosure(Fraction(0), Fraction(0)), group_size - 2
    for j in range(n + 1):
        weight = comb(n, j) * p**j * (1 - p) ** (n - j) * (group_size - 1)
        total = total.plus(inverse_root((j + 1) * (group_size - j - 1)).times(weight))
    return total


def response_is_constant(group_size: int) -> bool:
    """Whether c_G does not depend on p: all k (G-k) are equal, which is so for G = 2 and 3 only."""
    return len({k * (group_size - k) for k in range(1, group_size)}) == 1
