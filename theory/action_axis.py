"""Sums, maxima and softmax along axis 1, the actions; a last axis of many policies is kept.

Up to 8 actions they are written out: XLA for CPU hands a reduction over so short an axis to a
library call, and a fusion of it with its neighbours is lost.
"""

from collections.abc import Callable
from functools import reduce

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

BLOCK = 8


def _over(
    pair: Callable[[Array, Array], Array],
    whole: Callable[..., Array],
    x: Float[Array, "R A *N"],
) -> Float[Array, "R 1 *N"]:
    if x.shape[1] > BLOCK or x.shape[1] == 0:
        return whole(x, axis=1, keepdims=True)
    return reduce(pair, [x[:, i : i + 1] for i in range(x.shape[1])])


def add_up(x: Float[Array, "R A *N"]) -> Float[Array, "R 1 *N"]:
    """The sum, axis kept."""
    return _over(jnp.add, jnp.sum, x)


def softmax(raw: Float[Array, "R A *N"]) -> Float[Array, "R A *N"]:
    """As ``jax.nn.softmax``; a row needs an entry that is not -inf."""
    odds = jnp.exp(raw - jax.lax.stop_gradient(_over(jnp.maximum, jnp.max, raw)))
    return odds / add_up(odds)


def prefix_sums(x: Float[Array, "R A *N"]) -> Float[Array, "R A *N"]:
    """Blocks of 8 one by one and then their totals.

    Each sum adds to an earlier one, so that for x >= 0 they never fall, nor rise where x is 0; a
    parallel prefix sum, which may differ by an ulp there, promises neither.
    """
    rows, size, *lanes = x.shape
    if size <= BLOCK:
        sums = [x[:, 0]]
        for i in range(1, size):
            sums.append(sums[-1] + x[:, i])
        return jnp.stack(sums, 1)
    blocks = -(-size // BLOCK)
    whole = jnp.pad(x, [(0, 0), (0, blocks * BLOCK - size), *[(0, 0)] * len(lanes)])
    inner = prefix_sums(whole.reshape(rows * blocks, BLOCK, *lanes))
    inner = inner.reshape(rows, blocks, BLOCK, *lanes)
    before = prefix_sums(inner[:, :-1, -1])
    offset = jnp.concatenate([jnp.zeros_like(before[:, :1]), before], 1)
    return (inner + offset[:, :, None]).reshape(rows, blocks * BLOCK, *lanes)[:, :size]
