"""Rules for functions that are written for floats: the inverse of kl, and xi by its definition."""

import math

import jax
import jax.numpy as jnp
import mpmath
import pytest
from flint import arb, fmpq
from hypothesis import given, settings
from hypothesis import strategies as st

from grpo_checks.theory.arithmetic.enclose import enclose, exact
from grpo_checks.theory.generalization.maurer_constant import traced_xi, xi
from grpo_checks.theory.numbers.balls import ends
from grpo_checks.theory.numbers.kl import kl_upper

INVERSE = enclose(kl_upper)


def kl(q, p):
    """Of numbers of mpmath inside (0, 1)."""
    return q * mpmath.log(q / p) + (1 - q) * mpmath.log((1 - q) / (1 - p))


def to_mp(x):
    """At the digits in use."""
    return mpmath.mpf(int(x.numerator)) / int(x.denominator)


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 999), st.integers(1, 10**6), st.sampled_from([64, 256]))
def test_the_inverse_of_kl(q, nats, bits):
    """kl is below the nats at the lower end, and above them at the upper one; both are close."""
    nats = fmpq(nats, 10**5)
    low, high = ends(INVERSE.at(bits, fmpq(q, 1000), nats))
    with mpmath.workdps(400):
        share, limit = mpmath.mpf(q) / 1000, to_mp(nats)
        low, high = to_mp(low), to_mp(high)
        assert share <= low < min(high, 1)
        assert kl(share, low) <= limit
        # A ball around an inverse just below 1 may reach past 1: its radius has 30 bits.
        assert high >= 1 or kl(share, high) >= limit
        assert high - low < mpmath.mpf(2) ** (24 - bits)


def test_published_inverses():
    """(.1, .05) and (.5, .1) to 17 digits, which are those of the float64 next to each number."""
    for q, nats, value in (
        (0.1, 0.05, "0.22007860110692462922"),
        (0.5, 0.1, "0.71287863145582399578"),
    ):
        assert abs(INVERSE(arb(q), arb(nats)) - arb(value)) < arb("1e-17")


def test_the_inverse_at_the_ends():
    """Of 0 it is 1 - exp(-c), of 1 it is 1; balls around them."""
    assert INVERSE(fmpq(1), fmpq(1, 10)) == 1
    assert INVERSE(fmpq(3, 7), fmpq(0)) == fmpq(3, 7)
    assert INVERSE(fmpq(0), fmpq(2)).overlaps(1 - arb(-2).exp())
    near = INVERSE(arb(1, "1e-30"), arb(1, "1e-30"))
    assert near.contains(1)
    assert near > 1 - arb("1e-29")
    wide = INVERSE(arb(0, "1e-3"), arb(0, "1e-3"))
    assert wide.contains(0)
    assert wide > arb("-1e-9")
    assert INVERSE(arb.nan(), fmpq(1)).is_nan()


@pytest.mark.parametrize("n", [1, 5, 100, 101, 400])
def test_xi_by_its_definition(n):
    """Against Abel's sum; 2194/625 at n = 5; a ball beyond n = 100."""
    value = enclose(lambda x: x * traced_xi(n))(fmpq(1))
    assert float(value) == pytest.approx(xi(n), rel=1e-11)
    assert float(jnp.log(traced_xi(n))) == pytest.approx(float(mpmath.log(xi(n))))
    assert isinstance(value, fmpq) is (n <= 100)
    assert n != 5 or value == fmpq(2194, 625)


SLOPE = 2 / math.sqrt(math.pi)


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("form", ["vmap", "jit"])
def test_derivatives_of_erf(order, form):
    """2/sqrt(pi) exp(-x^2) and its derivative, which JAX may compute by halving bits of a float."""
    function = jax.lax.erf
    for _ in range(order):
        function = jax.grad(function)
    changed = {"vmap": jax.vmap(function), "jit": lambda x: jax.jit(function)(x[0])[None]}[form]
    constants = {SLOPE: lambda: 2 / arb.pi().sqrt(), -SLOPE: lambda: -2 / arb.pi().sqrt()}
    x = fmpq(-7, 5)
    (value,) = enclose(changed, constants)(exact([x]))
    expected = 2 / arb.pi().sqrt() * (-(arb(x) ** 2)).exp() * (1 if order == 1 else -2 * arb(x))
    assert value.overlaps(expected)
    assert value.rad() < arb("1e-60")


def test_only_functions_of_jax_are_replaced():
    """One of the user's with the name of JAX's exp(-x^2) is the program that it is."""

    @jax.custom_jvp
    def exp_neg_sq(x):
        return x + 1

    exp_neg_sq.defjvps(lambda tangent, _, x: tangent)
    assert enclose(exp_neg_sq)(fmpq(1, 3)) == fmpq(4, 3)
    assert enclose(jax.jit(jax.value_and_grad(exp_neg_sq)))(fmpq(1, 3)) == (fmpq(4, 3), 1)
