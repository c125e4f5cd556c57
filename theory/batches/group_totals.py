"""One group, by its totals: what its members' rewards and lengths add up to.

An advantage depends on its group only through the sums of rewards and of their squares, of the
composite or of each component, and a batch's divisor through these or through the number of tokens.
All are whole numbers, so with M_n(T) = P(n members have total T), d_v = E[s|v], and A_v(T) the
advantage of value v in a group with total T,

    E[sum_i A_i s_i ; T]     = G sum_v p_v d_v A_v(T) M_{G-1}(T - t_v)
    E[|sum_i A_i s_i|^2 ; T] = G sum_v E[|s|^2 1{v}] A_v(T)^2 M_{G-1}(T - t_v)
                             + G (G-1) sum_{v,u} p_v p_u <d_v, d_u> A_v A_u M_{G-2}(T - t_v - t_u)

(derived: members are independent, and their scores are given their own values). Advantages of a
group add up to 0, so scores count from any reference.
"""

from collections.abc import Callable
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from grpo_checks.theory.batches.columns import Columns
from grpo_checks.theory.batches.totals import check_entries, law_of_total
from grpo_checks.theory.estimators.advantages import check_group_size
from grpo_checks.theory.estimators.lattice import Lattice, dense_size, lattice
from grpo_checks.theory.numbers.centred import likeliest, share
from grpo_checks.theory.updates.policy_law import PolicyLaw


class KeyedMoments(NamedTuple):
    """Of X = sum_i A_i s_i of one group of each prompt, jointly with the group's key, K keys."""

    chance: Float[Array, "Q K"]
    """P(key)."""
    mean: Float[Array, "Q K n"]
    """E[X; key]."""
    square: Float[Array, "Q K"]
    """E[|X|^2; key]."""


class GroupTotals(eqx.Module):
    """All totals of groups of G, with V values of a member."""

    totals: Lattice
    advantage: Float[Array, "N V"]
    """Of a member with a value in a group with a total."""
    member: Float[Array, "C V"]
    """1 where a class (v, l) has a value."""
    key: Int[Array, " N"]
    """Which of the K keys a total has."""
    keys: Int[Array, "K k"]
    """What a batch adds up, of each."""
    group_size: int = eqx.field(static=True)

    def moments(self, at: PolicyLaw) -> KeyedMoments:
        """At the laws of classes (v, l), prompt by prompt."""
        return KeyedMoments(*jax.vmap(self._of_prompt)(at.law, at.slopes, at.spread))

    def _of_prompt(
        self, law: Float[Array, " C"], slopes: Float[Array, "C n"], spread: Float[Array, " C"]
    ) -> tuple[Float[Array, " K"], Float[Array, "K n"], Float[Array, " K"]]:
        g, chance = self.group_size, law @ self.member
        reference = jnp.where(likeliest(law)[:, None], share(slopes, law[:, None]), 0.0).sum(0)
        score = slopes - law[:, None] * reference[None]
        second = spread + (score * share(score, law[:, None])).sum(-1)
        pull, square = self.member.T @ score, second @ self.member
        complete = law_of_total(self.totals, chance[None], jnp.array([g]))
        gram, others = pull @ pull.T, self.others(chance)

        def of_value(v: Int[Array, ""]) -> tuple[Float[Array, " N"], Float[Array, " N"]]:
            """A_v(T) times the chance of the others, and the squares."""
            mine, (one, two) = self.advantage[:, v], others(v)
            weighted = g * mine * one
            pairs = (two * self.advantage) @ gram[v]
            return weighted, mine * (square[v] * weighted + g * (g - 1) * pairs)

        weighted, squares = jax.lax.map(of_value, jnp.arange(chance.shape[0]))
        by_key = lambda x: jax.ops.segment_sum(x, self.key, len(self.keys))  # noqa: E731
        return by_key(complete), by_key(weighted.T) @ pull, by_key(squares.sum(0))

    def others(
        self, chance: Float[Array, " V"]
    ) -> Callable[[Int[Array, ""]], tuple[Float[Array, " N"], Float[Array, "N V"]]]:
        """Of a value v: M_{G-1}(T - t_v), and M_{G-2}(T - t_v - t_u) for every u."""
        before, g = self.totals.source, self.group_size
        # From nowhere, nothing comes: one entry more, and one row.
        two, one = (
            jnp.append(law_of_total(self.totals, chance[None], jnp.array([g - n])), 0.0)
            for n in (2, 1)
        )
        nowhere = jnp.full((1, before.shape[1]), len(before), before.dtype)
        twice = jnp.concatenate([before, nowhere])
        return lambda v: (one[before[:, v]], two[twice[before[:, v]]])


def group_totals(columns: Columns, group_size: int) -> GroupTotals:
    """Call it outside jit.

    Raises ValueError for a group of one, and with the cost where a table would be too large.
    """
    check_group_size(group_size)
    entries = dense_size(columns.steps, group_size) * len(columns.steps)
    check_entries(f"totals of {group_size} members", entries)
    totals = lattice(columns.steps, group_size)
    points = np.asarray(totals.point)
    keys, key = np.unique(points[:, columns.keyed], axis=0, return_inverse=True)
    table = columns.advantages(points, group_size), columns.member, key.reshape(-1), keys
    advantage, member, key_of, all_keys = jax.device_put(table)
    return GroupTotals(totals, advantage, member, key_of, all_keys, group_size)
