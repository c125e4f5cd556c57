"""Advantages by sign, since clipping tells them apart: the law of a group over its totals.

With A = A+ - A-, both at least 0, and M_n of ``batches.group_totals``,

    E[A+ | v]            = sum_T A_v(T)+ M_{G-1}(T - t_v)
    E[A_1^x A_2^y | v, u] = sum_T A_v(T)^x A_u(T)^y M_{G-2}(T - t_v - t_u)

(derived). An advantage is independent of the rest of its episode given the episode's value.
"""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from grpo_checks.theory.batches.columns import columns
from grpo_checks.theory.batches.group_totals import GroupTotals, group_totals
from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.rules.by_length import by_length
from grpo_checks.theory.rules.rule import UpdateRule


class SignedMoments(NamedTuple):
    """Given the values of one or two members; the first axes are signs, + then -."""

    mean: Float[Array, "2 V"]
    square: Float[Array, "2 V"]
    cross: Float[Array, "2 2 V V"]


class SignedLaw(eqx.Module):
    """An update rule within groups, at one group size on one model."""

    mdp: TAMDP
    """With classes (v, l)."""
    factor: Float[Array, " C"]
    """What an episode's score counts, c_i B G."""
    totals: GroupTotals

    def moments(self, law: Float[Array, " C"]) -> SignedMoments:
        """Of one prompt, under the policy that samples."""
        advantage, chance = self.totals.advantage, law @ self.totals.member
        parts = jnp.maximum(jnp.stack([advantage, -advantage]), 0.0)
        others = self.totals.others(chance)

        def of_value(v: Int[Array, ""]) -> tuple[Float[Array, "..."], ...]:
            mine, (one, two) = parts[:, :, v], others(v)
            pair = jnp.einsum("xn,yna,na->xya", mine, parts, two)
            return mine @ one, jnp.square(mine) @ one, pair

        mean, square, cross = jax.lax.map(of_value, jnp.arange(chance.shape[0]))
        return SignedMoments(mean.T, square.T, jnp.moveaxis(cross, 0, 2))


def signed_law(mdp: TAMDP, group_size: int, rule: UpdateRule) -> SignedLaw:
    """Call it outside jit. Raises ValueError for a divisor of the batch, and for large tables."""
    if not rule.within_group:
        raise ValueError(
            f"rule = {rule}: expected one within groups; off policy no other is summed"
        )
    with jax.ensure_compile_time_eval():
        model = by_length(mdp)
        totals = group_totals(columns(model, rule), group_size)
        return SignedLaw(model.mdp, model.weights(rule.aggregation), totals)
