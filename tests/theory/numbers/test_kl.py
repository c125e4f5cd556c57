"""kl and its inverses: published values, 40 digits, derivatives, and never on the inner side."""

import jax
import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import log_softmax

from grpo_checks.theory.numbers.kl import (
    binary_kl,
    exponential_excess,
    kl_divergence,
    kl_first,
    kl_of_logs,
    kl_upper,
)

_upper, _first, _kl = (jax.jit(f) for f in (kl_upper, kl_first, binary_kl))
_gradient = jax.jit(jax.vmap(jax.grad(kl_upper, (0, 1))))
_excess, _of_logs, _of_laws = (jax.jit(f) for f in (exponential_excess, kl_of_logs, kl_divergence))
DIGITS = 40


def _arguments(size=10_000, seed=0):
    """q over many orders of magnitude from both ends, 0 and 1 included; c from 1e-18 to 100."""
    rng = np.random.default_rng(seed)
    q = rng.random(size) ** rng.integers(1, 12, size)
    q[::5] = 1 - q[::5]
    q[:300], q[300:500] = 0, 1
    c = 10 ** rng.uniform(-18, 2, size)
    c[600:700] = 0
    return q, c


def _exact(q, p):
    """kl(q ‖ p) at 40 digits."""
    q, p, total = mpmath.mpf(float(q)), mpmath.mpf(float(p)), mpmath.mpf(0)
    for a, b in ((q, p), (1 - q, 1 - p)):
        if a > 0:
            total += a * mpmath.log(a / b) if b > 0 else mpmath.inf
    return total


def _inner(q, p):
    """A point a few ulps, and 40 eps of the distance, further in than p."""
    return p - (4e-16 + (p - q) * 1e-14)


@pytest.mark.parametrize(
    ("q", "c", "published"),
    [(0.1, 0.05, 0.22007860110692462922), (0.5, 0.1, 0.71287863145582399578)],
)
def test_published_values(q, c, published):
    """To 1e-14, and not below."""
    assert 0 <= float(_upper(q, c)) - published < 1e-14


def test_never_below_the_true_inverse():
    """10,000 arguments, at 40 digits: outside, by a few ulps only, unless within 1e-14 of 1."""
    q, c = _arguments()
    with mpmath.workdps(DIGITS):
        for a, b, p in zip(q, c, np.asarray(_upper(q, c)), strict=True):
            assert p == 1 or _exact(a, p) >= b
            inside = _inner(a, p)
            assert inside <= a or inside > 1 - 1e-14 or _exact(a, inside) <= b


def test_first_argument_is_never_below_either():
    """The inverse that data processing needs."""
    q, c = _arguments(2000, seed=1)
    with mpmath.workdps(DIGITS):
        for a, b, p in zip(q, c, np.asarray(_first(q, c)), strict=True):
            if not 0 < a < 1:
                assert p == a
                continue
            assert p == 1 or _exact(p, a) >= b
            inside = _inner(a, p)
            assert inside <= a or _exact(inside, a) <= b


def test_the_midpoint_would_under_report():
    """What is checked above can fail: a bisection to 1e-9 that returns its midpoint is inside."""
    q, c = _arguments(1000, seed=3)
    low, high = q.copy(), np.ones_like(q)
    for _ in range(30):
        middle = (low + high) / 2
        too_far = np.asarray(_kl(q, middle)) > c
        low, high = np.where(too_far, low, middle), np.where(too_far, middle, high)
    middle = (low + high) / 2
    with mpmath.workdps(DIGITS):
        below = [_exact(*z[:2]) < z[2] for z in zip(q, middle, c, strict=True) if z[1] < 1]
    assert sum(below) > 100


def test_kl_against_40_digits():
    """Also for p next to q, where the textbook formula has no correct digit."""
    rng = np.random.default_rng(4)
    q = rng.random(500)
    p = np.clip(q + (1 - q) * rng.choice([-1, 1], 500) * 10 ** rng.uniform(-9, -0.1, 500), 1e-12, 1)
    values = np.asarray(_kl(q, p))
    with mpmath.workdps(DIGITS):
        exact = np.array([float(_exact(a, b)) for a, b in zip(q, p, strict=True)])
    inner = p < 1
    np.testing.assert_allclose(values[inner], exact[inner], rtol=1e-13)
    assert np.isinf(values[~inner]).all()


@pytest.mark.parametrize(
    ("q", "p", "value"),
    [(0.0, 0.0, 0.0), (1.0, 1.0, 0.0), (0.0, 1.0, np.inf), (1.0, 0.0, np.inf), (0.3, 0.3, 0.0)],
)
def test_kl_at_the_corners(q, p, value):
    """No NaN from 0 log 0."""
    assert float(_kl(q, p)) == value


