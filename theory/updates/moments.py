"""Mean and variance of one GRPO update, exactly: what is followed, and how noisily.

The update is g = 1/G sum_i A_i s(tau_i), averaged over prompts with weights rho (full sweep), or
over B prompts drawn from rho.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from grpo_checks.theory.estimators.group_law import GroupLaw
from grpo_checks.theory.estimators.group_table import SpeakingMoments
from grpo_checks.theory.evaluation.values import Theta, logit_slopes, reward_law
from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.mdp.policy import Policy
from grpo_checks.theory.numbers.centred import likeliest, share
from grpo_checks.theory.updates.policy_law import (
    PolicyLaw,
    central,
    leave_one_out_variance,
    pairs_at,
    policy_law,
)


class PromptMoments(NamedTuple):
    """Moments of the update of each prompt's own group; theta flattened to n numbers."""

    gradient: Float[Array, "Q n"]
    """grad J_q."""
    mean: Float[Array, "Q n"]
    """E g_q."""
    variance: Float[Array, " Q"]
    """E|g_q|^2 - |E g_q|^2."""


class UpdateMoments(NamedTuple):
    """One update at theta, next to the gradient it stands for."""

    gradient: Float[Array, " n"]
    """grad J, theta flattened."""
    mean: Float[Array, " n"]
    """m = E g."""
    variance: Float[Array, ""]
    """V = E|g|^2 - |m|^2."""

    @property
    def squared_gradient(self) -> Float[Array, ""]:
        """|grad J|^2."""
        return jnp.square(self.gradient).sum()

    @property
    def squared_bias(self) -> Float[Array, ""]:
        """|m - grad J|^2."""
        return jnp.square(self.mean - self.gradient).sum()


def plain_moments(mdp: TAMDP, at: PolicyLaw, group: GroupLaw) -> PromptMoments:
    """Of estimators whose advantages are linear in the rewards, by a closed form."""
    gradient, spread, excess = pairs_at(mdp, at)
    variance = leave_one_out_variance(group.group_size, spread, excess)
    shrink = group.shrinkage
    return PromptMoments(gradient, shrink * gradient, shrink**2 * variance)


class SpeakingUpdate(NamedTuple):
    """Moments of the update of each prompt's group, given that some advantage is not 0."""

    chance: Float[Array, " Q"]
    """P(the group speaks)."""
    silent: Float[Array, " Q"]
    """1 - chance, with digits of its own."""
    mean: Float[Array, "Q n"]
    """E[g_q | speaks]."""
    variance: Float[Array, " Q"]
    """E[|g_q - E[g_q | speaks]|^2 | speaks]."""


def speaking_moments(at: PolicyLaw, group: GroupLaw) -> SpeakingUpdate:
    """By total variance: of the scores given the rewards, and of sum_v y_v E[s|v] over rewards."""
    law, given = group.merged(at.law), share(at.slopes, at.law[..., None])
    assert group.member is not None  # or ``merged`` would have raised; likewise below
    slopes = group.merged(at.slopes.swapaxes(1, 2)).swapaxes(1, 2)
    score = share(slopes, law[..., None])
    # Classes that the estimator merges differ in their mean scores; one alone does not, to the bit.
    merges = group.member @ group.member.sum(0) > 1
    within = jnp.where(merges, jnp.square(given - group.member @ score).sum(-1), 0.0)
    spread = share(group.merged(at.spread + at.law * within), law)
    moments: SpeakingMoments = jax.vmap(group.engine.speaking)(law)
    # The advantages of a group add up to 0: only differences of scores count.
    usual = jnp.where(likeliest(law)[..., None], score, 0.0).sum(1, keepdims=True)
    deviation = score - usual
    pairs = jnp.einsum("qvn,qun->qvu", deviation, deviation)
    between = (moments.covariance * pairs).sum((1, 2))
    mean = jnp.einsum("qv,qvn->qn", moments.mean, deviation)
    within_rewards = (moments.square * spread).sum(-1) / group.group_size
    # Below zero by rounding alone, where all groups that speak are alike.
    return SpeakingUpdate(
        moments.chance, moments.silent, mean, within_rewards + jnp.maximum(between, 0.0)
    )


def group_moments(mdp: TAMDP, at: PolicyLaw, group: GroupLaw) -> PromptMoments:
    """Those of groups that speak, and of the silent ones, which are 0."""
    chance, silent, mean, variance = speaking_moments(at, group)
    variance = chance * (variance + silent * jnp.square(mean).sum(-1))
    return PromptMoments(central(mdp, at)[1], chance[:, None] * mean, variance)


def prompt_moments(mdp: TAMDP, policy: Policy, theta: Theta, group: GroupLaw) -> PromptMoments:
    """Exact mean and variance of each prompt's update, for every estimator of a group."""
    return moments_at(mdp, policy_law(mdp, policy, theta), group)


def moments_at(mdp: TAMDP, at: PolicyLaw, group: GroupLaw) -> PromptMoments:
    """The same, of a policy's law."""
    return (plain_moments if group.table is None else group_moments)(mdp, at, group)


def combine(
    rho: Float[Array, " Q"],
    per_prompt: PromptMoments,
    prompts: int | float | Float[Array, ""] | None,
) -> UpdateMoments:
    """One update from its prompts': all with weights ``rho`` (None), or ``prompts`` drawn from it.

    V is sum_q rho_q^2 V_q, or (E_q V_q + Var_q(E g_q))/B. A last axis of many policies is kept.
    """
    over_prompts = lambda x: jnp.tensordot(rho, x, 1)  # noqa: E731
    mean = over_prompts(per_prompt.mean)
    if prompts is None:
        variance = jnp.tensordot(jnp.square(rho), per_prompt.variance, 1)
    else:
        between = over_prompts(jnp.square(per_prompt.mean - mean[None]).sum(1))
        variance = (over_prompts(per_prompt.variance) + between) / prompts
    return UpdateMoments(over_prompts(per_prompt.gradient), mean, variance)


def update_moments(
    mdp: TAMDP, policy: Policy, theta: Theta, group: GroupLaw, prompts: int | None = None
) -> UpdateMoments:
    """Exact moments of one update; ``prompts`` = B drawn from rho, None for the full sweep."""
    return combine(mdp.prompt_distribution, prompt_moments(mdp, policy, theta, group), prompts)


def expected_update(mdp: TAMDP, policy: Policy, theta: Theta, group: GroupLaw) -> Theta:
    """E[g] = sum_q rho_q sum_v h_q(v) grad p_q(v), the gradient for payoffs h of reward vectors.

    In theta's shape, differentiable: its Jacobian says whether it is a gradient at all.
    """
    probs, rho = policy.probs(theta), mdp.prompt_distribution
    law = reward_law(mdp, probs)
    if group.table is None:
        payoff = group.shrinkage * jnp.broadcast_to(mdp.class_composite, law.shape)
    else:
        response = share(jax.vmap(group.moments)(law).mean, group.merged(law))
        assert group.member is not None
        payoff = response @ group.member.T
    slopes = jnp.tensordot(rho, logit_slopes(mdp, probs, payoff), 1)
    return policy.from_logits(probs, slopes)
