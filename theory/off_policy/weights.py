"""What importance ratios, clipping and truncation make of the score of one token.

Episodes come from mu, the gradient is taken at pi, rho = pi(a|s)/mu(a|s). A token's score then
counts W times, which for a clipped surrogate differs with the sign of the advantage:

    A > 0: W = rho where rho <= 1 + high, and rho <= ceiling
    A < 0: W = rho where 1 - low <= rho, and rho <= max(ceiling, 1 + high)

and 0 elsewhere (derived from ``losses.surrogate``, whose automatic derivative agrees but on the
edges: there the token keeps rho, as torch's minimum and clamp have it).
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from grpo_checks.theory.losses.surrogate import Clipping

Table = Float[Array, "S A"]


class TokenWeights(NamedTuple):
    """W of every state and action, by the sign of the advantage."""

    positive: Table
    negative: Table


def clipped(ratio: Table, clipping: Clipping) -> TokenWeights:
    """Of one ratio per token. Raises ValueError for a ratio of whole sequences, or a KL penalty."""
    if clipping.level != "token":
        raise ValueError(f"level = {clipping.level!r}: expected 'token', one ratio per token")
    if clipping.beta != 0:
        raise ValueError(f"beta = {clipping.beta}: expected 0, a penalty's gradient is not in W")
    high = 1 + (clipping.low if clipping.high is None else clipping.high)
    ceiling = jnp.inf if clipping.ceiling is None else clipping.ceiling
    rising = ratio <= jnp.minimum(high, ceiling)
    falling = (ratio >= 1 - clipping.low) & (ratio <= jnp.maximum(high, ceiling))
    return TokenWeights(jnp.where(rising, ratio, 0.0), jnp.where(falling, ratio, 0.0))


def truncated(ratio: Table, limit: float | Float[Array, ""]) -> TokenWeights:
    """Truncated importance sampling: min(rho, C)."""
    return TokenWeights(*[jnp.minimum(ratio, limit)] * 2)


def masked(ratio: Table, limit: float | Float[Array, ""]) -> TokenWeights:
    """Masked importance sampling: rho where it is at most C."""
    return TokenWeights(*[jnp.where(ratio <= limit, ratio, 0.0)] * 2)


def uncorrected(ratio: Table) -> TokenWeights:
    """As if the episodes were the policy's own: 1."""
    return TokenWeights(*[jnp.ones_like(ratio)] * 2)


def times(weights: TokenWeights, other: TokenWeights) -> TokenWeights:
    """Of three policies: clipped between current and old one, truncated between old and sampler."""
    return TokenWeights(weights.positive * other.positive, weights.negative * other.negative)
