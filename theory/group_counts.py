"""Group law by count vectors: how many of the G members earned each of V rewards.

The advantage depends on the group only through these counts n, so with multinomial weights every
conditional moment is a finite sum: E[A_1 1{v}] = E[n_v A_v(n)]/G, and for two members
E[n_v (n_u - 1{u=v}) A_v A_u]/(G(G-1)) (derived). The advantages do not depend on the policy: they
are tabulated once, and what is left is one product of powers and one matrix product.
"""

from functools import lru_cache
from math import comb, log10

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int
from numpy.typing import NDArray
from scipy.special import comb as binomial

from theory.advantages import Estimator, scale
from theory.counts import count_vectors
from theory.group_table import AdvantageMoments, Table


class CountTable(Table):
    """All M count vectors of G members over V rewards, with the advantages in such groups."""

    group_size: int = eqx.field(static=True)
    counts: Int[Array, "V M"]
    ways: Float[Array, " M"]
    """Multinomial coefficients."""
    advantage: Float[Array, "M V"]
    """Of a member with each reward; 0 where the group has none."""

    def moments(self, law: Float[Array, " V"]) -> AdvantageMoments:
        """Polynomials in ``law``, hence exact and differentiable at probabilities of 0 and 1."""
        g = self.group_size
        weight = self.ways * self._powers(law)
        counted = self.counts.T * self.advantage
        own = (counted * self.advantage).T @ weight / g
        # The diagonal counts pairs of different members; subtracting the own terms would cancel.
        twice = (counted * self.advantage * (self.counts.T - 1)).T @ weight
        pairs = (counted * weight[:, None]).T @ counted
        cross = jnp.where(jnp.eye(law.shape[0], dtype=bool), twice[:, None], pairs) / (g * (g - 1))
        return AdvantageMoments(counted.T @ weight / g, own, cross, weight.sum())

    def _powers(self, law: Float[Array, " V"]) -> Float[Array, " M"]:
        """prod_v law_v^n_v, by table: not exp(n log p), which has no derivative at 0."""
        rows = jnp.broadcast_to(law[:, None], (law.shape[0], self.group_size))
        ones = jnp.ones((law.shape[0], 1))
        table = jnp.concatenate([ones, jnp.cumprod(rows, 1)], 1)
        product = table[0][self.counts[0]]
        for v in range(1, law.shape[0]):
            product = product * table[v][self.counts[v]]
        return product


def entries(n_values: int, group_size: int) -> int:
    """Numbers in the largest array: all count vectors, or binomial coefficients."""
    return max(_counts(n_values, group_size), (group_size + 1) ** 2)


def operations(n_values: int, group_size: int) -> int:
    """About how many, to choose between engines: a few random reads for each count."""
    return 4 * _counts(n_values, group_size)


def _counts(n_values: int, group_size: int) -> int:
    return comb(group_size + n_values - 1, n_values - 1) * n_values


def coefficients_fit(n_values: int, group_size: int) -> bool:
    """Whether the multinomial coefficients, at most V^G, stay inside float64."""
    return group_size * log10(n_values) <= 300


@lru_cache(maxsize=8)
def _groups(n_values: int, total: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Count vectors (M, V) that sum to ``total``, and their multinomial coefficients (M,)."""
    counts = count_vectors(total, n_values)
    left = total - np.cumsum(counts, 1) + counts
    # One binomial after the other: whole numbers, exact as long as float64 holds them.
    pascal = binomial(np.arange(total + 1)[:, None], np.arange(total + 1)[None])
    return counts, pascal[left, counts].prod(1)


def count_table(
    columns: NDArray[np.float64],
    weights: NDArray[np.float64],
    group_size: int,
    estimator: Estimator,
) -> CountTable:
    """``columns (V,K)``: what is normalised on its own; advantages are their ``weights`` sum.

    One column, the composite, for the joint estimators. Equal rewards must be equal floats.
    """
    counts, ways = _groups(columns.shape[0], group_size)
    present = counts > 0
    advantage = np.zeros(counts.shape)
    for column, weight in zip(columns.T, weights, strict=True):
        column = column - column.min()
        centred = column[None] - (counts @ column)[:, None] / group_size
        # A silent group is recognised by its rewards, not by a spread of rounding size.
        most = np.where(present, column[None], -np.inf).max(1)
        varied = most > np.where(present, column[None], np.inf).min(1)
        spread = np.where(varied, (counts * centred**2).sum(1), 0.0)
        per_sd = np.asarray(scale(jnp.asarray(spread), group_size, estimator))
        advantage += weight * centred * np.where(varied, per_sd, 0.0)[:, None]
    shown = np.where(present, advantage, 0.0)
    return CountTable(group_size, *jax.device_put((counts.T, ways, shown)))
