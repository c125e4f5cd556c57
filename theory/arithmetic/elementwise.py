"""Rules that act entry by entry: arithmetic and the functions of analysis."""

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
from flint import arb, fmpq

from grpo_checks.theory.arithmetic import numbers
from grpo_checks.theory.arithmetic.registry import Refused, Values, decided, is_real, objects, rule
from grpo_checks.theory.numbers.balls import Number, magnitude

EXACT = "rational stays rational"
BALL = "ball"


def mapped(function: Callable[..., Any], *operands: Values) -> Values:
    """``function`` of the entries of arrays of one shape, or of scalars beside them."""
    shape = operands[0].shape
    if any(x.shape != shape for x in operands):
        operands = np.broadcast_arrays(*operands)
    results = list(map(function, *(x.flat for x in operands)))
    return objects(results, operands[0].shape)


def are_rational(*operands: Values) -> bool:
    """Whether all entries are fractions."""
    return all({*map(type, x.flat)} == {fmpq} for x in operands)


def have_no_zero(*operands: Values) -> bool:
    """Whether no entry is the fraction 0; a ball is true whatever is in it."""
    return all(all(x.flat) for x in operands)


def _binary(name: str, real: Callable[[Any, Any], Any], integer: Callable[..., Any]) -> None:
    def evaluate(x: Values, y: Values, **_: Any) -> Values:
        if is_real(x) or is_real(y):
            return mapped(real, x, y)
        return np.asarray(integer(x, y))

    rule(EXACT, name)(evaluate)


_binary("add", operator.add, np.add)
_binary("add_any", operator.add, np.add)
_binary("sub", operator.sub, np.subtract)
_binary("max", numbers.larger, np.maximum)
_binary("min", numbers.smaller, np.minimum)


@rule(EXACT, "mul")
def multiply(x: Values, y: Values, **_: Any) -> Values:
    """Entry by entry; the operator alone where a 0 cannot meet a ball."""
    if not is_real(x) and not is_real(y):
        return np.asarray(np.multiply(x, y))
    is_plain = are_rational(x, y) or have_no_zero(x, y)
    return mapped(operator.mul if is_plain else numbers.times, x, y)


