"""A batch of B groups, by the totals that its divisor depends on.

With F_b(n) = E[X_b; n], S_b(n) = E[|X_b|^2; n] and P_b(n) of the groups b (``group_totals``) and
g = phi(n_1 + ... + n_B) sum_b X_b, where X_b knows of other groups through phi alone,

    E[g]     = sum_b sum_n F_b(n) sum_m P_{-b}(m) phi(n + m)
    E[|g|^2] = sum_b sum_n S_b(n) sum_m P_{-b}(m) phi(n + m)^2
             + sum_{b != c} sum_{n,n'} <F_b(n), F_c(n')> sum_m P_{-bc}(m) phi(n + n' + m)^2,

P_{-b} and P_{-bc} the laws of the other groups' totals. Drawn prompts are independent, so that all
groups have the mixture's F, S and P; in a full sweep each has its own.
"""

from collections.abc import Callable
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int
from numpy.typing import NDArray

from grpo_checks.theory.batches.group_totals import KeyedMoments
from grpo_checks.theory.batches.totals import check_entries, law_of_total
from grpo_checks.theory.estimators.lattice import Lattice, dense_size, lattice

Divisor = Callable[[NDArray[np.int64]], NDArray[np.float64]]
"""phi of totals (N, k) of a batch."""


class BatchMoments(NamedTuple):
    """Of one update."""

    mean: Float[Array, " n"]
    """E g."""
    square: Float[Array, ""]
    """E |g|^2."""


class BatchTotals(eqx.Module):
    """phi at all totals of a batch."""

    others: Lattice
    """Totals of up to B - 1 groups."""
    one: Float[Array, "N K"]
    """phi at a total of others and the key of one group."""
    two: Float[Array, "N L"]
    """phi^2 at a total of others and the sum of two keys."""
    pair: Int[Array, "K K"]
    """Which of the L sums two keys have."""
    copies: Int[Array, " Q"] | None
    """Groups of each prompt in a full sweep; None for drawn prompts."""
    groups: int = eqx.field(static=True)

    def moments(self, rho: Float[Array, " Q"], prompts: KeyedMoments) -> BatchMoments:
        """From those of a group of each prompt."""
        if self.copies is None:
            mixed = jax.tree.map(lambda x: jnp.tensordot(rho, x, 1)[None], prompts)
            return self._summed(mixed, jnp.array([self.groups]))
        return self._summed(prompts, self.copies)

    def _summed(self, kinds: KeyedMoments, copies: Int[Array, " Q"]) -> BatchMoments:
        n = copies.shape[0]

        def single(b: Int[Array, ""]) -> tuple[Float[Array, " n"], Float[Array, ""]]:
            rest = law_of_total(self.others, kinds.chance, copies.at[b].add(-1))
            mean = (rest @ self.one) @ kinds.mean[b]
            square = (rest @ jnp.square(self.one)) @ kinds.square[b]
            return copies[b] * mean, copies[b] * square

        def double(pair: tuple[Int[Array, ""], Int[Array, ""]]) -> Float[Array, ""]:
            b, c = pair
            many = copies[b] * (copies[c] - (b == c)) * jnp.where(b == c, 1, 2)
            rest = law_of_total(
                self.others, kinds.chance, jnp.maximum(copies.at[b].add(-1).at[c].add(-1), 0)
            )
            gram = kinds.mean[b] @ kinds.mean[c].T
            sums = jax.ops.segment_sum(gram.reshape(-1), self.pair.reshape(-1), self.two.shape[1])
            return many * ((rest @ self.two) @ sums)

        mean, square = jax.lax.map(single, jnp.arange(n))
        between = jax.lax.map(double, tuple(jnp.asarray(i) for i in np.triu_indices(n)))
        return BatchMoments(mean.sum(0), square.sum() + between.sum())


def batch_totals(
    keys: NDArray[np.int64], groups: int, copies: NDArray[np.int64] | None, divisor: Divisor
) -> BatchTotals:
    """``keys (K, k)`` of one group; call it outside jit.

    Raises ValueError, with the cost, where a table would be too large.
    """
    what = f"totals of {groups} groups"
    check_entries(what, dense_size(keys, groups - 1))
    others = lattice(keys, groups - 1)
    points, (k, d) = np.asarray(others.point), keys.shape
    check_entries(what, max(len(points) * k, k * k))
    # Rows as whole numbers, which are sorted much faster.
    box = tuple(2 * int(side) + 1 for side in keys.max(0))
    flat = np.ravel_multi_index(tuple((keys[:, None] + keys[None]).reshape(-1, d).T), box)
    distinct, pair = np.unique(flat, return_inverse=True)
    sums = np.stack(np.unravel_index(distinct, box), 1)
    check_entries(what, len(points) * len(sums))

    def phi(added: NDArray[np.int64]) -> NDArray[np.float64]:
        total = points[:, None] + added[None]
        return divisor(total.reshape(-1, d)).reshape(len(points), len(added))

    one, two, index, many = jax.device_put((phi(keys), phi(sums) ** 2, pair.reshape(k, k), copies))
    return BatchTotals(others, one, two, index, many, groups)
