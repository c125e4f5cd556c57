"""Exact mean and variance of the update that a trainer makes, for any update rule."""

from fractions import Fraction
from math import lcm

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from numpy.typing import NDArray

from grpo_checks.theory.batches.batch_totals import BatchTotals, Divisor, batch_totals
from grpo_checks.theory.batches.columns import Columns, columns
from grpo_checks.theory.batches.group_totals import GroupTotals, group_totals
from grpo_checks.theory.estimators.advantages import WITHIN_GROUP, inverse_sd
from grpo_checks.theory.estimators.group_law import SAMPLING, GroupLaw, group_law
from grpo_checks.theory.evaluation.values import Theta
from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.mdp.policy import Policy
from grpo_checks.theory.numbers.rationals import to_fraction
from grpo_checks.theory.rules.by_length import by_length
from grpo_checks.theory.rules.rule import UpdateRule
from grpo_checks.theory.updates.moments import UpdateMoments, combine, moments_at
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
    """Of rules within a group."""
    totals: GroupTotals | None
    """Of the others, likewise the next."""
    batch: BatchTotals | None
    prompts: int | None = eqx.field(static=True)

    def moments(self, policy: Policy, theta: Theta) -> UpdateMoments:
        """Of one update at ``theta``; jit-able."""
        return self.moments_at(policy_law(self.mdp, policy, theta))

    def moments_at(self, at: PolicyLaw) -> UpdateMoments:
        """Likewise, of a policy's law over the classes (v, l)."""
        gradient = central(self.mdp, at)[1]
        rho = self.mdp.prompt_distribution
        if self.group is not None:
            prompts = moments_at(self.mdp, _weighted(at, self.factor), self.group)
            return combine(rho, prompts._replace(gradient=gradient), self.prompts)
        assert self.totals is not None
        assert self.batch is not None
        update = self.batch.moments(rho, self.totals.moments(_weighted(at, self.factor)))
        variance = update.square - jnp.square(update.mean).sum()
        return UpdateMoments(rho @ gradient, update.mean, jnp.maximum(variance, 0.0))


def _weighted(at: PolicyLaw, factor: Float[Array, " C"]) -> PolicyLaw:
    """Of scores times their factors, less their mean: advantages of a group add up to 0."""
    slopes = at.slopes * factor[None, :, None]
    return PolicyLaw(
        at.law,
        slopes - at.law[..., None] * slopes.sum(1, keepdims=True),
        at.spread * jnp.square(factor)[None],
    )


def rule_law(mdp: TAMDP, group_size: int, rule: UpdateRule, prompts: int | None = None) -> RuleLaw:
    """The law of an update from ``prompts`` = B groups drawn from rho, None for a full sweep.

    Call it outside jit. Where the divisor is the whole batch's a full sweep has m_q groups of
    prompt q, rho_q = m_q/B in lowest terms: a weight is a number of groups. Raises ValueError for
    a group of one, no prompts, whitened estimators, weights that are no short fractions, and sums
    that are too large, with their cost.
    """
    if prompts is not None and prompts < 1:
        raise ValueError(f"prompts = {prompts}: expected at least 1, or None for a full sweep")
    with jax.ensure_compile_time_eval():
        model = by_length(mdp)
        common = model.mdp, model.weights(rule.aggregation)
        if rule.within_group:
            group = group_law(model.mdp, group_size, rule.estimator)
            return RuleLaw(*common, group, None, None, prompts)
        if rule.estimator.whiten is not None:
            raise ValueError(
                f"estimator = {rule.estimator}: whitened by the whole batch, whose sd is a sum of "
                f"as many numbers as there are groups; {SAMPLING}"
            )
        if rule.estimator.name not in (*WITHIN_GROUP, "batch_scaled"):
            raise ValueError(f"estimator = {rule.estimator}: no finite sum is known; {SAMPLING}")
        if rule.aggregation.micro_batch is not None:
            raise ValueError(f"aggregation = {rule.aggregation}: no finite sum; {SAMPLING}")
        if prompts is None:
            copies = _copies(mdp)
            groups = int(copies.sum())
        else:
            copies, groups = None, prompts
        table = columns(model, rule)
        totals = group_totals(table, group_size)
        divisor = _divisor(table, rule, group_size, groups)
        batch = batch_totals(np.asarray(totals.keys), groups, copies, divisor)
        return RuleLaw(*common, None, totals, batch, prompts)


def _copies(mdp: TAMDP) -> NDArray[np.int64]:
    """Groups of each prompt in a full sweep."""
    name, weights = "prompt_distribution", np.asarray(mdp.prompt_distribution).tolist()
    rho = [to_fraction(name, x) for x in weights]
    groups = lcm(*(x.denominator for x in rho))
    if sum(rho, Fraction()) != 1 or groups > MAX_GROUPS:
        raise ValueError(
            f"{name} = {[str(x) for x in rho]}: expected fractions with sum 1 and a "
            f"common denominator up to {MAX_GROUPS}, the groups of a batch"
        )
    return np.array([int(x * groups) for x in rho])


def _divisor(table: Columns, rule: UpdateRule, group_size: int, groups: int) -> Divisor:
    """phi, of totals in the coordinates that are keys."""
    members = groups * group_size

    def phi(totals: NDArray[np.int64]) -> NDArray[np.float64]:
        factor = np.full(len(totals), 1.0)
        if rule.estimator.name == "batch_scaled":
            (column,) = table.columns
            spread = jnp.asarray(column.spread(totals, members))
            freedom, eps = members - rule.estimator.ddof, rule.estimator.eps
            factor = np.asarray(inverse_sd(spread, freedom, eps))
        if rule.aggregation.within_episode:
            return factor / members
        return factor / (totals[:, -1] + members * table.least)

    return phi
