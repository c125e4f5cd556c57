"""Every primitive that has a rule, against mpmath at 60 digits or JAX's own result."""

import math
from fractions import Fraction

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest
from flint import arb, fmpq
from jax import lax

from grpo_checks.theory.arithmetic.enclose import enclose, exact
from grpo_checks.theory.numbers.balls import ends

DIGITS = 60
POLYNOMIAL = lambda x: jnp.polyval(jnp.array([2.0, 0.0, -3.0, 0.25]), x)  # noqa: E731
# JAX function, its value by mpmath, and the range of its rational arguments. What an older JAX does
# without the primitive is the same function, by others.
UNARY = {
    "neg": (lax.neg, lambda x: -x, (-3, 3)),
    "abs": (lax.abs, abs, (-3, 3)),
    "sign": (lax.sign, mpmath.sign, (-3, 3)),
    "square": (lax.square, lambda x: x * x, (-3, 3)),
    "one_minus_square": (
        getattr(lax, "one_minus_square", lambda x: 1 - x * x),
        lambda x: 1 - x * x,
        (-3, 3),
    ),
    "floor": (lax.floor, mpmath.floor, (-9, 9)),
    "ceil": (lax.ceil, mpmath.ceil, (-9, 9)),
    "sqrt": (lax.sqrt, mpmath.sqrt, (0, 9)),
    "rsqrt": (lax.rsqrt, lambda x: 1 / mpmath.sqrt(x), (1, 9)),
    "exp": (lax.exp, mpmath.exp, (-9, 9)),
    "exp2": (lax.exp2, lambda x: mpmath.mpf(2) ** x, (-9, 9)),
    "expm1": (lax.expm1, mpmath.expm1, (-9, 9)),
    "log": (lax.log, mpmath.log, (1, 9)),
    "log2": (jnp.log2, lambda x: mpmath.log(x, 2), (1, 9)),
    "log1p": (lax.log1p, mpmath.log1p, (0, 9)),
    "logistic": (lax.logistic, lambda x: 1 / (1 + mpmath.exp(-x)), (-40, 40)),
    "sin": (lax.sin, mpmath.sin, (-9, 9)),
    "cos": (lax.cos, mpmath.cos, (-9, 9)),
    "tan": (lax.tan, mpmath.tan, (-1, 1)),
    "asin": (lax.asin, mpmath.asin, (-1, 1)),
    "acos": (lax.acos, mpmath.acos, (-1, 1)),
    "atan": (lax.atan, mpmath.atan, (-9, 9)),
    "sinh": (lax.sinh, mpmath.sinh, (-9, 9)),
    "cosh": (lax.cosh, mpmath.cosh, (-9, 9)),
    "tanh": (lax.tanh, mpmath.tanh, (-9, 9)),
    "asinh": (lax.asinh, mpmath.asinh, (-9, 9)),
    "acosh": (lax.acosh, mpmath.acosh, (1, 9)),
    "atanh": (lax.atanh, mpmath.atanh, (-0.9, 0.9)),
    "erf": (lax.erf, mpmath.erf, (-3, 3)),
    "erfc": (lax.erfc, mpmath.erfc, (-3, 3)),
    "lgamma": (lax.lgamma, mpmath.loggamma, (1, 9)),
    "digamma": (lax.digamma, mpmath.digamma, (1, 9)),
    "integer_pow": (lambda x: lax.integer_pow(x, -5), lambda x: x**-5, (1, 3)),
    "polynomial": (POLYNOMIAL, lambda x: 2 * x**3 - 3 * x + mpmath.mpf(0.25), (-3, 3)),
}
BINARY = {
    "add": (lax.add, lambda x, y: x + y),
    "sub": (lax.sub, lambda x, y: x - y),
    "mul": (lax.mul, lambda x, y: x * y),
    "div": (lax.div, lambda x, y: x / y),
    "rem": (lax.rem, mpmath.fmod),
    "max": (lax.max, max),
    "min": (lax.min, min),
    "pow": (lax.pow, lambda x, y: x**y),
    "atan2": (lax.atan2, mpmath.atan2),
}
POSITIVE = (0.25, 5)
"""Where all of BINARY are defined and have derivatives."""


def rationals(seed: int, count: int, low: float, high: float) -> list[Fraction]:
    """Random ones strictly between two ends, with denominator 997: never a float."""
    rng = np.random.default_rng(seed)
    first, last = int(np.ceil(low * 997)), int(np.floor(high * 997))
    return [Fraction(int(n), 997) for n in rng.integers(first, last, count, endpoint=True)]


