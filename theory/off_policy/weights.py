"""What importance ratios, clipping and truncation make of the score of one token.

Episodes come from mu, the gradient is taken at pi, rho = pi(a|s)/mu(a|s). A token's score then
counts W times, which for a clipped surrogate differs with the sign of the advantage.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from grpo_checks.theory.losses.surrogate import Clipping, Level, kept_ratios

Table = Float[Array, "S A"]


class TokenWeights(NamedTuple):
    """W of every state and action (of every episode and step), by the sign of the advantage."""

    positive: Table
    negative: Table


def ratios(probs: Table, sampler: Table) -> Table:
    """rho = pi/mu; 0 for what is never sampled."""
    sampled = sampler > 0
    return jnp.where(sampled, probs / jnp.where(sampled, sampler, 1.0), 0.0)


def clipped(ratio: Table, clipping: Clipping, level: Level = "token") -> TokenWeights:
    """Of ratios of a ``level``; raises ValueError for another level's, a penalty or a bonus."""
    if clipping.level != level:
        raise ValueError(f"level = {clipping.level!r}: expected {level!r}, that of the ratios")
    for field in ("beta", "entropy"):
        if getattr(clipping, field) != 0:
            value = getattr(clipping, field)
            raise ValueError(f"{field} = {value}: expected 0, its gradient is not in W")
    return TokenWeights(*kept_ratios(ratio, clipping))


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
