"""The worst posterior of each sample: does any Q break the bound? PAC-Bayes claims that none does.

A bound of the form n g(Lhat(Q), L_S(Q)) <= KL(Q ‖ P) + price, g convex, fails for some Q iff the
sup of n g - KL exceeds the price. Ascent: replace g by its tangent at the current Q; the best Q is
then a Gibbs posterior, and the objective cannot fall (convexity). The sup is at most
ln E_P exp(n g) (Jensen, then change of measure), so that the probability of failure is enclosed.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from grpo_checks.theory.generalization.coverage import CHUNK, chunks
from grpo_checks.theory.generalization.learning import Learning, gibbs, mixed, padded
from grpo_checks.theory.generalization.maurer_constant import plain, xi
from grpo_checks.theory.generalization.pac_bayes import check_level
from grpo_checks.theory.numbers.counts import chance_roundings
from grpo_checks.theory.numbers.kl import binary_kl
from grpo_checks.theory.updates.rounding import accumulated

Real = Float[Array, "..."]
Convex = Callable[[Real, Real], Real]
KINDS = ("kl-xi", "kl-2sqrt(n)", "McAllester")
STEPS = 10
# The tangent of kl is vertical at an empirical loss of 0 or 1; a start for ascent may be moved.
INSIDE = 1e-9


def one_sided_kl(a: Real, b: Real) -> Real:
    """kl(a ‖ b) where b > a, else 0: only risks above the empirical loss break a bound."""
    return jnp.where(b > a, binary_kl(a, jnp.maximum(a, b)), 0.0)


def squared(a: Real, b: Real) -> Real:
    """2 (b-a)^2 where b > a: McAllester's bound."""
    return 2 * jnp.square(jnp.maximum(b - a, 0.0))


def _slopes(g: Convex, a: Real, b: Real) -> tuple[Real, Real]:
    """Derivatives of g at a point moved inside the square."""
    inner = (jnp.clip(x, INSIDE, 1 - INSIDE) for x in (a, b))
    if g is squared:
        return jax.grad(g, (0, 1))(*inner)
    a, b = inner
    up = b > a
    first = jnp.log(a * (1 - b) / (b * (1 - a)))
    return jnp.where(up, first, 0.0), jnp.where(up, (b - a) / (b * (1 - b)), 0.0)


@partial(jax.jit, static_argnames="g")
def _worst(
    problem: Learning, counts: Float[Array, "C Z"], g: Convex
) -> tuple[Float[Array, " C"], Float[Array, " C"]]:
    """For each sample: the largest n g - KL found by ascent, and ln E_P exp(n g)."""
    risk, prior = problem.risk, problem.prior

    def one(count: Float[Array, " Z"]) -> tuple[Float[Array, ""], Float[Array, ""]]:
        n = count.sum()
        empirical = problem.empirical(count)

        def step(
            exponent: Float[Array, " M"], _: None
        ) -> tuple[Float[Array, " M"], Float[Array, ""]]:
            posterior, divergence = gibbs(prior, exponent)
            a, b = mixed(empirical, posterior), mixed(risk, posterior)
            first, second = _slopes(g, a, b)
            return n * (first * empirical + second * risk), n * g(a, b) - divergence

        nats = n * g(empirical, risk)
        alone = jnp.where(jnp.arange(nats.size) == jnp.argmax(nats + jnp.log(prior)), 700.0, 0.0)
        starts = jnp.stack([jnp.zeros_like(nats), nats, alone])
        _, gains = jax.vmap(lambda e: jax.lax.scan(step, e, None, length=STEPS))(starts)
        return gains.max(), jnp.log(prior @ jnp.exp(nats - nats.max())) + nats.max()

    return jax.vmap(one)(counts)


class Worst(NamedTuple):
    """The probability that some posterior breaks the bound lies between these two."""

    at_least: float
    at_most: float
    rounding: float
    """Of both: samples whose nats are equal to the price up to rounding, and the weights."""


def worst_posterior(
    problem: Learning, n: int, delta: float, bound: str = "kl-xi", price: float | None = None
) -> Worst:
    """For ``bound`` "kl-xi", "kl-2sqrt(n)" or "McAllester"; ``price`` replaces its xi(n).

    Raises ValueError for another bound or a delta outside (0,1).
    """
    check_level("delta", delta)
    if bound not in KINDS:
        raise ValueError(f"bound = {bound!r}: expected one of {KINDS}")
    g: Convex = squared if bound == "McAllester" else one_sided_kl
    usual = xi(n) if bound == "kl-xi" else plain(n)
    needed = float(np.log((usual if price is None else price) / delta))
    failing, near, wide = np.zeros(2), 0.0, padded(problem)
    # kl has a slope of up to about 40 in its arguments, which are sums over policies and outcomes.
    error = accumulated(64 * n * (sum(wide.loss.shape) + 16)) * max(1.0, needed)
    for counts, weight in chunks(problem, n, wide.chance.size):
        nats = np.stack(_worst(wide, counts, g))
        failing += (nats > needed) @ weight
        near += float((np.abs(nats - needed) <= error).any(0) @ weight)
    share = accumulated(chance_roundings(n, np.asarray(problem.chance)) + CHUNK)
    at_least, at_most = map(float, failing)
    return Worst(at_least, at_most, near + share * max(at_least, at_most))
