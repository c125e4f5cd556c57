"""Deviations from a mean that keep their digits where one outcome is all but certain.

x_a - sum_b p_b x_b is sum_b p_b (x_a - x_b): formed in the first way it has an error of the size of
x, in the second one of the size of the differences. Taking the likeliest outcome's x off first
keeps that accuracy without a sum over pairs, since this outcome has a chance of at least 1/A: the
error is at most (2A+1) roundings of sum_b p_b |x_a - x_b| (derived).
"""

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from grpo_checks.theory.numbers.tracing import traced_once


@traced_once
def share(part: Float[Array, "..."], total: Float[Array, "..."]) -> Float[Array, "..."]:
    """part/total; 0 where the total is 0, or a chance so small that it underflows."""
    happens = total >= jnp.finfo(total.dtype).tiny
    return jnp.where(happens, part / jnp.where(happens, total, 1.0), 0.0)


@traced_once
def likeliest(chance: Float[Array, "*B A"]) -> Bool[Array, "*B A"]:
    """Which outcome of the last axis is the likeliest; the first of several."""
    first = jnp.expand_dims(jnp.arange(chance.shape[-1]), range(chance.ndim - 1))
    return chance.argmax(-1, keepdims=True) == first


@traced_once
def centred(
    chance: Float[Array, "*B A"], x: Float[Array, "*B A d"]
) -> tuple[Float[Array, "*B A d"], Float[Array, "*B d"]]:
    """x_a - E x and E x, for chances that add up to 1 along the last axis, or are all 0."""
    reference = jnp.where(likeliest(chance)[..., None], x, 0.0).sum(-2, keepdims=True)
    deviation = x - reference
    shift = (chance[..., None] * deviation).sum(-2, keepdims=True)
    return deviation - shift, (reference + shift)[..., 0, :]
