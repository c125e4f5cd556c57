"""Certified cycles of the amplification recurrence: rational numbers in, rational enclosures out.

The map is that of ``theory.amplification``: odds h = odds p_ref · exp(1/(beta sqrt(p(1-p)+eps))).
It depends on u = p(1-p) alone and falls in u, so the image of an interval is enclosed from the ends
of u. If h(h(A)) lies in A, h(A) is disjoint from A, and the orbit of p_ref enters A, then the
sequence never converges: it stays a positive distance apart (derived).
"""

from fractions import Fraction
from math import isqrt
from typing import NamedTuple

from theory.binary import Enclosure

DIGITS = 10**50
HALF = Fraction(1, 2)
TERMS = 32
"""Of the series of exp on [0, 1/2]; the rest is below 2^-32/32!, about 1e-45."""
LARGEST_EXPONENT = 200


class Recurrence(NamedTuple):
    """Its three parameters, as rationals: 0 < p_ref < 1, beta > 0, eps >= 0."""

    reference: Fraction
    beta: Fraction
    eps: Fraction


def check_recurrence(of: Recurrence) -> None:
    """The ranges of the parameters; raises ValueError, naming the one that is wrong."""
    if not 0 < of.reference < 1:
        raise ValueError(f"reference = {of.reference}: expected a probability in (0, 1)")
    if of.beta <= 0:
        raise ValueError(f"beta = {of.beta}: expected a number > 0")
    if of.eps < 0:
        raise ValueError(f"eps = {of.eps}: expected a number >= 0")


class Trap(NamedTuple):
    """Two disjoint intervals, each mapped into the other; the orbit alternates between them."""

    first: Enclosure
    second: Enclosure
    entered: int
    """The step at which the orbit of p_ref is in ``first``."""

    @property
    def distance(self) -> Fraction:
        """Between the intervals: what consecutive iterates differ by, at least, for ever."""
        return max(self.first.low - self.second.high, self.second.low - self.first.high)


def _outward(low: Fraction, high: Fraction) -> Enclosure:
    """Rounded to 50 digits, away from each other: numerators must not grow along an orbit."""
    down, up = low * DIGITS, high * DIGITS
    return Enclosure(
        Fraction(down.numerator // down.denominator, DIGITS),
        Fraction(-(-up.numerator // up.denominator), DIGITS),
    )


def square_root(x: Fraction) -> Enclosure:
    """sqrt(x), x >= 0."""
    floor = isqrt(x.numerator * DIGITS**2 // x.denominator)
    return Enclosure(Fraction(floor, DIGITS), Fraction(floor + 1, DIGITS))


def _series(scaled: int) -> int:
    """DIGITS times the series of exp, in whole numbers, each term rounded down."""
    term = total = DIGITS
    for k in range(1, TERMS):
        term = term * scaled // (k * DIGITS)
        total += term
    return total


def exponential(x: Fraction) -> Enclosure:
    """exp(x) for 0 <= x <= 200: halve until below 1/2, take the series, square back."""
    if not 0 <= x <= LARGEST_EXPONENT:
        raise ValueError(f"x = {float(x)}: expected a number in [0, {LARGEST_EXPONENT}]")
    halvings = max(0, int(2 * x).bit_length())
    scaled = int(x * DIGITS) >> halvings
    # Rounding: one unit in x and one in each term, the error of a term at most halved by the next;
    # then what the series leaves out.
    slack = 4 * TERMS + DIGITS // 10**45
    low, high = _series(scaled), _series(scaled + 1) + slack
    found = Enclosure(Fraction(low, DIGITS), Fraction(high, DIGITS))
    for _ in range(halvings):
        found = _outward(found.low**2, found.high**2)
    return found


def _chance(odds: Fraction) -> Fraction:
    return odds / (1 + odds)


def image(of: Recurrence, p: Enclosure) -> Enclosure:
    """h of an interval inside [0, 1]; where the gain is beyond exp(200) its upper end is 1."""
    ends = [x * (1 - x) for x in p]
    most = Fraction(1, 4) if p.low <= HALF <= p.high else max(ends)
    odds = of.reference / (1 - of.reference)
    least = 1 / (of.beta * square_root(most + of.eps).high)
    low = _chance(odds * exponential(min(least, Fraction(LARGEST_EXPONENT))).low)
    root = square_root(min(ends) + of.eps).low
    if root == 0 or 1 / (of.beta * root) > LARGEST_EXPONENT:
        return _outward(low, Fraction(1))
    return _outward(low, _chance(odds * exponential(1 / (of.beta * root)).high))


def trap(of: Recurrence, steps: int = 120) -> Trap | None:
    """A trap that the orbit from p_ref enters within ``steps``; None if none is certified.

    Raises ValueError for parameters outside their ranges.
    """
    check_recurrence(of)
    p = Enclosure(of.reference, of.reference)
    for _ in range(steps):
        p = image(of, p)
    for margin in (Fraction(1, 10**k) for k in range(3, 16, 2)):
        first = Enclosure(p.low - margin, p.high + margin)
        if first.low <= 0 or first.high >= 1:
            continue
        second = image(of, first)
        back = image(of, second)
        apart = second.low > first.high or second.high < first.low
        if apart and first.low <= back.low and back.high <= first.high:
            return Trap(first, second, steps)
    return None
