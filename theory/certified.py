"""Rational enclosures of logarithms and square roots, so that a violation can be certified."""

from fractions import Fraction
from functools import lru_cache
from math import isqrt

from theory.binary import Enclosure

DIGITS = 10**30
TERMS = 40


def _log_near_one(x: Fraction) -> Enclosure:
    """ln x for x in [2/3, 4/3]: 2 artanh(r), r = (x-1)/(x+1), |r| <= 1/5."""
    r = (x - 1) / (x + 1)
    total = sum((2 * r ** (2 * k + 1) / (2 * k + 1) for k in range(TERMS)), Fraction(0))
    # What is left is below a geometric series of ratio r^2 <= 1/25, and has the sign of r.
    rest = 2 * abs(r) ** (2 * TERMS + 1) * Fraction(25, 24)
    return Enclosure(total - rest, total + rest)


def _outward(x: Enclosure) -> Enclosure:
    """The same interval with short numbers, rounded outward at 30 digits."""
    low = Fraction(x.low * DIGITS // 1, DIGITS)
    return Enclosure(low, Fraction(-(-x.high * DIGITS // 1), DIGITS))


@lru_cache(maxsize=4096)
def log(x: Fraction) -> Enclosure:
    """ln x for a rational x > 0, to about 25 digits. Raises ValueError otherwise."""
    if x <= 0:
        raise ValueError(f"x = {x}: expected a positive number")
    halvings = 0
    while x > Fraction(4, 3):
        x, halvings = x / 2, halvings + 1
    while x < Fraction(2, 3):
        x, halvings = x * 2, halvings - 1
    # ln 2 = ln(4/3) - ln(2/3), both next to 1.
    two = _log_near_one(Fraction(4, 3)).plus(_log_near_one(Fraction(2, 3)).times(Fraction(-1)))
    return _outward(_log_near_one(x).plus(two.times(Fraction(halvings))))


def sqrt(x: Enclosure) -> Enclosure:
    """The square root of an interval; raises ValueError if it reaches below 0."""
    if x.low < 0:
        raise ValueError(f"x = {x.low}: expected a number >= 0")
    low = isqrt(int(x.low * DIGITS**2))
    high = isqrt(int(x.high * DIGITS**2) + 1) + 1
    return Enclosure(Fraction(low, DIGITS), Fraction(high, DIGITS))
