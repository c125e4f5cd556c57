"""Advantages by sign, since clipping tells them apart: the law of a group over its totals.

With A = A+ - A-, both at least 0, and M_n of ``batches.group_totals``,

    E[A+ | v]        = sum_T A_v(T)+ M_{G-1}(T - t_v)
    E[sum_i X_i ; T] = G sum_{v,x} x A_v^x(T) M_{G-1}(T - t_v) M^x(v)
    E[|sum_i X_i|^2; T]
      = G sum_{v,x} A_v^x(T)^2 M_{G-1}(T - t_v) T^x(v)
      + G (G-1) sum_{v,u,x,y} xy A_v^x(T) A_u^y(T) M_{G-2}(T - t_v - t_u) <M^x(v), M^y(u)>

of X_i = A_i sum_t W_t s_t and M^x, T^x of ``weighted_scores``, x and y over signs (derived). An
advantage is independent of the rest of its episode given the episode's value, and a divisor of the
batch, which is positive, changes no sign.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from grpo_checks.theory.batches.batch_totals import BatchTotals
from grpo_checks.theory.batches.columns import column_table
from grpo_checks.theory.batches.group_totals import GroupTotals, KeyedMoments, group_totals
from grpo_checks.theory.batches.members import members
from grpo_checks.theory.batches.rule_law import rule_law
from grpo_checks.theory.batches.totals import law_of_total
from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.off_policy.weighted_scores import WeightedScores
from grpo_checks.theory.rules.by_length import by_length
from grpo_checks.theory.rules.rule import UpdateRule

SIGNS = (1.0, -1.0)


class SignedLaw(eqx.Module):
    """An update rule at one group size and batch size on one model."""

    mdp: TAMDP
    """With classes (v, l)."""
    factor: Float[Array, " C"]
    """What an episode's score counts, as far as its own class says: c_i B G."""
    totals: GroupTotals
    batch: BatchTotals | None
    """Of rules with a divisor of the batch."""
    prompts: int | None = eqx.field(static=True)

    @property
    def signed(self) -> Float[Array, "N V 2"]:
        """A+ and -A- of a member with a value in a group with a total."""
        advantage, signs = self.totals.advantage[..., None], jnp.array(SIGNS)[None, None]
        return signs * jnp.maximum(signs * advantage, 0.0)

    def expected(self, law: Float[Array, " C"]) -> Float[Array, "V 2"]:
        """E[A+ | v] and -E[A- | v] of one prompt, under the policy that samples."""
        signed, others = self.signed, self.totals.others(law @ self.totals.member)
        return jax.lax.map(lambda v: others(v)[0] @ signed[:, v], jnp.arange(signed.shape[1]))

    def keyed(self, scores: WeightedScores) -> KeyedMoments:
        """Of sum_i X_i c_i B G of a group of each prompt, by what a batch's divisor depends on."""
        mean = scores.mean * self.factor[None, None, :, None]
        square = scores.square * jnp.square(self.factor)[None, None]
        return KeyedMoments(*jax.vmap(self._of_prompt)(scores.law, mean, square))

    def _of_prompt(
        self, law: Float[Array, " C"], mean: Float[Array, "2 C n"], square: Float[Array, "2 C"]
    ) -> tuple[Float[Array, " K"], Float[Array, "K 1 n"], Float[Array, "K 1 1"]]:
        totals, g, signed = self.totals, self.totals.group_size, self.signed
        chance = law @ totals.member
        pull = jnp.einsum("xcn,cv->vxn", mean, totals.member)
        second, gram = (square @ totals.member).T, jnp.einsum("vxn,uyn->vxuy", pull, pull)
        complete = law_of_total(totals.totals, chance[None], jnp.array([g]))
        others = totals.others(chance)

        def of_value(v: Int[Array, ""]) -> tuple[Float[Array, "N 2"], Float[Array, " N"]]:
            mine, (one, two) = signed[:, v], others(v)
            weighted = g * mine * one[:, None]
            pairs = jnp.einsum("nuy,xuy->nx", two[:, :, None] * signed, gram[v])
            together = second[v][None] * weighted + g * (g - 1) * pairs
            return weighted, (mine * together).sum(-1)

        weighted, squares = jax.lax.map(of_value, jnp.arange(chance.shape[0]))
        by_key = lambda x: jax.ops.segment_sum(x, totals.key, len(totals.keys))  # noqa: E731
        pulled = jnp.einsum("kvx,vxn->kn", by_key(weighted.swapaxes(0, 1)), pull)
        return by_key(complete), pulled[:, None], by_key(squares.sum(0))[:, None, None]


def signed_law(
    mdp: TAMDP, group_size: int, rule: UpdateRule, prompts: int | None = None
) -> SignedLaw:
    """Of an update from ``prompts`` = B groups drawn from rho, None for a full sweep.

    Call it outside jit. Raises ValueError for whitened estimators, whose mean over the batch may
    change signs, for advantages of several parts, and where ``batches.rule_law`` does, with the
    cost of what is too large.
    """
    if rule.estimator.whiten is not None:
        raise ValueError(f"rule = {rule}: expected one that is not whitened; off policy no sum is")
    if not rule.within_group:
        law = rule_law(mdp, group_size, rule, prompts)
        assert law.totals is not None
        if len(law.totals.parts) > 1:
            raise ValueError(f"rule = {rule}: expected one part; off policy no sum is known")
        return SignedLaw(law.mdp, law.factor, law.totals, law.batch, prompts)
    if prompts is not None and prompts < 1:
        raise ValueError(f"prompts = {prompts}: expected at least 1, or None for a full sweep")
    with jax.ensure_compile_time_eval():
        model = by_length(mdp)
        totals = group_totals(column_table(members(model, rule), rule, group_size), group_size)
        return SignedLaw(model.mdp, model.weights(rule.aggregation), totals, None, prompts)
