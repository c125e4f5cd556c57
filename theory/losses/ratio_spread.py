"""Joint minus decomposed surrogate, bounded by the standard deviation of the ratios.

**Derived.** As in ``surrogate_gap`` the difference is 1/G sum_i rho_i x_i with
x_i = sum_k w_k (sd_k/sd - 1) A_i^(k), and sum_i x_i = 0, so that the mean of rho may be taken off.
By the inequalities of Cauchy and Schwarz, and of the triangle,

    |joint - decomposed| <= sqrt(mean (rho_i - mean rho)^2) sqrt(mean x_i^2),
    sqrt(mean x_i^2) <= sum_k w_k |sd_k/sd - 1| sqrt(mean (A_i^(k))^2),

and the mean of (A_i^(k))^2 is 1 - ddof/G where sd_k > 0. With sd(rho) of the same ddof this is

    |joint - decomposed| <= (1 - ddof/G) sd(rho) sum_k w_k |sd_k/sd - 1|,  sd > 0,

over k with sd_k > 0; at ddof = 0 never above T2.bridge', since a standard deviation is at most half
the range (Popoviciu), nor at ddof = 1. Reached where all x^(k) are multiples, of one sign, of
rho - mean rho: for one varying component at any G.
"""

from typing import Any

import jax
import jax.numpy as jnp

from grpo_checks.theory.estimators.advantages import deviations


def spread_bridge(
    rewards: Any, composite: Any, weights: Any, ratios: Any, ddof: int
) -> tuple[Any, Any]:
    """The bound of one group, ``rewards (G, K)``, ``ratios (G,)``; and the magnitude of its terms.

    ``composite``: R_i, equal floats where equal. 0 where sd = 0, of which nothing is said.
    """
    freedom = rewards.shape[0] - ddof
    scales = jnp.sqrt(jnp.square(jax.vmap(deviations, 1, 1)(rewards)).sum(0) / freedom)
    scale = jnp.sqrt(jnp.square(deviations(composite)).sum() / freedom)
    share = scales / jnp.where(scale > 0, scale, 1.0)
    unequal = jnp.where(scales > 0, weights * jnp.abs(share - 1), 0.0).sum()
    spread = jnp.sqrt(jnp.square(deviations(ratios)).sum() / freedom)
    bound = jnp.where(scale > 0, spread * unequal, 0.0) * freedom / rewards.shape[0]
    return bound, ratios.max() * (weights @ (1 + share))
