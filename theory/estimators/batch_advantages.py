"""Advantages of all members of one update, for every estimator."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from grpo_checks.theory.estimators.advantages import (
    Estimator,
    check_group_size,
    component_advantages,
    deviations,
    group_advantages,
    inverse_sd,
)


class BatchRewards(NamedTuple):
    """What B groups of G members earned, and what estimators ask for besides."""

    composites: Float[Array, "B G"]
    """Equal ones must be equal floats: take them from ``TAMDP.class_composite``."""
    vectors: Float[Array, "B G K"] | None = None
    weights: Float[Array, " K"] | None = None
    present: Bool[Array, "B G K"] | None = None
    """Rewards that are not are left out of sums and moments; all are by default."""
    lengths: Float[Array, "B G"] | None = None
    """Tokens of each episode, one by default."""
    greedy: Float[Array, " B"] | None = None
    """Of a greedy episode for each group."""


def batch_advantages(rewards: BatchRewards, estimator: Estimator) -> Float[Array, "B G"]:
    """Advantages of all members of one update.

    Raises ValueError for groups of one, and where what the estimator asks for is missing.
    """
    check_group_size(rewards.composites.shape[1])
    advantages = _unwhitened(rewards, estimator)
    if estimator.whiten is None:
        return advantages
    counts = _lengths(rewards) if estimator.whiten_tokens else jnp.ones_like(advantages)
    return _whitened(advantages, estimator, counts)


def _unwhitened(rewards: BatchRewards, estimator: Estimator) -> Float[Array, "B G"]:
    composites = rewards.composites
    if estimator.name == "componentwise_normalized":
        return _componentwise(rewards, estimator)
    if estimator.name == "batch_scaled":
        spread = jnp.square(deviations(composites.reshape(-1))).sum()
        per_sd = inverse_sd(spread, composites.size - estimator.ddof, estimator.eps)
        return jax.vmap(deviations)(composites) * per_sd
    if estimator.name == "length_weighted":
        return _length_weighted(composites, _lengths(rewards))
    if estimator.name == "nonzero_scaled":
        many = jnp.maximum((composites != 0).sum(), 1)
        return jax.vmap(deviations)(composites) * (composites.size / many).astype(composites.dtype)
    if estimator.name == "greedy_baseline":
        if rewards.greedy is None:
            raise ValueError(f"greedy = None: expected rewards for {estimator.name}")
        return composites - rewards.greedy[:, None]
    if estimator.name == "pass_at_k":
        return jax.vmap(lambda r: _pass_at_k(r, estimator))(composites)
    if estimator.name == "mean_normalized":
        return jax.vmap(lambda r: _mean_normalized(r, estimator))(composites)
    return jax.vmap(lambda r: group_advantages(r, estimator))(composites)


def _lengths(rewards: BatchRewards) -> Float[Array, "B G"]:
    return jnp.ones_like(rewards.composites) if rewards.lengths is None else rewards.lengths


def _componentwise(rewards: BatchRewards, estimator: Estimator) -> Float[Array, "B G"]:
    vectors, weights = rewards.vectors, rewards.weights
    if vectors is None or weights is None:
        raise ValueError(f"vectors, weights = None: expected both for {estimator.name}")
    there = jnp.ones(vectors.shape, bool) if rewards.present is None else rewards.present
    one = lambda v, p: component_advantages(v, weights, estimator, p)  # noqa: E731
    return jax.vmap(one)(vectors, there)


def _length_weighted(
    composites: Float[Array, "B G"], lengths: Float[Array, "B G"]
) -> Float[Array, "B G"]:
    # From the first, as in ``deviations``: equal rewards leave exactly 0.
    from_first = composites - composites[:, :1]
    return from_first - ((lengths * from_first).sum(1) / lengths.sum(1))[:, None]


def _pass_at_k(rewards: Float[Array, " G"], estimator: Estimator) -> Float[Array, " G"]:
    first, second = jax.lax.top_k(rewards, 2)[0]
    spread = jnp.square(deviations(rewards)).sum()
    per_sd = inverse_sd(spread, rewards.shape[0] - estimator.ddof, estimator.eps)
    # Of several that are the best, each leads by 0.
    return jnp.where(rewards == first, (first - second) * per_sd, 0.0)


def _mean_normalized(rewards: Float[Array, " G"], estimator: Estimator) -> Float[Array, " G"]:
    mean = rewards.mean()
    factor = jnp.where(mean != 0, 1 / jnp.where(mean != 0, mean + estimator.eps, 1.0), 0.0)
    return deviations(rewards) * factor


def _whitened(
    advantages: Float[Array, "B G"], estimator: Estimator, counts: Float[Array, "B G"]
) -> Float[Array, "B G"]:
    """``counts``: how often each advantage is counted."""
    # From the first, as in ``deviations``: equal advantages leave exactly 0.
    from_first = advantages - advantages[0, 0]
    centred = from_first - (counts * from_first).sum() / counts.sum()
    spread = (counts * jnp.square(centred)).sum()
    freedom = counts.sum() - estimator.ddof
    per_sd = inverse_sd(spread, freedom, estimator.whiten or 0.0, estimator.whiten_inside)
    return centred * per_sd