@rule(EXACT, "div")
def divide(x: Values, y: Values, **_: Any) -> Values:
    """Of integers it rounds towards 0, as on every device."""
    if is_real(x) or is_real(y):
        return mapped(operator.truediv if have_no_zero(y) else numbers.divide, x, y)
    quotient = np.where(y == 0, -1, np.abs(x) // np.where(y == 0, 1, np.abs(y)))
    return np.asarray(np.where(y == 0, -1, quotient * np.sign(x) * np.sign(y)), x.dtype)


@rule(EXACT, "rem")
def remainder(x: Values, y: Values, **_: Any) -> Values:
    """With the sign of x. Of reals only where both are rational."""
    if not is_real(x):
        return np.asarray(np.fmod(x, y))

    def one(a: Number, b: Number) -> Number:
        if not (isinstance(a, fmpq) and isinstance(b, fmpq) and b != 0):
            raise Refused("rem: expected rational numbers")
        quotient = a / b
        towards_zero = abs(int(quotient.p)) // int(quotient.q)
        return a - b * (towards_zero if quotient > 0 else -towards_zero)

    return mapped(one, x, y)


def _unary(name: str, real: Callable[[Any], Any], kind: str, integer: Any = None) -> None:
    def evaluate(x: Values, **_: Any) -> Values:
        if integer is not None and not is_real(x):
            return np.asarray(integer(x))
        return mapped(real, x)

    rule(kind, name)(evaluate)


def _of_arb(name: str) -> Callable[[Number], arb]:
    return lambda x: getattr(arb(x), name)()


_unary("neg", operator.neg, EXACT, np.negative)
_unary("abs", magnitude, EXACT, np.abs)
_unary("sign", numbers.sign, EXACT, np.sign)
_unary("square", lambda x: numbers.integer_power(x, 2), EXACT, np.square)
_unary("one_minus_square", lambda x: 1 - numbers.integer_power(x, 2), EXACT, lambda x: 1 - x * x)
_unary("floor", numbers.integer_bound("floor"), EXACT)
_unary("ceil", numbers.integer_bound("ceil"), EXACT)
_unary("sqrt", numbers.root, "rational for a perfect square")
_unary("rsqrt", lambda x: numbers.divide(fmpq(1), numbers.root(x)), "rational for a perfect square")
_unary("exp", numbers.exponential, BALL)
_unary("log", numbers.logarithm, BALL)
_unary("log2", lambda x: numbers.divide(numbers.logarithm(x), arb(2).log()), BALL)
_unary("exp2", lambda x: numbers.power(fmpq(2), x), BALL)
_unary("expm1", numbers.fixed_at(0, 0, "expm1"), BALL)
_unary("log1p", lambda x: numbers.logarithm(1 + x), BALL)
_unary("logistic", numbers.logistic, BALL)
for _name, _value in (("sin", 0), ("cos", 1), ("tan", 0), ("sinh", 0), ("cosh", 1), ("tanh", 0)):
    _unary(_name, numbers.fixed_at(0, _value, _name), BALL)
for _name in ("asin", "atan", "asinh", "atanh", "erf"):
    _unary(_name, numbers.fixed_at(0, 0, _name), BALL)
_unary("erfc", numbers.fixed_at(0, 1, "erfc"), BALL)
for _name in ("acos", "acosh", "lgamma", "digamma"):
    _unary(_name, _of_arb(_name), BALL)


@rule(BALL, "atan2")
def angle(y: Values, x: Values, **_: Any) -> Values:
    """The angle of a point."""
    return mapped(lambda b, a: arb.atan2(arb(b), arb(a)), y, x)


@rule(EXACT, "integer_pow")
def integer_power(x: Values, *, y: int, **_: Any) -> Values:
    """x^y for a fixed integer."""
    return mapped(lambda b: numbers.integer_power(b, y), x) if is_real(x) else np.asarray(x**y)


@rule(EXACT, "polynomial")
def polynomial(x: Values, *coefficients: Values, **_: Any) -> Values:
    """By Horner's rule; the constant term comes first."""
    value = coefficients[-1]
    for c in reversed(coefficients[:-1]):
        value = np.asarray(np.add(np.multiply(value, x), c))
    return value


@rule("rational for whole exponents", "pow")
def power(x: Values, y: Values, **_: Any) -> Values:
    """x^y; y may be an array of integers."""
    exponents = y if is_real(y) else mapped(lambda n: fmpq(int(n)), y)
    return mapped(numbers.power, x, exponents)


@rule(EXACT, "clamp")
def clamp(low: Values, x: Values, high: Values, **_: Any) -> Values:
    """min(max(x, low), high)."""
    if is_real(x):
        return mapped(lambda a, b, c: numbers.smaller(numbers.larger(b, a), c), low, x, high)
    return np.asarray(np.clip(x, low, high), x.dtype)


@rule(EXACT, "copy", "copy_p", "stop_gradient", "reduce_precision", "optimization_barrier")
def identity(*operands: Values, **_: Any) -> list[Values]:
    """The numbers themselves: a formula is evaluated, not the rounding of a device."""
    return list(operands)


@rule(EXACT, "convert_element_type")
def convert(x: Values, *, new_dtype: Any, **_: Any) -> Values:
    """Integers to numbers and truncation back; any float type stands for the reals."""
    target = np.dtype(new_dtype)
    if target.kind == "f":
        return x if is_real(x) else mapped(_from_integer, x)
    if is_real(x):
        if target.kind == "b":
            raise Refused("convert_element_type: a float as a truth value")
        return mapped(_truncated, x).astype(target)
    if x.ndim == 0 and x.dtype == object and target.kind == "i":
        return x  # The undecided index of a branch: ``cond`` takes both.
    return decided(x, "convert_element_type").astype(target)


def _from_integer(x: Any) -> Number:
    return numbers.union(fmpq(0), fmpq(1)) if x is None else fmpq(int(x))


def _truncated(x: Number) -> int:
    ends = (numbers.integer_bound("floor"), numbers.integer_bound("ceil"))
    cut = ends[0](x) if x >= 0 else ends[1](x)
    if not isinstance(cut, fmpq) or not (x >= 0 or x <= 0):
        raise Refused("convert_element_type: undecided, a ball meets several whole numbers")
    return int(cut.p)
