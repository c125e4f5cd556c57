"""False versions of the bounds of T3.coverage: slips that a theorist makes, one formula each."""

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float

from grpo_checks.theory.generalization.betting.mixture import betting_mixture
from grpo_checks.theory.generalization.learning import Learned, gibbs, learned
from grpo_checks.theory.generalization.pac_bayes import (
    FORMULAS,
    Formula,
    Setting,
    maurer,
    unexpected_bernstein,
)

EPISODES = 4


def _episodes(x: Learned, at: Setting) -> Float[Array, "..."]:
    more = EPISODES * at.n
    return maurer(x.empirical, x.divergence, more, at.delta, 2 * jnp.sqrt(more))


FALSE: Mapping[str, Formula] = {
    "halved exponent": lambda x, at: maurer(x.empirical, x.divergence, 2 * at.n, at.delta, at.xi),
    "log10 for ln": lambda x, at: maurer(
        x.empirical, x.divergence + jnp.log(at.xi / at.delta) / jnp.log(10.0), at.n, 1.0, 1.0
    ),
    "KL dropped": lambda x, at: maurer(
        x.empirical, jnp.zeros_like(x.divergence), at.n, at.delta, at.xi
    ),
    "posterior as prior": FORMULAS["kl-xi"],
    "episodes as tasks": _episodes,
    # Losses in {0,2}: the bound is fed 2 l; in units of l it promises half of what it says.
    "losses in {0,2}": lambda x, at: (
        maurer(jnp.minimum(2 * x.empirical, 1.0), x.divergence, at.n, at.delta, at.xi) / 2
    ),
}


def posterior_prior(loss: Any, risk: Any, prior: Any, counts: Any, temperature: Any) -> Learned:
    """KL to the posterior of the same tasks at twice the temperature."""
    fit = -loss @ counts / (2 * temperature)
    half, _ = gibbs(prior, fit)
    _, divergence = gibbs(half, fit)
    sample = learned(loss, risk, prior, counts, temperature)
    return sample._replace(divergence=divergence)


def _plain_nats(x: Learned, at: Setting) -> Float[Array, "..."]:
    """KL + ln(2 sqrt n/delta)."""
    return x.divergence + jnp.log(2 * jnp.sqrt(at.n)) - jnp.log(at.delta)


def _half_of_lambda(x: Learned, at: Setting) -> Float[Array, "..."]:
    """At the rate that is best for half of the nats."""
    nats = _plain_nats(x, at) / 2
    rate = 2 / (1 + jnp.sqrt(1 + 2 * at.n * x.empirical / nats))
    return (x.empirical + nats / (at.n * rate)) / (1 - rate / 2)


def _linear_catoni(x: Learned, at: Setting) -> Float[Array, "..."]:
    """At C = 1, without the factor C/(1-exp(-C))."""
    return x.empirical + (x.divergence - jnp.log(at.delta)) / at.n


OTHERS: Mapping[str, Formula] = {
    "half of KL": lambda x, at: maurer(x.empirical, x.divergence / 2, at.n, at.delta, at.xi),
    "2n in kl-2sqrt(n)": lambda x, at: maurer(
        x.empirical, x.divergence, 2 * at.n, at.delta, 2 * jnp.sqrt(at.n)
    ),
    "McAllester with 4n": lambda x, at: x.empirical + jnp.sqrt(_plain_nats(x, at) / (4 * at.n)),
    "linear Catoni": _linear_catoni,
    "half of lambda's nats": _half_of_lambda,
    "half of psi": lambda x, at: unexpected_bernstein(
        x.empirical, x.second / 2, x.divergence, at.n, at.delta
    ),
    "bets without weights": lambda x, at: betting_mixture(
        x.empirical, x.divergence, at.n, at.delta, 8.0, (1.0, 1.0, 1.0)
    ),
}
"""One of every bound, and of its divergence."""
