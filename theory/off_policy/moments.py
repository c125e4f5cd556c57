"""Exact mean and variance of an update whose episodes another policy sampled.

    E[g]   = sum_v E_mu[A+|v] M+(v) - E_mu[A-|v] M-(v)
    E|g|^2 = 1/G sum_v (E[(A+)^2|v] T+(v) + E[(A-)^2|v] T-(v))
           + (G-1)/G sum_{v,u,x,y} xy E[A_1^x A_2^y | v, u] <M^x(v), M^y(u)>

per prompt, M and T of ``weighted_scores`` or ``listed_scores`` (derived); with a divisor of the
batch, of its groups together (``batches.batch_totals``). Nothing is asked of W: products of ratios
between more than two policies, clipped or truncated, are as good as any.
"""

import jax
import jax.numpy as jnp

from grpo_checks.theory.evaluation.pull import pull
from grpo_checks.theory.evaluation.values import (
    Probs,
    Theta,
    payoff_values,
    prompt_gradients,
    reward_law,
    visits,
)
from grpo_checks.theory.mdp.policy import Policy
from grpo_checks.theory.off_policy.signed_law import SignedLaw
from grpo_checks.theory.off_policy.weighted_scores import WeightedScores
from grpo_checks.theory.off_policy.weights import TokenWeights
from grpo_checks.theory.updates.moments import PromptMoments, UpdateMoments, combine


def off_policy_update(
    policy: Policy, theta: Theta, sampler: Probs, law: SignedLaw, weights: TokenWeights
) -> Theta:
    """E[g] of a full sweep, in theta's shape, by one sweep forward and one backward for each sign.

    ``sampler``: mu(a|s), of which theta does not know. Raises ValueError for a divisor of the
    batch.
    """
    if law.batch is not None:
        raise ValueError("law: expected a rule within groups; off_policy_moments has the others")
    mdp = law.mdp
    signed = jax.vmap(law.expected)(reward_law(mdp, sampler))
    by_class = jnp.einsum("qvx,cv->xqc", signed, law.totals.member) * law.factor[None, None]
    taken = visits(mdp, sampler)[:, :, None] * sampler[None]
    table = jnp.zeros_like(sampler)
    for earned, w in zip(by_class, weights, strict=True):
        payoff = jax.vmap(lambda h, index: h[index])(earned, mdp.class_index)
        worth = payoff_values(mdp, sampler, payoff).value
        table += w * jnp.tensordot(mdp.prompt_distribution, taken * worth, 1)
    return pull(policy, policy.probs(theta), table)


def off_policy_prompts(
    policy: Policy, theta: Theta, law: SignedLaw, scores: WeightedScores
) -> PromptMoments:
    """Of each prompt's own group, for a rule within groups; ``gradient`` is J's, at theta."""
    g, group = law.totals.group_size, law.keyed(scores)
    mean = group.mean[:, 0, 0] / g
    variance = group.square[:, 0, 0, 0] / g**2 - jnp.square(mean).sum(-1)
    gradient = prompt_gradients(law.mdp, policy, theta).reshape(mean.shape)
    return PromptMoments(gradient, mean, jnp.maximum(variance, 0.0))


def off_policy_moments(
    policy: Policy, theta: Theta, law: SignedLaw, scores: WeightedScores
) -> UpdateMoments:
    """Of one update at ``theta``; ``scores``: of ``law.mdp``. ``gradient`` is J's, at theta."""
    rho = law.mdp.prompt_distribution
    if law.batch is None:
        return combine(rho, off_policy_prompts(policy, theta, law, scores), law.prompts)
    update = law.batch.moments(rho, law.keyed(scores))
    gradient = rho @ prompt_gradients(law.mdp, policy, theta).reshape(rho.shape[0], -1)
    variance = update.square - jnp.square(update.mean).sum()
    return UpdateMoments(gradient, update.mean, jnp.maximum(variance, 0.0))
