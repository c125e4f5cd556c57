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
from jaxtyping import Array, Bool, Float, Int
from numpy.typing import NDArray
from scipy.special import comb as binomial

from grpo_checks.theory.estimators.advantages import Estimator, GroupSize, scale
from grpo_checks.theory.estimators.cancelling import cancels
from grpo_checks.theory.estimators.group_table import AdvantageMoments, SpeakingMoments, Table
from grpo_checks.theory.numbers.centred import centred, share
from grpo_checks.theory.numbers.counts import count_vectors, n_vectors
from grpo_checks.theory.numbers.tracing import traced_once

DOUBTFUL = 1e-9
"""A share of the sum of components' parts far above its rounding error: below, zeros are decided
exactly."""


class CountTable(Table):
    """All M count vectors of G members over V rewards, with the advantages in such groups."""

    group_size: GroupSize
    counts: Int[Array, "V M"]
    """Zero in rows that fill a table up to the size of another."""
    ways: Float[Array, " M"]
    """Multinomial coefficients; likewise."""
    advantage: Float[Array, "M V"]
    """Of a member with each reward; 0 where the group has none."""
    speaks: Bool[Array, " M"]
    """Whether some advantage is not 0, decided exactly."""
    most: int = eqx.field(static=True)
    """No count is larger."""

    @traced_once
    def moments(self, law: Float[Array, " V"]) -> AdvantageMoments:
        """Polynomials in ``law``, hence exact and differentiable at probabilities of 0 and 1."""
        g = self.group_size
        weight = self.ways * self._powers(law)
        counted = self.counts.T * self.advantage
        square = (counted * self.advantage).T @ weight / g
        # The diagonal counts pairs of different members; subtracting the squares would cancel.
        twice = (counted * self.advantage * (self.counts.T - 1)).T @ weight
        pairs = (counted * weight[:, None]).T @ counted
        cross = jnp.where(jnp.eye(law.shape[0], dtype=bool), twice[:, None], pairs) / (g * (g - 1))
        return AdvantageMoments(counted.T @ weight / g, square, cross, weight.sum())

    @traced_once
    def speaking_chance(self, law: Float[Array, " V"]) -> tuple[Float[Array, ""], Float[Array, ""]]:
        """Group by group."""
        weight = self.ways * self._powers(law)
        return (weight * self.speaks).sum(), (weight * ~self.speaks).sum()

    @traced_once
    def speaking(self, law: Float[Array, " V"]) -> SpeakingMoments:
        """Group by group, and centred: nothing is lost where all groups that speak are alike."""
        weight = self.ways * self._powers(law)
        chance, silent = self.speaking_chance(law)
        of_speaking = share(weight * self.speaks, chance)
        pull = self.counts.T * self.advantage / self.group_size
        deviation, mean = centred(of_speaking, pull)
        return SpeakingMoments(
            chance,
            silent,
            mean,
            (pull * self.advantage).T @ of_speaking,
            (deviation * of_speaking[:, None]).T @ deviation,
        )

    @traced_once
    def _powers(self, law: Float[Array, " V"]) -> Float[Array, " M"]:
        """prod_v law_v^n_v, by table: not exp(n log p), which has no derivative at 0."""
        rows = jnp.broadcast_to(law[:, None], (law.shape[0], self.most))
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
    room: int = 0,
) -> CountTable:
    """``columns (V,K)``: what is normalised on its own; advantages are their ``weights`` sum.

    One column, the composite, for the joint estimators. Equal rewards must be equal floats. With
    the shape of a table for groups of ``room``.
    """
    n_values, most = columns.shape[0], max(group_size, room)
    counts, ways = _groups(n_values, group_size)
    advantage, speaks = advantages(columns, weights, counts, estimator)
    missing = n_vectors(most, n_values) - len(ways)
    table = (counts, ways, advantage, speaks)
    rows = (np.pad(x, ((0, missing), (0, 0))[: x.ndim]) for x in table)
    counts, ways, advantage, speaks = jax.device_put(tuple(rows))
    return CountTable(group_size, counts.T, ways, advantage, speaks, most)


def advantages(
    columns: NDArray[np.float64],
    weights: NDArray[np.float64],
    counts: NDArray[np.int64],
    estimator: Estimator,
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """(M, V): of a member with each reward in each group, 0 where the group has none.

    And (M,): whether some advantage in the group is not 0.
    """
    group_size, present = int(counts[0].sum()), counts > 0
    advantage, size = np.zeros(counts.shape), np.zeros(counts.shape)
    speaks = np.zeros(len(counts), bool)
    for column, weight in zip(columns.T, weights, strict=True):
        column = column - column.min()
        deviation = column[None] - (counts @ column)[:, None] / group_size
        # A silent group is recognised by its rewards, not by a spread of rounding size.
        most = np.where(present, column[None], -np.inf).max(1)
        varied = most > np.where(present, column[None], np.inf).min(1)
        spread = np.where(varied, (counts * deviation**2).sum(1), 0.0)
        per_sd = np.asarray(scale(jax.device_put(spread), group_size, estimator))
        part = present * weight * deviation * np.where(varied, per_sd, 0.0)[:, None]
        advantage, size = advantage + part, size + np.abs(part)
        speaks |= varied
    doubtful = speaks & (np.abs(advantage) <= DOUBTFUL * size.max(1, keepdims=True)).all(1)
    for row in np.flatnonzero(doubtful):
        speaks[row] = not cancels(columns, weights, counts[row], estimator)
    return np.where(speaks[:, None], advantage, 0.0), speaks
