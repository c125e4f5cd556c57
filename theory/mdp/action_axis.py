"""Sums, maxima and softmax along axis 1, the actions; a last axis of many policies is kept.

Up to 8 actions they are written out: XLA for CPU hands a reduction over so short an axis to a
library call, and a fusion of it with its neighbours is lost.

**Next to certainty** 1 - p_a has no digits left where p_a is all but 1, and neither has
x_a - sum_b p_b x_b. So what is left without the likeliest action is added up, never subtracted:
see ``others``. Derivatives of the softmax are formed likewise.
"""

from collections.abc import Callable
from functools import reduce

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

BLOCK = 8


def _over(
    pair: Callable[[Array, Array], Array],
    reduction: Callable[..., Array],
    x: Float[Array, "R A *N"],
) -> Float[Array, "R 1 *N"]:
    if x.shape[1] > BLOCK or x.shape[1] == 0:
        return reduction(x, axis=1, keepdims=True)
    return reduce(pair, [x[:, i : i + 1] for i in range(x.shape[1])])


def add_up(x: Float[Array, "R A *N"]) -> Float[Array, "R 1 *N"]:
    """The sum, axis kept."""
    return _over(jnp.add, jnp.sum, x)


def others(p: Float[Array, "R A *N"], x: Float[Array, "R A *N"]) -> Float[Array, "R A *N"]:
    """sum over b other than a of x_b, x = p y for probabilities p.

    A total less x_a would be a rounding error where p_a is all but 1. Where p_a <= 1/2 it is sound:
    its error, of the size of x_a, is small beside (1 - p_a) y_a.
    """
    likely = p > 0.5
    return jnp.where(likely, add_up(jnp.where(likely, 0.0, x)), add_up(x) - x)


def complement(p: Float[Array, "R A *N"]) -> Float[Array, "R A *N"]:
    """1 - p_a, for probabilities."""
    return others(p, p)


def from_mean(p: Float[Array, "R A *N"], x: Float[Array, "R A *N"]) -> Float[Array, "R A *N"]:
    """x_a - sum_b p_b x_b, as sum_{b != a} p_b (x_a - x_b); linear in x, both ways accurate."""
    return complement(p) * x - others(p, p * x)


def balanced(p: Float[Array, "R A *N"], x: Float[Array, "R A *N"]) -> Float[Array, "R A *N"]:
    """x that adds up to 0, where p_a is all but 1 taken from the others, which have the digits."""
    likely = p > 0.5
    return jnp.where(likely, -add_up(jnp.where(likely, 0.0, x)), x)


def from_others(p: Float[Array, "R A *N"], x: Float[Array, "R A *N"]) -> Float[Array, "R A *N"]:
    """p_a (x_a - sum_b p_b x_b) as sum_b p_a p_b (x_a - x_b): over pairs where they are few."""
    if p.shape[1] > BLOCK:
        return balanced(p, p * (x - add_up(p * x)))
    columns = [(p[:, i : i + 1], x[:, i : i + 1]) for i in range(p.shape[1])]
    slopes = [jnp.zeros_like(p[:, :1])] * len(columns)
    for i, (mine, here) in enumerate(columns):
        for j, (other, there) in enumerate(columns[:i]):
            flow = mine * other * (here - there)
            slopes[i], slopes[j] = slopes[i] + flow, slopes[j] - flow
    return jnp.concatenate(slopes, 1)


def at_likeliest(p: Float[Array, "R A ..."], x: Float[Array, "R A ..."]) -> Float[Array, "R 1 ..."]:
    """x of the action with the largest p, the first of several; axes after the second broadcast."""
    if x.shape[1] > BLOCK:
        chosen = jnp.expand_dims(jnp.arange(x.shape[1]), (0, *range(2, p.ndim)))
        return jnp.where(p.argmax(1, keepdims=True) == chosen, x, 0.0).sum(1, keepdims=True)
    best, value = p[:, :1], x[:, :1]
    for i in range(1, x.shape[1]):
        better = p[:, i : i + 1] > best
        best, value = jnp.maximum(best, p[:, i : i + 1]), jnp.where(better, x[:, i : i + 1], value)
    return value


def _from_largest(raw: Float[Array, "R A *N"]) -> Float[Array, "R A *N"]:
    return raw - _over(jnp.maximum, jnp.max, raw)


@jax.custom_jvp
def softmax(raw: Float[Array, "R A *N"]) -> Float[Array, "R A *N"]:
    """As ``jax.nn.softmax``; a row needs an entry that is not -inf."""
    odds = jnp.exp(_from_largest(raw))
    return odds / add_up(odds)


@softmax.defjvp
def _softmax_jvp(
    primals: tuple[Float[Array, "R A *N"]], tangents: tuple[Float[Array, "R A *N"]]
) -> tuple[Float[Array, "R A *N"], Float[Array, "R A *N"]]:
    p = softmax(*primals)
    return p, p * from_mean(p, *tangents)


@jax.custom_jvp
def log_softmax(raw: Float[Array, "R A *N"]) -> Float[Array, "R A *N"]:
    """As ``jax.nn.log_softmax``, with all digits of a logarithm next to 0."""
    low = _from_largest(raw)
    odds = jnp.exp(low)
    top = odds == 1
    rest = add_up(jnp.where(top, 0.0, odds)) + (add_up(top.astype(raw.dtype)) - 1)
    return low - jnp.log1p(rest)


@log_softmax.defjvp
def _log_softmax_jvp(
    primals: tuple[Float[Array, "R A *N"]], tangents: tuple[Float[Array, "R A *N"]]
) -> tuple[Float[Array, "R A *N"], Float[Array, "R A *N"]]:
    logs = log_softmax(*primals)
    return logs, from_mean(jnp.exp(logs), *tangents)


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
    padded = jnp.pad(x, [(0, 0), (0, blocks * BLOCK - size), *[(0, 0)] * len(lanes)])
    inner = prefix_sums(padded.reshape(rows * blocks, BLOCK, *lanes))
    inner = inner.reshape(rows, blocks, BLOCK, *lanes)
    before = prefix_sums(inner[:, :-1, -1])
    offset = jnp.concatenate([jnp.zeros_like(before[:, :1]), before], 1)
    return (inner + offset[:, :, None]).reshape(rows, blocks * BLOCK, *lanes)[:, :size]