def real(x: Fraction) -> mpmath.mpf:
    """At the working precision of mpmath."""
    return mpmath.mpf(x.numerator) / x.denominator


def assert_contains(enclosure: fmpq | arb, value: mpmath.mpf) -> None:
    """And the enclosure is narrow: a hull of everything would contain it too."""
    low, high = map(real, ends(enclosure))
    slack = mpmath.mpf(10) ** (5 - DIGITS) * (1 + abs(value))
    assert low - slack <= value <= high + slack, (low, value, high)
    assert high - low <= slack


@pytest.fixture(autouse=True)
def _precision():
    with mpmath.workdps(DIGITS + 10):
        yield


@pytest.mark.parametrize("name", UNARY)
@pytest.mark.parametrize("form", ["plain", "jit", "vmap"])
def test_unary(name, form):
    """Contained, whatever transformation the function went through."""
    function, oracle, domain = UNARY[name]
    numbers = rationals(len(name), 6, *domain)
    changed = {"plain": function, "jit": jax.jit(function), "vmap": jax.vmap(function)}[form]
    for enclosure, x in zip(enclose(changed)(exact(numbers)), numbers, strict=True):
        assert_contains(enclosure, oracle(real(x)))


@pytest.mark.parametrize("name", BINARY)
@pytest.mark.parametrize("form", ["plain", "jit", "vmap"])
def test_binary(name, form):
    """The same for functions of two numbers."""
    function, oracle = BINARY[name]
    xs, ys = (rationals(seed, 6, *POSITIVE) for seed in (len(name), 50))
    changed = {"plain": function, "jit": jax.jit(function), "vmap": jax.vmap(function)}[form]
    for enclosure, x, y in zip(enclose(changed)(exact(xs), exact(ys)), xs, ys, strict=True):
        assert_contains(enclosure, oracle(real(x), real(y)))


FLAT = {"sign", "floor", "ceil", "lgamma", "digamma"}
"""Without a derivative worth testing, or whose derivative is a primitive without a rule."""


@pytest.mark.parametrize("name", sorted(set(UNARY) - FLAT))
def test_derivative(name):
    """jax.grad's program is enclosed too; mpmath differentiates numerically, at many digits."""
    function, oracle, (low, high) = UNARY[name]
    (x,) = rationals(7, 1, low + 0.3 * (high - low), high - 0.3 * (high - low))
    # The factor 2/sqrt(pi) of erf is a float in JAX's own rule.
    factor = 2 / math.sqrt(math.pi)
    constants = {factor: lambda: 2 / arb.pi().sqrt(), -factor: lambda: -2 / arb.pi().sqrt()}
    enclosure = enclose(jax.grad(function), constants)(fmpq(x.numerator, x.denominator))
    with mpmath.workdps(200):
        expected = mpmath.diff(oracle, real(x))
    with mpmath.workdps(DIGITS):
        assert_contains(enclosure, +expected)


@pytest.mark.parametrize("name", sorted(set(BINARY) - {"rem"}))
@pytest.mark.parametrize("place", [0, 1])
def test_partial_derivative(name, place):
    """In either argument."""
    function, oracle = BINARY[name]
    x, y = rationals(3, 2, *POSITIVE)
    enclosure = enclose(jax.grad(function, place))(
        *(fmpq(v.numerator, v.denominator) for v in (x, y))
    )
    with mpmath.workdps(200):
        expected = mpmath.diff(oracle, (real(x), real(y)), (1 - place, place))
    with mpmath.workdps(DIGITS):
        assert_contains(enclosure, +expected)


@pytest.mark.parametrize("exponent", [0, 1, 2, 3, 6])
def test_powers_of_balls(exponent):
    """Of a ball that contains 0 too; an even power is never negative."""
    zero = lambda x: jnp.sqrt(x) * jnp.sqrt(x) - 2  # noqa: E731
    enclosure = arb(enclose(lambda x: lax.integer_pow(zero(x), exponent))(fmpq(2)))
    assert enclosure.contains(0 if exponent else 1)
    assert enclosure.is_finite()
    assert exponent % 2 == 1 or enclosure.lower() >= 0
    third = enclose(lambda x: lax.integer_pow(jnp.sqrt(x), exponent))(fmpq(3))
    assert_contains(third, mpmath.sqrt(3) ** exponent)
