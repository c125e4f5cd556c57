"""Exact mean and variance of the update that a trainer makes, for any update rule."""

from fractions import Fraction
from math import lcm

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from numpy.typing import NDArray

from grpo_checks.theory.batches.batch_totals import BatchTotals, batch_totals
from grpo_checks.theory.batches.group_totals import GroupTotals, KeyedMoments, group_totals
from grpo_checks.theory.batches.members import members
from grpo_checks.theory.batches.tables import acts_alone, batch_divisor, group_table
from grpo_checks.theory.estimators.group_law import GroupLaw, group_law
from grpo_checks.theory.evaluation.values import Theta, reward_law
from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.mdp.policy import Policy, greedy
from grpo_checks.theory.numbers.rationals import to_fraction
from grpo_checks.theory.rules.by_length import by_length
from grpo_checks.theory.rules.rule import UpdateRule
from grpo_checks.theory.updates.moments import PromptMoments, UpdateMoments, combine, moments_at
from grpo_checks.theory.updates.policy_law import PolicyLaw, central, policy_law

MAX_GROUPS = 4096
"""In a batch."""


class RuleLaw(eqx.Module):
    """An update rule at one group size and batch size on one model, for any policy."""

    mdp: TAMDP
    """With classes (v, l)."""
    factor: Float[Array, " C"]
    """What an episode's score counts, as far as its own class says: c_i B G."""
    group: GroupLaw | None
    """Of estimators that have one, in rules within a group."""
    totals: GroupTotals | None
    """Of the others."""
    batch: BatchTotals | None
    """Where the divisor is the whole batch's."""
    prompts: int | None = eqx.field(static=True)
    greedy: bool = eqx.field(static=True)
    """Whether the baseline is the reward of a greedy episode."""

    def moments(self, policy: Policy, theta: Theta) -> UpdateMoments:
        """Of one update at ``theta``; jit-able."""
        return self.moments_at(policy_law(self.mdp, policy, theta), self.baseline(policy, theta))

    def baseline(self, policy: Policy, theta: Theta) -> Float[Array, "Q C"] | None:
        """The law of a greedy episode's class, where there is one."""
        if not self.greedy:
            return None
        return reward_law(self.mdp, greedy(policy.probs(theta)).astype(float))

    def moments_at(
        self, at: PolicyLaw, baseline: Float[Array, "Q C"] | None = None
    ) -> UpdateMoments:
        """Likewise, of a policy's law over the classes (v, l).

        Raises ValueError where a law of baselines is needed and missing.
        """
        gradient = central(self.mdp, at)[1]
        rho = self.mdp.prompt_distribution
        if self.group is not None:
            prompts = moments_at(self.mdp, _weighted(at, self.factor, True), self.group)
            return combine(rho, prompts._replace(gradient=gradient), self.prompts)
        assert self.totals is not None
        keyed = self.totals.moments(_weighted(at, self.factor, self.totals.centred))
        if self.greedy:
            if baseline is None:
                raise ValueError("baseline = None: expected the law of a greedy episode's class")
            keyed = _less(keyed, baseline @ self._powers)
        if self.batch is None:
            g = self.totals.group_size
            mean, square = keyed.mean[:, 0, 0] / g, keyed.square[:, 0, 0, 0] / g**2
            variance = jnp.maximum(square - jnp.square(mean).sum(-1), 0.0)
            return combine(rho, PromptMoments(gradient, mean, variance), self.prompts)
        update = self.batch.moments(rho, keyed)
        variance = update.square - jnp.square(update.mean).sum()
        return UpdateMoments(rho @ gradient, update.mean, jnp.maximum(variance, 0.0))

    @property
    def _powers(self) -> Float[Array, "C 2"]:
        reward = self.mdp.class_composite
        return jnp.stack([reward, jnp.square(reward)], 1)


def _less(keyed: KeyedMoments, baseline: Float[Array, "Q 2"]) -> KeyedMoments:
    """Of X - bY, from X and Y; E b and E b^2 of each prompt."""
    b, b2 = baseline.T[:, :, None]
    square = (
        keyed.square[..., 0, 0] - 2 * b * keyed.square[..., 0, 1] + b2 * keyed.square[..., 1, 1]
    )
    mean = keyed.mean[:, :, 0] - b[..., None] * keyed.mean[:, :, 1]
    return KeyedMoments(keyed.chance, mean[:, :, None], square[..., None, None])


def _weighted(at: PolicyLaw, factor: Float[Array, " C"], centred: bool) -> PolicyLaw:
    """Of scores times their factors; less their mean where advantages of a group add up to 0."""
    slopes = at.slopes * factor[None, :, None]
    if centred:
        slopes = slopes - at.law[..., None] * slopes.sum(1, keepdims=True)
    return PolicyLaw(at.law, slopes, at.spread * jnp.square(factor)[None])


def rule_law(
    mdp: TAMDP,
    group_size: int,
    rule: UpdateRule,
    prompts: int | None = None,
    room: int | None = None,
) -> RuleLaw:
    """The law of an update from ``prompts`` = B groups drawn from rho, None for a full sweep.

    Call it outside jit. Where the divisor is the whole batch's a full sweep has m_q groups of
    prompt q, rho_q = m_q/B in lowest terms: a weight is a number of groups. ``room``: as
    ``group_law`` has it, for rules within a group. Raises ValueError for a group of one, no
    prompts, weights that are no short fractions, rules whose sums are not known, and sums that are
    too large, with their cost.
    """
    if prompts is not None and prompts < 1:
        raise ValueError(f"prompts = {prompts}: expected at least 1, or None for a full sweep")
    with jax.ensure_compile_time_eval():
        model = by_length(mdp)
        common = model.mdp, model.weights(rule.aggregation)
        if rule.within_group:
            group = group_law(model.mdp, group_size, rule.estimator, room=room)
            return RuleLaw(*common, group, None, None, prompts, False)
        table = members(model, rule)
        compared = rule.estimator.name == "greedy_baseline"
        if acts_alone(rule):
            totals = group_totals(group_table(table, rule, group_size), group_size)
            return RuleLaw(*common, None, totals, None, prompts, compared)
        copies, groups = (None, prompts) if prompts is not None else _copies(mdp)
        totals = group_totals(group_table(table, rule, group_size, groups), group_size)
        phi = batch_divisor(table, rule, groups * group_size)
        batch = batch_totals(np.asarray(totals.keys), groups, copies, phi)
        return RuleLaw(*common, None, totals, batch, prompts, compared)


def _copies(mdp: TAMDP) -> tuple[NDArray[np.int64], int]:
    """Groups of each prompt in a full sweep, and of all."""
    name, weights = "prompt_distribution", np.asarray(mdp.prompt_distribution).tolist()
    rho = [to_fraction(name, x) for x in weights]
    groups = lcm(*(x.denominator for x in rho))
    if sum(rho, Fraction()) != 1 or groups > MAX_GROUPS:
        raise ValueError(
            f"{name} = {[str(x) for x in rho]}: expected fractions with sum 1 and a "
            f"common denominator up to {MAX_GROUPS}, the groups of a batch"
        )
    return np.array([int(x * groups) for x in rho]), groups
