"""Joint against decomposed surrogates in floating point, for many groups at once.

The same numbers as in ``theory.rational.menus.bridge``, from the advantages that training uses.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from grpo_checks.theory.estimators.advantages import (
    Estimator,
    component_advantages,
    deviations,
    group_advantages,
)


class SurrogateGap(NamedTuple):
    """Of one group."""

    speaks: Bool[Array, ""]
    """Whether sd > 0, as T2.bridge' needs."""
    difference: Float[Array, ""]
    """|joint - decomposed surrogate|."""
    bridge: Float[Array, ""]
    """(max ratio - min ratio)/2 sum_k w_k |sd_k/sd - 1| over k with sd_k > 0."""
    misalignment: Float[Array, ""]
    """max_i |Delta_i|."""
    magnitude: Float[Array, ""]
    """Of the terms of difference and bridge, each times the condition of its deviations:
    (largest |x|)/sd for rewards x, whose own rounding is relative to |x|."""


def surrogate_gap(
    rewards: Float[Array, "G K"],
    composite: Float[Array, " G"],
    weights: Float[Array, " K"],
    ratios: Float[Array, " G"],
    ddof: int,
) -> SurrogateGap:
    """``composite``: R_i, equal floats where equal (``TAMDP.class_composite``, dyadic rewards)."""
    joint = group_advantages(composite, Estimator("group_normalized", ddof))
    options = Estimator("componentwise_normalized", ddof)
    columns = [rewards[:, k : k + 1] for k in range(rewards.shape[1])]
    advantages = jnp.stack([component_advantages(c, jnp.ones(1), options) for c in columns], 1)
    freedom = rewards.shape[0] - ddof
    centred = jnp.stack([deviations(c[:, 0]) for c in columns], 1)
    scales = jnp.sqrt(jnp.square(centred).sum(0) / freedom)
    scale = jnp.sqrt(jnp.square(deviations(composite)).sum() / freedom)
    speaks = scale > 0
    share = scales / jnp.where(speaks, scale, 1.0)
    matched = advantages @ (weights * share)
    bridge = jnp.where(scales > 0, weights * jnp.abs(share - 1), 0.0).sum()
    width = (ratios.max() - ratios.min()) / 2
    sizes = jnp.where(
        scales > 0, 1 + jnp.abs(rewards).max(0) / jnp.where(scales > 0, scales, 1.0), 0
    )
    joined = 1 + jnp.abs(composite).max() / jnp.where(speaks, scale, 1.0)
    # |A_i| <= sqrt G, whatever the rewards.
    terms = ratios.max() * jnp.sqrt(rewards.shape[0]) * (joined + weights @ sizes)
    terms += width * weights @ ((1 + share) * (sizes + joined))
    return SurrogateGap(
        speaks,
        jnp.abs((ratios * (joint - advantages @ weights)).mean()),
        width * bridge,
        jnp.abs(joint - matched).max(),
        terms,
    )
