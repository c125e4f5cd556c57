"""One group, by its totals: what its members' rewards and lengths add up to.

An advantage depends on its group only through totals of whole numbers: sums of rewards and of their
squares, of the composite or of each component, numbers of tokens, or counts of rewards; a batch's
divisor depends on a key, a function of them. So with M_n(T) = P(n members have total T),
d_v = E[s|v], and A_v(T) the advantage of value v in a group with total T,

    E[sum_i A_i s_i ; T]     = G sum_v p_v d_v A_v(T) M_{G-1}(T - t_v)
    E[|sum_i A_i s_i|^2 ; T] = G sum_v E[|s|^2 1{v}] A_v(T)^2 M_{G-1}(T - t_v)
                             + G (G-1) sum_{v,u} p_v p_u <d_v, d_u> A_v A_u M_{G-2}(T - t_v - t_u)

(derived: members are independent, and their scores are given their own values). Advantages of a
group that add up to 0 let scores count from any reference.
"""

from collections.abc import Callable
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Shaped

from grpo_checks.theory.batches.members import Table
from grpo_checks.theory.batches.sums import distinct, whole_lattice
from grpo_checks.theory.batches.totals import check_entries, law_of_total
from grpo_checks.theory.estimators.advantages import check_group_size
from grpo_checks.theory.estimators.lattice import Lattice
from grpo_checks.theory.numbers.centred import likeliest, share
from grpo_checks.theory.updates.policy_law import PolicyLaw


class KeyedMoments(NamedTuple):
    """Of X_p = sum_i A_pi s_i of one group of each prompt, jointly with the group's key, K keys."""

    chance: Float[Array, "Q K"]
    """P(key)."""
    mean: Float[Array, "Q K P n"]
    """E[X_p; key]."""
    square: Float[Array, "Q K P P"]
    """E[<X_p, X_r>; key]."""


class GroupTotals(eqx.Module):
    """All totals of groups of G, with V values of a member."""

    totals: Lattice
    parts: Float[Array, "P N V"]
    """A_p of a member with a value in a group with a total."""
    member: Float[Array, "C V"]
    """The chance that a member of a class (v, l) has a value."""
    key: Int[Array, " N"]
    """Which of the K keys a total has."""
    keys: Shaped[Array, "K k"]
    """What a batch adds up, of each."""
    group_size: int = eqx.field(static=True)
    centred: bool = eqx.field(static=True)

    @property
    def advantage(self) -> Float[Array, "N V"]:
        """Of rules with one part."""
        return self.parts[0]

    def moments(self, at: PolicyLaw) -> KeyedMoments:
        """At the laws of classes (v, l), prompt by prompt."""
        return KeyedMoments(*jax.vmap(self._of_prompt)(at.law, at.slopes, at.spread))

    def _of_prompt(
        self, law: Float[Array, " C"], slopes: Float[Array, "C n"], spread: Float[Array, " C"]
    ) -> tuple[Float[Array, " K"], Float[Array, "K P n"], Float[Array, "K P P"]]:
        g, chance, score = self.group_size, law @ self.member, slopes
        if self.centred:
            usual = jnp.where(likeliest(law)[:, None], share(slopes, law[:, None]), 0.0).sum(0)
            score = slopes - law[:, None] * usual[None]
        second = spread + (score * share(score, law[:, None])).sum(-1)
        pull, square = self.member.T @ score, second @ self.member
        complete = law_of_total(self.totals, chance[None], jnp.array([g]))
        gram, others = pull @ pull.T, self.others(chance)

        def of_value(v: Int[Array, ""]) -> tuple[Float[Array, "P N"], Float[Array, "P P N"]]:
            """A_pv(T) times the chance of the others, and the squares."""
            mine, (one, two) = self.parts[:, :, v], others(v)
            weighted = g * mine * one[None]
            pairs = (two[None] * self.parts) @ gram[v]
            both = square[v] * weighted + g * (g - 1) * pairs
            return weighted, mine[:, None] * both[None]

        weighted, squares = jax.lax.map(of_value, jnp.arange(chance.shape[0]))
        by_key = lambda x: jax.ops.segment_sum(x, self.key, len(self.keys))  # noqa: E731
        mean = by_key(jnp.moveaxis(weighted, 0, -1).swapaxes(0, 1)) @ pull
        return by_key(complete), mean, by_key(jnp.moveaxis(squares.sum(0), -1, 0))

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


def group_totals(table: Table, group_size: int) -> GroupTotals:
    """Call it outside jit.

    Raises ValueError for a group of one, and with the cost where a table would be too large.
    """
    check_group_size(group_size)
    what = f"totals of {group_size} members"
    totals = whole_lattice(table.steps, group_size, what, table.most)
    points = np.asarray(totals.point)
    parts = table.parts(points)
    check_entries(what, parts.size)
    keys, key = distinct(table.key(points))
    advantage, member, index, all_keys = jax.device_put((parts, table.member, key, keys))
    return GroupTotals(totals, advantage, member, index, all_keys, group_size, table.centred)
