"""kl(q ‖ p) between Bernoulli laws, and its inverses, rounded so that a bound is never too small.

kl is convex in either argument, so Newton's steps from beyond the root stay beyond it: like the
outer end of a bisection, and unlike its midpoint, they never under-report. All is written in the
distance d = |p - q|, as sums of positive terms, or nothing would be left of kl for p next to q.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from grpo_checks.theory.numbers.tracing import named, traced_once

Number = Float[Array, "..."] | Float[np.ndarray, "..."] | float | int
Real = Float[Array, "..."]
EPS = float(jnp.finfo("float64").eps)
# From its start Newton needs at most 7 steps for any (q, c); see tests/theory/numbers/test_kl.py.
STEPS = 8
# Relative error allowed for: kl is computed to about 8 eps, and d kl'(d) >= kl(d).
ROUNDING = 1 + 32 * EPS


def _excess(x: Real) -> Real:
    """x - ln(1+x) for x > -1, to a few eps also next to 0."""
    r = x / (2 + x)
    square, series = r * r, jnp.zeros_like(r)
    for k in reversed(range(12)):
        series = series * square + 1 / (2 * k + 3)
    near = r * (x - 2 * square * series)
    # Not log1p: XLA's is off by 80 eps at x = -0.41.
    return jnp.where(jnp.abs(x) < 0.3, near, x - jnp.log(jnp.maximum(1 + x, 0.0)))


def _log1p(x: Real) -> Real:
    return jnp.where(jnp.abs(x) < 0.3, x - _excess(x), jnp.log(jnp.maximum(1 + x, EPS)))


@traced_once
def exponential_excess(x: Real) -> Real:
    """e^x - 1 - x >= 0 for any x, to a few eps also next to 0, where it is x^2/2; inf at -inf."""
    inside = jnp.abs(x) < 0.3
    near, series = jnp.where(inside, x, 0.0), jnp.zeros_like(x)
    for k in reversed(range(3, 15)):
        series = (1 + series) * near / k
    far = jnp.where(inside, 1.0, x)
    return jnp.where(inside, near * near * (1 + series) / 2, jnp.expm1(far) - far)


def _second(q: Real, d: Real) -> Real:
    """kl(q ‖ q + d) for d in [0, 1-q)."""
    inner = jnp.where(q > 0, q, 1.0)
    low = jnp.where(q > 0, q * _excess(d / inner), d)
    return low + (1 - q) * _excess(-d / jnp.where(q < 1, 1 - q, 1.0))


def _first(q: Real, d: Real) -> Real:
    """kl(q + d ‖ q) for d in [0, 1-q], q in (0, 1)."""

    def part(x: Real) -> Real:
        """(1+x) ln(1+x) - x."""
        far = (1 + x) * _log1p(x) - x
        return jnp.where(jnp.abs(x) < 0.3, x * x - (1 + x) * _excess(x), far)

    return q * part(d / q) + (1 - q) * part(-d / (1 - q))


def _term(a: Real, b: Real, d: Real) -> Real:
    """d - a ln(b/a) >= 0 for d = b - a: a (x - ln(1+x)) with x = d/a; +inf for a > 0 = b."""
    inner, seen = jnp.where(a > 0, a, 1.0), (a > 0) & (b > 0)
    x = d / inner
    # 1 + x would have no correct digit left for b much smaller than a.
    far = x - jnp.log(jnp.where(seen, b / inner, 1.0))
    inside = jnp.where(jnp.abs(x) < 0.3, x, 0.0)
    value = inner * jnp.where(jnp.abs(x) < 0.3, _excess(inside), far)
    return jnp.where(seen, value, jnp.where(a > 0, jnp.inf, b))


@named("binary_kl")
def binary_kl(q: Number, p: Number) -> Real:
    """kl(q ‖ p) in nats for q, p in [0,1]; +inf where p excludes what q allows."""
    q, p = jnp.asarray(q, float), jnp.asarray(p, float)
    return _term(q, p, p - q) + _term(1 - q, 1 - p, q - p)


@named("kl_divergence")
def kl_divergence(p: Float[Array, "... Z"], q: Float[Array, "... Z"]) -> Real:
    """KL(p ‖ q) in nats of laws given by probabilities; +inf where q excludes what p allows.

    As sum (q - p - p ln(q/p)), whose terms are >= 0: nothing cancels where the laws are close.
    """
    return _term(p, q, q - p).sum(-1)


def kl_of_logs(log_p: Float[Array, "... Z"], log_q: Float[Array, "... Z"]) -> Real:
    """The same of laws given by their logarithms, as exp of these may underflow; -inf excludes."""
    p, q = jnp.exp(log_p), jnp.exp(log_q)
    seen = p > 0
    ratio = jnp.where(seen, log_q, 0.0) - jnp.where(seen, log_p, 0.0)
    # p e^ratio is q, also where the factor overflows.
    near = p * exponential_excess(jnp.minimum(ratio, 1.0))
    return jnp.where(seen, jnp.where(ratio > 1, q - p * (1 + ratio), near), q).sum(-1)


def _parabola(q: Real, c: Real) -> Real:
    """Beyond the root of kl = c in either order: kl >= d^2/2 over the largest t(1-t) in between."""
    c = jnp.maximum(c, 0.0)
    spread = jnp.where(q > 0.5, q * (1 - q), 0.25)
    # A product of roots, since c q may underflow.
    root = jnp.sqrt(c)
    return jnp.minimum(c + root * jnp.sqrt(c + 2 * q), root * jnp.sqrt(2 * spread))


def _barrier(q: Real, c: Real) -> Real:
    """Beyond the root of kl(q ‖ q+d) = c, from its term in ln(1-p) alone."""
    safe = jnp.where(q < 1, 1 - q, 1.0)
    entropy = jnp.where(q > 0, -q * jnp.log(jnp.where(q > 0, q, 1.0)), 0.0)
    return -safe * jnp.expm1(-(jnp.maximum(c, 0.0) + entropy) / safe)


@named("kl_upper")
def upper_end(q: Number, c: Number) -> Real:
    """``kl_upper`` without its derivatives."""
    q, c = jnp.asarray(q, float), jnp.asarray(c, float)
    d = jnp.minimum(_parabola(q, c), _barrier(q, c))
    # Nothing between q + d and 1 but rounding: the answer is 1.
    full = 1 - q - d <= 8 * EPS
    d = jnp.where(full | (c <= 0), 0.0, d)
    live = d > 0

    def newton(_: Any, d: Real) -> Real:
        slope = d / jnp.where(live, (q + d) * (1 - q - d), 1.0)
        step = (_second(q, d) - c) / jnp.where(live, slope, 1.0)
        return jnp.where(live, d - jnp.maximum(step, 0.0), d)

    d = jax.lax.fori_loop(0, STEPS, newton, d)
    p = jnp.nextafter(q + d * ROUNDING, jnp.inf)
    return jnp.where(full, 1.0, jnp.where(c <= 0, q, jnp.minimum(p, 1.0)))


@jax.custom_jvp
def kl_upper(q: Number, c: Number) -> Real:
    """max{p in [0,1]: kl(q ‖ p) <= c} for q in [0,1], c >= 0; at most a few eps above it.

    Derivatives: dp/dc = p(1-p)/(p-q), dp/dq = ln(p(1-q)/(q(1-p))) p(1-p)/(p-q).
    """
    return upper_end(jnp.asarray(q, float), jnp.asarray(c, float))


@kl_upper.defjvp
def _kl_upper_jvp(
    primals: tuple[Number, Number], tangents: tuple[Number, Number]
) -> tuple[Real, Real]:
    (q, c), (dq, dc) = primals, tangents
    p = kl_upper(q, c)
    # At c = 0, p = 1 or q = 0 a derivative is infinite, or 0 times infinity: a large number, or 0.
    tiny = 1e-300
    width = p * (1 - p) / jnp.maximum(p - q, tiny)
    odds = jnp.log(jnp.maximum(p, tiny)) + jnp.log1p(-q) - jnp.log(jnp.maximum(q, tiny))
    odds = odds - jnp.log(jnp.maximum(1 - p, tiny))
    at_one = p >= 1
    return p, jnp.where(at_one, 0.0, width) * (dc + jnp.where(at_one, 0.0, odds) * dq)


def kl_first(q: Number, c: Number) -> Real:
    """max{p in [0,1]: kl(p ‖ q) <= c}: the inverse in the first argument, rounded up."""
    q, c = jnp.asarray(q, float), jnp.asarray(c, float)
    inside = (q > 0) & (q < 1)
    base = jnp.where(inside, q, 0.5)
    full = c >= -jnp.log(base)
    d = jnp.minimum(_parabola(base, c), (1 - base) * (1 - 4 * EPS))
    live = ~full & (d > 0)

    def newton(_: Any, d: Real) -> Real:
        odds = _log1p(d / base) - _log1p(-d / (1 - base))
        step = (_first(base, d) - c) / jnp.where(live, odds, 1.0)
        return jnp.where(live, d - jnp.maximum(step, 0.0), d)

    d = jax.lax.fori_loop(0, STEPS, newton, d)
    p = jnp.where(full, 1.0, jnp.minimum(jnp.nextafter(base + d * ROUNDING, jnp.inf), 1.0))
    return jnp.where(inside, jnp.where(c <= 0, q, p), q)
