"""Ball arithmetic (Arb, through python-flint): rational numbers in, rigorous enclosures out.

A number is a ``fmpq`` where it is rational and known exactly, and an ``arb`` otherwise: a midpoint
and a radius that certainly contain it. Comparisons of balls are true only where they are certain.
"""

from collections.abc import Iterable
from fractions import Fraction
from typing import TypeAlias, overload

from flint import arb, ctx, fmpq, fmpz
from flint.utils.flint_exceptions import DomainError

from grpo_checks.theory.numbers.rationals import to_fraction

PRECISION = 256
"""Bits. The context is one for the process, whatever the thread."""
ctx.prec = PRECISION

Number: TypeAlias = fmpq | arb


def rational(field: str, value: object) -> fmpq:
    """A number, or text such as "7/20", as its writer meant it.

    Raises ValueError, naming ``field``, for what is no rational of moderate length.
    """
    exact = to_fraction(field, value)
    return fmpq(exact.numerator, exact.denominator)


def root(square: Number) -> Number:
    """Square root; a rational where it is one. Raises ValueError for a negative number."""
    if square < 0:
        raise ValueError(f"square = {square}: expected a number >= 0")
    if isinstance(square, arb):
        return square.sqrt()
    try:
        return square.sqrt()
    except DomainError:
        return arb(square).sqrt()


def square(x: Number) -> Number:
    """x^2. The operator ``**`` takes logarithms, and gives nan for a ball that contains 0."""
    return x * x


def powers(x: Number, n: int) -> list[Number]:
    """x^0, ..., x^n, for any ball."""
    terms: list[Number] = [fmpq(1)]
    for _ in range(n):
        terms.append(terms[-1] * x)
    return terms


def shown(number: Number, digits: int) -> str:
    """A fraction in full, a ball to some digits with its radius."""
    return str(number) if isinstance(number, fmpq) else str(number.str(digits))


@overload
def magnitude(number: fmpq) -> fmpq: ...
@overload
def magnitude(number: Number) -> Number: ...
def magnitude(number: Number) -> Number:
    """|x|; rational if x is."""
    if isinstance(number, fmpq):
        return max(number, -number)
    return abs(number)


@overload
def total(numbers: Iterable[fmpq]) -> fmpq: ...
@overload
def total(numbers: Iterable[Number]) -> Number: ...
def total(numbers: Iterable[Number]) -> Number:
    """Their sum; rational if all of them are."""
    return sum(numbers, fmpq(0))


def largest(numbers: Iterable[Number]) -> Number:
    """An enclosure of the maximum, also where the balls overlap; exact for rationals."""
    first, *others = numbers
    for x in others:
        if isinstance(first, fmpq) and isinstance(x, fmpq):
            first = max(first, x)
        else:
            first = arb(first).max(arb(x))
    return first


def least(numbers: Iterable[Number]) -> Number:
    """An enclosure of the minimum."""
    return -largest(-x for x in numbers)


def hull(low: Number, high: Number) -> Number:
    """An enclosure of all that lies between two numbers; itself where they are one rational."""
    if isinstance(low, fmpq) and isinstance(high, fmpq) and low == high:
        return low
    return arb(low).union(arb(high))


def ends(number: Number) -> tuple[Fraction, Fraction]:
    """Rational lower and upper ends that certainly enclose it; both are it where it is rational.

    Raises ValueError for an enclosure that is not finite.
    """
    if isinstance(number, fmpq):
        exact = Fraction(int(number.p), int(number.q))
        return exact, exact
    if not number.is_finite():
        raise ValueError(f"enclosure = {number}: expected a finite one")
    low, high = (_dyadic(x) for x in (number.lower(), number.upper()))
    return low, high


def _dyadic(exact: arb) -> Fraction:
    mantissa, exponent = exact.man_exp()
    power = int(fmpz(exponent))
    numerator = int(fmpz(mantissa))
    return Fraction(numerator * 2**power) if power >= 0 else Fraction(numerator, 2**-power)
