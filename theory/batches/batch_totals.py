"""A batch of B groups, by the totals that its divisor depends on.

With F_b(n) = E[X_b; n], S_b(n) = E[|X_b|^2; n] and P_b(n) of the groups b (``group_totals``) and
g = phi(n_1 + ... + n_B) sum_b X_b, where X_b knows of other groups through phi alone,

    E[g]     = sum_b sum_n F_b(n) sum_m P_{-b}(m) phi(n + m)
    E[|g|^2] = sum_b sum_n S_b(n) sum_m P_{-b}(m) phi(n + m)^2
             + sum_{b != c} sum_{n,n'} <F_b(n), F_c(n')> sum_m P_{-bc}(m) phi(n + n' + m)^2,

P_{-b} and P_{-bc} the laws of the other groups' totals. Drawn prompts are independent, so that all
groups have the mixture's F, S and P; in a full sweep each has its own. Where groups have several
parts, g = sum_p phi_p sum_b X_pb, and phi^2 is phi_p phi_r for the product of two.
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
from grpo_checks.theory.batches.members import Floats, Numbers
from grpo_checks.theory.batches.sums import all_sums, distinct
from grpo_checks.theory.batches.totals import check_entries, law_of_total
from grpo_checks.theory.estimators.lattice import Lattice


class Weights(NamedTuple):
    """Of a batch with each of N totals."""

    mean: Floats
    """phi_p (P, N)."""
    square: Floats
    """Of <X_p, X_r> (P, P, N), symmetric: phi_p phi_r."""


Divisor = Callable[[Numbers], Weights]


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
    mean: Float[Array, "P N K"]
    """phi at a total of others and the key of one group."""
    square: Float[Array, "P P N K"]
    """phi^2 likewise."""
    rest: Lattice | None
    """Totals of up to B - 2 groups; None for one group."""
    two: Float[Array, "P P M L"] | None
    """phi^2 at a total of the rest and the sum of two keys."""
    pair: Int[Array, "K K"] | None
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
            others = law_of_total(self.others, kinds.chance, copies.at[b].add(-1))
            mean = jnp.einsum("pk,kpn->n", others @ self.mean, kinds.mean[b])
            square = jnp.einsum("prk,kpr->", others @ self.square, kinds.square[b])
            return copies[b] * mean, copies[b] * square

        mean, square = jax.lax.map(single, jnp.arange(n))
        if self.rest is None:
            return BatchMoments(mean.sum(0), square.sum())
        double = lambda pair: self._double(kinds, copies, *pair)  # noqa: E731
        between = jax.lax.map(double, tuple(jnp.asarray(i) for i in np.triu_indices(n)))
        return BatchMoments(mean.sum(0), square.sum() + between.sum())

    def _double(
        self, kinds: KeyedMoments, copies: Int[Array, " Q"], b: Int[Array, ""], c: Int[Array, ""]
    ) -> Float[Array, ""]:
        """Of all pairs of a group of b and one of c."""
        assert self.rest is not None
        assert self.two is not None
        assert self.pair is not None
        many = copies[b] * (copies[c] - (b == c)) * jnp.where(b == c, 1, 2)
        left = jnp.maximum(copies.at[b].add(-1).at[c].add(-1), 0)
        weight = law_of_total(self.rest, kinds.chance, left) @ self.two
        gram = jnp.einsum("kpn,lrn->klpr", kinds.mean[b], kinds.mean[c])
        flat = gram.reshape(-1, *gram.shape[2:])
        sums = jax.ops.segment_sum(flat, self.pair.reshape(-1), weight.shape[-1])
        return many * jnp.einsum("prl,lpr->", weight, sums)


def batch_totals(
    keys: Numbers, groups: int, copies: NDArray[np.int64] | None, divisor: Divisor
) -> BatchTotals:
    """``keys (K, k)`` of one group; call it outside jit.

    Raises ValueError, with the cost, where a table would be too large.
    """
    what, k = f"totals of {groups} groups", len(keys)

    def weights(points: Numbers, added: Numbers) -> tuple[Floats, Floats]:
        shape = len(points), len(added)
        total = points[:, None] + added[None]
        check_entries(what, total.size)
        mean, square = divisor(total.reshape(-1, keys.shape[1]))
        check_entries(what, square.size)
        return mean.reshape(-1, *shape), square.reshape(*square.shape[:2], *shape)

    check_entries(what, k * k if groups > 1 else k)
    others, points = all_sums(keys, groups - 1, what)
    check_entries(what, len(points) * k)
    mean, square = weights(points, keys)
    one, one_square, many = jax.device_put((mean, square, copies))
    if groups == 1:
        return BatchTotals(others, one, one_square, None, None, None, many, groups)
    rest, points = all_sums(keys, groups - 2, what)
    sums, pair = distinct((keys[:, None] + keys[None]).reshape(-1, keys.shape[1]))
    two, index = jax.device_put((weights(points, sums)[1], pair.reshape(k, k)))
    return BatchTotals(others, one, one_square, rest, two, index, many, groups)
