"""Mean and variance of an update by sampling, where no exact sum gives them.

``theory.batches`` has the sums over one group and over a batch, for as long as they fit.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple, TypeVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key, PRNGKeyArray

from grpo_checks.theory.evaluation.values import Theta
from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.mdp.places import Chances
from grpo_checks.theory.mdp.policy import Policy
from grpo_checks.theory.training.batch import Training, sample_batch
from grpo_checks.theory.training.episodes import action_cdf
from grpo_checks.theory.training.score_sums import sampled_update

CHUNK = 256
"""Batches at a time: bounds memory."""


class SampledMoments(NamedTuple):
    """Estimates with their standard errors, which fall as 1/sqrt(batches)."""

    mean: Float[Array, " n"]
    """Of E g, theta flattened."""
    mean_error: Float[Array, " n"]
    variance: Float[Array, ""]
    """Of V = E|g - E g|^2."""
    variance_error: Float[Array, ""]


Measured = TypeVar("Measured")


def over_updates(
    keys: Key[Array, " N"],
    mdp: TAMDP,
    chances: Chances,
    policy: Policy,
    theta: Theta,
    training: Training,
    measure: Callable[[Theta], Measured],
) -> Measured:
    """``measure(g)`` of one update at ``theta`` for each key, stacked along a first axis."""

    cdf = action_cdf(policy.probs(theta).astype(training.precision))

    def one(key: PRNGKeyArray) -> Measured:
        batch = sample_batch(key, chances, cdf, training)
        return measure(sampled_update(mdp, policy, theta, batch, training))

    return jax.lax.map(one, keys, batch_size=CHUNK)


@partial(jax.jit, static_argnames="training")
def sampled_updates(
    keys: Key[Array, " N"],
    mdp: TAMDP,
    chances: Chances,
    policy: Policy,
    theta: Theta,
    training: Training,
) -> Float[Array, "N n"]:
    """One update at ``theta`` for each key, flattened."""
    return over_updates(keys, mdp, chances, policy, theta, training, lambda g: g.reshape(-1))


def sampled_moments(
    key: PRNGKeyArray,
    mdp: TAMDP,
    policy: Policy,
    theta: Theta,
    training: Training,
    batches: int,
) -> SampledMoments:
    """From ``batches`` independent updates at ``theta``; call it outside jit.

    Raises ValueError for fewer than two, which have no error to state.
    """
    if batches < 2:
        raise ValueError(f"batches = {batches}: expected at least 2")
    keys = jax.random.split(key, batches)
    updates = sampled_updates(keys, mdp, Chances(mdp), policy, theta, training)
    mean = updates.mean(0)
    square = jnp.square(updates - mean[None])
    from_mean = square.sum(1)
    mean_error = jnp.sqrt(square.sum(0) / (batches - 1) / batches)
    error = jnp.std(from_mean, ddof=1) / jnp.sqrt(batches)
    return SampledMoments(mean, mean_error, from_mean.sum() / (batches - 1), error)
