"""Trained Gaussian posteriors of many samples of `conflict`, each in one program."""

from functools import partial

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key, PRNGKeyArray

from grpo_checks.theory.generalization.posterior import (
    Gaussian,
    certificate,
    divergence,
    drawn,
    expected_losses,
    node_losses,
    train_posterior,
    trapezoid,
)
from grpo_checks.theory.instances.conflict import conflict

DELTA, DRAWS = 0.05, 64


@jax.jit
def trained(
    counts: Float[Array, "C 2"], source: Float[Array, " 2"]
) -> tuple[Gaussian, *tuple[Float[Array, " C"], ...]]:
    """For each count vector of `conflict`: Q, its KL, Lhat(Q), L_S(Q), and the error of both.

    The rule's error falls exponentially: half of its nodes are off by more.
    """
    instance, delta = conflict(), jnp.asarray(DELTA)

    def one(count: Float[Array, " 2"]) -> tuple[Gaussian, *tuple[Float[Array, ""], ...]]:
        q = train_posterior(instance.mdp, instance.policy, count, trapezoid(61), delta)
        losses, coarse = (
            expected_losses(instance.mdp, instance.policy, q, trapezoid(k)) for k in (241, 121)
        )
        off = jnp.abs(losses - coarse).max()
        return q, divergence(q, 2.0), losses @ count / count.sum(), losses @ source, off

    return jax.vmap(one)(counts)


@partial(jax.jit, static_argnames="n")
def draws_certified(
    keys: Key[Array, " R"],
    q: Gaussian,
    kl: Float[Array, " R"],
    counts: Float[Array, "R 2"],
    price: float | Float[Array, ""],
    n: int,
) -> Float[Array, " R"]:
    """Certificates from DRAWS fresh policies, for a sample and a key each; delta split evenly."""
    instance, half = conflict(), jnp.asarray(DELTA / 2)

    def one(
        key: PRNGKeyArray, q: Gaussian, kl: Float[Array, ""], count: Float[Array, " 2"]
    ) -> Float[Array, ""]:
        losses = node_losses(instance.mdp, instance.policy, q, drawn(key, DRAWS, 1))
        return certificate(losses @ count / n, kl, jnp.asarray(float(n)), half, half, price)

    return jax.vmap(one)(keys, q, kl, counts)