def test_derivatives():
    """dp/dc = p(1-p)/(p-q), dp/dq = ln(p(1-q)/(q(1-p))) p(1-p)/(p-q); and finite differences."""
    q, c = np.array([0.1, 0.5, 0.9, 0.02]), np.array([0.05, 0.1, 0.01, 0.4])
    upper = lambda q, c: np.asarray(_upper(q, c))  # noqa: E731
    p, (by_q, by_c) = upper(q, c), _gradient(q, c)
    width = p * (1 - p) / (p - q)
    np.testing.assert_allclose(by_c, width, rtol=1e-12)
    np.testing.assert_allclose(by_q, width * np.log(p * (1 - q) / (q * (1 - p))), rtol=1e-12)
    step = 1e-6
    np.testing.assert_allclose(by_c, (upper(q, c + step) - upper(q, c - step)) / 2e-6, rtol=1e-5)
    np.testing.assert_allclose(by_q, (upper(q + step, c) - upper(q - step, c)) / 2e-6, rtol=1e-5)


def test_derivatives_at_the_ends_are_numbers():
    """q = 0, q = 1, c = 0, p = 1: large or 0, never NaN."""
    ends = np.array([0.0, 1.0, 0.3, 0.5]), np.array([0.05, 0.1, 0.0, 800.0])
    assert np.isfinite(_gradient(*ends)).all()


@settings(max_examples=50, deadline=None)
@given(st.floats(0, 1), st.floats(0, 5), st.floats(0, 5))
def test_monotone(q, c, more):
    """More nats, larger bound; always in [q, 1]."""
    small, large = float(_upper(q, c)), float(_upper(q, c + more))
    assert q <= small <= large + 1e-15 <= 1 + 1e-15


def test_exponential_excess():
    """e^x - 1 - x to 6 eps from 1e-150 (its square must be a float) to 700, on both sides of 0."""
    size = np.logspace(-150, np.log10(700), 600)
    x = np.concatenate([-size, size, [0.3, np.nextafter(0.3, 0), -0.3]])
    values = np.asarray(_excess(x))
    assert values[np.abs(x) < 1e-15].max() <= 1e-30
    with mpmath.workdps(350):
        for a, value in zip(x, values, strict=True):
            right = mpmath.expm1(mpmath.mpf(a)) - mpmath.mpf(a)
            assert abs(value - right) <= 6 * 2.0**-52 * right
    ends = _excess(np.array([0.0, -np.inf, 1e-8]))
    np.testing.assert_allclose(ends, [0, np.inf, 5.0000000166666667e-17], rtol=1e-15, atol=0)


LOGS = st.lists(st.floats(-300, 300), min_size=2, max_size=5)


@settings(max_examples=100, deadline=None)
@given(LOGS, st.lists(st.floats(-1, 1), min_size=5, max_size=5), st.sampled_from([1e-9, 1, 700]))
def test_kl_of_laws(logits, change, size):
    """Of laws next to each other and far apart, by logarithms and by probabilities.

    Rounding a logarithm l by |l| eps moves a law that close by as much, and KL by its square root
    times that; the laws compared are those of the rounded logarithms.
    """
    first, second = (
        log_softmax(x)
        for x in (np.array(logits), np.array(logits) + size * np.array(change[: len(logits)]))
    )
    value = float(_of_logs(first, second))
    with mpmath.workdps(60):
        right = _generalised(*([mpmath.exp(mpmath.mpf(x)) for x in law] for law in (first, second)))
    assert value >= 0
    largest = 2.0**-52 * (np.abs(first).max() + np.abs(second).max())
    assert abs(value - right) <= 40 * 2.0**-52 * right + largest * mpmath.sqrt(right) + largest**2
    laws = np.exp(first), np.exp(second)
    if min(x.min() for x in laws) > 1e-300:
        with mpmath.workdps(60):
            right = _generalised(*([mpmath.mpf(x) for x in law] for law in laws))
        assert abs(float(_of_laws(*laws)) - right) <= 40 * 2.0**-52 * right


def _generalised(p, q):
    """KL(p ‖ q) of positive numbers that add up to 1 but for rounding: no term is negative."""
    return sum(b - a + a * mpmath.log(a / b) for a, b in zip(p, q, strict=True))


def test_kl_where_something_is_excluded():
    """Infinite only where an action that is taken is excluded; both may exclude one."""
    half_and_sure = np.array([0.5, 0.5, 0.0]), np.array([1.0, 0.0, 0.0])
    logs = [np.log(x, out=np.full(3, -np.inf), where=x > 0) for x in half_and_sure]
    for by, laws in ((_of_logs, logs), (_of_laws, half_and_sure)):
        assert float(by(*laws)) == np.inf
        assert float(by(*laws[::-1])) == pytest.approx(np.log(2), rel=1e-15)
        assert float(by(laws[0], laws[0])) == 0
