"""Real functions of one ``Number``: rational where the value is known to be, else a ball.

A ball that is not a number (``nan``) says nothing at all: any number may be meant. So a function
outside its domain decides nothing, instead of raising where the value may not even be used.
"""

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from flint import arb, fmpq

from grpo_checks.theory.numbers.balls import Number, hull
from grpo_checks.theory.numbers.balls import root as exact_root

UNKNOWN = arb.nan()
ZERO, ONE = fmpq(0), fmpq(1)
SHORT = 20
"""Binary places of a float that is taken for a number that its writer meant."""


def number(value: Any) -> Number:
    """An exact number from an int, a Fraction, a short dyadic float, text such as "7/20".

    Raises ValueError for a float that was rounded (0.1), or what is no number.
    """
    if isinstance(value, fmpq | arb):
        return value
    if isinstance(value, float):
        return _from_float(value)
    try:
        exact = Fraction(str(value)) if isinstance(value, str) else Fraction(value)
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        raise ValueError(f"number = {value!r}: expected an exact number") from None
    return fmpq(int(exact.numerator), int(exact.denominator))


def _from_float(value: float) -> Number:
    if value != value:
        return UNKNOWN
    if value in (float("inf"), float("-inf")):
        return arb.pos_inf() if value > 0 else arb.neg_inf()
    numerator, denominator = value.as_integer_ratio()
    if denominator > 2**SHORT or abs(numerator) >= 2**53:
        raise ValueError(
            f"number = {value!r}: expected an exact one (a fraction, or a float with at most "
            f"{SHORT} binary places)"
        )
    return fmpq(numerator, denominator)


def divide(x: Number, y: Number) -> Number:
    """x/y; unknown where y is 0."""
    if isinstance(y, fmpq) and y == 0:
        return UNKNOWN
    return x / y


def times(x: Number, y: Number) -> Number:
    """x y; a rational 0 times a finite ball is 0."""
    if isinstance(x, fmpq) and isinstance(y, fmpq):
        return x * y
    rational, other = (x, y) if isinstance(x, fmpq) else (y, x)
    if isinstance(rational, fmpq) and rational == 0 and arb(other).is_finite():
        return ZERO
    return x * y


def root(x: Number) -> Number:
    """Square root; rational for a perfect square."""
    return exact_root(x) if isinstance(x, fmpq) and x >= 0 else arb(x).sqrt()


def logarithm(x: Number) -> Number:
    """ln x, 0 at 1 and -inf at 0."""
    if isinstance(x, fmpq):
        if x == 1:
            return ZERO
        if x == 0:
            return arb.neg_inf()
    return arb(x).log()


def exponential(x: Number) -> Number:
    """exp x, 1 at 0 and 0 at -inf."""
    if isinstance(x, fmpq) and x == 0:
        return ONE
    ball = arb(x)
    return ZERO if ball == arb.neg_inf() else ball.exp()


def fixed_at(argument: int, value: int, name: str) -> Callable[[Number], Number]:
    """A function of arb that is rational at one rational argument."""

    def function(x: Number) -> Number:
        if isinstance(x, fmpq) and x == argument:
            return fmpq(value)
        return getattr(arb(x), name)()

    return function


def logistic(x: Number) -> Number:
    """1/(1 + exp(-x)); never the quotient of two overlapping large balls."""
    return divide(ONE, ONE + exponential(-x))


def integer_power(x: Number, exponent: int) -> Number:
    """x^n by repeated multiplication, for any ball and any integer n."""
    if exponent < 0:
        return divide(ONE, integer_power(x, -exponent))
    if isinstance(x, fmpq):
        return x**exponent
    # Not the operator, which takes logarithms and loses balls that contain 0.
    product: Number = ONE
    factor = x
    for bit in reversed(bin(exponent)[2:]):
        product = product * factor if bit == "1" else product
        factor = factor * factor
    return arb(product).nonnegative_part() if exponent % 2 == 0 and exponent else product


def power(x: Number, y: Number) -> Number:
    """x^y for x > 0, and for x of any sign where y is a whole number; 0^y = 0 for y > 0."""
    if isinstance(y, fmpq):
        if y.q == 1 and abs(int(y.p)) <= 2**16:
            return integer_power(x, int(y.p))
        if y == fmpq(1, 2):
            return root(x)
        if isinstance(x, fmpq) and x == 0 and y > 0:
            return ZERO
    return exponential(y * logarithm(x))


def sign(x: Number) -> Number:
    """-1, 0 or 1; a hull where the sign is not decided."""
    if isinstance(x, fmpq):
        return fmpq((x > 0) - (x < 0))
    if x > 0 or x < 0:
        return fmpq(1 if x > 0 else -1)
    return x.sgn()


def integer_bound(name: str) -> Callable[[Number], Number]:
    """floor or ceil; rational where it is decided."""

    def function(x: Number) -> Number:
        if isinstance(x, fmpq):
            return fmpq(getattr(x, name)())
        rounded = getattr(x, name)()
        exact = rounded.unique_fmpz() if rounded.is_finite() else None
        return rounded if exact is None else fmpq(exact)

    return function


def larger(x: Number, y: Number) -> Number:
    """max(x, y), an enclosure where they overlap."""
    if isinstance(x, fmpq) and isinstance(y, fmpq):
        return max(x, y)
    if x >= y:
        return x
    return y if y >= x else arb(x).max(arb(y))


def smaller(x: Number, y: Number) -> Number:
    """min(x, y)."""
    return -larger(-x, -y)


def union(x: Number, y: Number) -> Number:
    """A hull of both, unknown where one of them is."""
    if arb(x).is_nan() or arb(y).is_nan():
        return UNKNOWN
    return hull(x, y)


def is_finite(x: Number) -> bool | None:
    """Whether a number is finite; None where that is not known."""
    if isinstance(x, fmpq) or x.is_finite():
        return True
    return False if x in (arb.pos_inf(), arb.neg_inf()) else None
