"""T3.shift and T3.klorder on two task types, in rational arithmetic.

One policy (so KL(Q ‖ P) = 0) that fails on the hard task and only there: L_S = D_S(hard) = h,
L_T = 1 when the target is all hard, KL(D_T ‖ D_S) = ln(1/h). The number k of hard tasks among n is
binomial, Lhat = k/n, and whether a bound holds at k is decided by rational enclosures.
"""

from fractions import Fraction
from math import comb
from typing import NamedTuple

from theory.binary import Enclosure
from theory.certified import log, sqrt
from theory.xi import check_tasks


def check_probability(field: str, value: Fraction) -> None:
    """Raises ValueError, naming the field, unless 0 < value < 1."""
    if not 0 < value < 1:
        raise ValueError(f"{field} = {value}: expected a fraction in (0, 1)")


class ShiftTerms(NamedTuple):
    """What is added to Lhat: for the sample, and for the shift."""

    sample: Enclosure
    shift: Enclosure


def shift_terms(n: int, hard: Fraction, delta: Fraction, rooted: bool) -> ShiftTerms:
    """sqrt(ln(2 sqrt n/delta)/(2n)), and sqrt(KL(D_T ‖ D_S)/2), over sqrt n if ``rooted``.

    ``rooted`` is the equation as reported (T3.shift); without it the term is Pinsker's. Raises
    ValueError for n < 1 or fractions outside (0, 1).
    """
    check_tasks(n)
    check_probability("hard", hard)
    check_probability("delta", delta)
    # ln(2 sqrt n/delta) = ln(4n/delta^2)/2.
    price = log(4 * n / delta**2).times(Fraction(1, 4 * n))
    divergence = log(1 / hard).times(Fraction(1, 2 * n if rooted else 2))
    return ShiftTerms(sqrt(price), sqrt(divergence))


class Failure(NamedTuple):
    """Exact probabilities: that the bound certainly fails, and that it may."""

    certain: Fraction
    possible: Fraction


def failure(n: int, hard: Fraction, delta: Fraction, rooted: bool = True) -> Failure:
    """P(L_T > k/n + both terms) with L_T = 1; the two differ only if an enclosure is too wide."""
    terms = shift_terms(n, hard, delta, rooted)
    added = terms.sample.plus(terms.shift)
    certain = possible = Fraction(0)
    for k in range(n + 1):
        chance = comb(n, k) * hard**k * (1 - hard) ** (n - k)
        certain += chance * (Fraction(k, n) + added.high < 1)
        possible += chance * (Fraction(k, n) + added.low < 1)
    return Failure(certain, possible)


def kl_power(p: list[Fraction], q: list[Fraction], power: int) -> Fraction:
    """exp(power KL(p ‖ q)), exactly, for a ``power`` that makes every power p_i whole.

    Raises ValueError for laws that do not sum to 1, entries that are not positive, or a power that
    leaves a root.
    """
    for field, law in (("p", p), ("q", q)):
        if sum(law) != 1 or min(law) <= 0:
            raise ValueError(f"{field} = {law}: expected positive fractions with sum 1")
    total = Fraction(1)
    for a, b in zip(p, q, strict=True):
        exponent = a * power
        if exponent.denominator != 1:
            raise ValueError(f"power = {power}: expected a multiple of {a.denominator}")
        total *= (a / b) ** int(exponent)
    return total


def binary_kl_power(p: Fraction, q: Fraction, power: int) -> Fraction:
    """exp(power kl(p ‖ q))."""
    return kl_power([p, 1 - p], [q, 1 - q], power)
