"""Joint and decomposed surrogates on one group: an identity, a false bridge and a true one.

For samples i = 1..G with rewards r_ik, weights w_k and ratios rho_i (no clipping, eps = 0) let
A_i = (R_i - m)/sd be the joint advantages, and A_i^(k) = (r_ik - m_k)/sd_k those of a component,
0 where sd_k = 0:

- joint surrogate 1/G sum_i rho_i A_i, decomposed surrogate 1/G sum_i rho_i sum_k w_k A_i^(k);
- misalignment Delta_i = A_i - sum_k (w_k sd_k/sd) A_i^(k), which is 0 (T2.identity: the deviations
  add up, and the scales cancel);
- T2.bridge, as reported of arXiv:2604.19857 (Eq. 46), bounds the difference of the surrogates by
  Delta, hence by 0: false;
- **T2.bridge' (derived)**: |joint - decomposed| <= (max rho - min rho)/2 sum_k w_k |sd_k/sd - 1|
  over k with sd_k > 0, for sd > 0, ddof 0 or 1. The difference is 1/G sum_i rho_i sum_k
  w_k (sd_k/sd - 1) A_i^(k); sum_i A_i^(k) = 0 allows taking the midrange off rho, and
  1/G sum_i |A_i^(k)| <= 1. Reached where all |A_i^(k)| are 1 and the terms have one sign; such
  groups have rational sd and sd_k.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from grpo_checks.theory.estimators.advantages import Estimator, deviations, group_advantages


class SurrogateGap(NamedTuple):
    """Of one group."""

    speaks: Bool[Array, ""]
    """Whether sd > 0, as T2.bridge' needs."""
    joint: Float[Array, ""]
    decomposed: Float[Array, ""]
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
    normalized = Estimator("group_normalized", ddof)
    joint = group_advantages(composite, normalized)
    advantages = jax.vmap(lambda c: group_advantages(c, normalized), 1, 1)(rewards)
    freedom = rewards.shape[0] - ddof
    centred = jax.vmap(deviations, 1, 1)(rewards)
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
        (ratios * joint).mean(),
        (ratios * (advantages @ weights)).mean(),
        jnp.abs((ratios * (joint - advantages @ weights)).mean()),
        width * bridge,
        jnp.abs(joint - matched).max(),
        terms,
    )


def _damping(
    spread: Float[Array, "..."], freedom: int, eps: Float[Array, ""] | float
) -> Float[Array, "..."]:
    """sd/(sd + eps), and exactly 1 where eps = 0; 0 without spread."""
    sd = jnp.sqrt(spread / freedom)
    damped = jnp.where(eps == 0, 1.0, sd / jnp.where(spread > 0, sd + eps, 1.0))
    return jnp.where(spread > 0, damped, 0.0)


def scaled_misalignment(
    rewards: Float[Array, "G K"],
    weights: Float[Array, " K"],
    ddof: int,
    eps: Float[Array, ""] | float = 0.0,
) -> Float[Array, " G"]:
    """sd Delta_i = (R_i - m) sd/(sd + eps) - sum_k w_k (r_ik - m_k) sd_k/(sd_k + eps).

    Without a root, and so rational for rational rewards, where eps = 0: sd_k cancels in
    (w_k sd_k/sd) A_i^(k).
    """
    freedom = rewards.shape[0] - ddof
    centred, composite = jax.vmap(deviations, 1, 1)(rewards), deviations(rewards @ weights)
    shares = weights * _damping(jnp.square(centred).sum(0), freedom, eps)
    return composite * _damping(jnp.square(composite).sum(), freedom, eps) - centred @ shares


def plain_misalignment(
    rewards: Float[Array, "G K"], weights: Float[Array, " K"]
) -> Float[Array, " G"]:
    """sd (A_i - sum_k w_k A_i^(k)): what is left without the factors sd_k/sd."""
    centred, composite = jax.vmap(deviations, 1, 1)(rewards), deviations(rewards @ weights)
    spread = jnp.square(centred).sum(0)
    varied = spread > 0
    scale = jnp.sqrt(jnp.square(composite).sum() / jnp.where(varied, spread, 1.0))
    return composite - centred @ (weights * jnp.where(varied, scale, 0.0))
