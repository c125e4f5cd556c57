"""Sums of independent draws on a lattice, by repeated convolution.

One draw is class c with probability p_c and adds the whole-number vector ``steps[c]``. The law of
the sum of n draws has few points where different draws give equal sums, which is what makes large
groups affordable.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int
from numpy.typing import NDArray


class Lattice(NamedTuple):
    """The N sums that up to n draws can have; one class adds nothing, so that they are nested."""

    point: Int[Array, "N d"]
    source: Int[Array, "N C"]
    """Where a draw of class c came from; N where from nowhere."""


def dense_size(steps: NDArray[np.int64], draws: int) -> int:
    """Points of the box that holds all sums: what building the lattice costs."""
    sides = [draws * int(side) + 1 for side in steps.max(0)]
    return int(np.prod(sides, dtype=object))


def lattice(steps: NDArray[np.int64], draws: int) -> Lattice:
    """``steps (C,d)`` >= 0, with a row of zeros."""
    shape = tuple(draws * int(side) + 1 for side in steps.max(0))
    reached = np.zeros(shape, np.uint8)
    reached[(0,) * len(shape)] = 1
    for _ in range(draws):
        here = reached.copy()
        for step in np.unique(steps, axis=0):
            moved = tuple(slice(int(s), None) for s in step)
            stay = tuple(slice(0, n - int(s)) for s, n in zip(step, shape, strict=True))
            reached[moved] |= here[stay]
    point = np.argwhere(reached)
    number = np.full(shape, len(point))
    number[reached > 0] = np.arange(len(point))
    before = point[:, None] - steps[None]
    inside = np.asarray((before >= 0).all(-1))
    predecessor = number[tuple(np.moveaxis(np.where(inside[..., None], before, 0), -1, 0))]
    source = np.where(inside, predecessor, len(point))
    return Lattice(jax.device_put(point), jax.device_put(source.astype(np.int32)))


def lattice_law(
    points: Lattice, law: Float[Array, " C"], draws: int | Int[Array, ""]
) -> Float[Array, " N"]:
    """P(the sum of ``draws`` draws is each point): sums of products of probabilities alone.

    A traced number of draws is differentiable in forward mode only.
    """
    start = jnp.zeros(points.point.shape[0]).at[0].set(1.0)

    def draw(_: Int[Array, ""] | int, mass: Float[Array, " N"]) -> Float[Array, " N"]:
        padded = jnp.concatenate([mass, jnp.zeros(1)])
        total = law[0] * padded[points.source[:, 0]]
        for c in range(1, law.shape[0]):
            total = total + law[c] * padded[points.source[:, c]]
        return total

    return jax.lax.fori_loop(0, draws, draw, start)
