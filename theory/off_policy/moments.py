"""Exact mean and variance of an update whose episodes another policy sampled.

    E[g]   = sum_v E_mu[A+|v] M+(v) - E_mu[A-|v] M-(v),   M+-(v) = E_mu[1{v} sum_t W+- s_t(pi)]
    E|g|^2 = 1/G sum_v (E[(A+)^2|v] T+(v) + E[(A-)^2|v] T-(v))
           + (G-1)/G sum_{v,u,x,y} xy E[A_1^x A_2^y | v, u] <M^x(v), M^y(u)>

per prompt, with T+-(v) = E_mu[1{v} |sum_t W+- s_t|^2] (derived). Nothing is asked of W: products
of ratios between more than two policies, clipped or truncated, are as good as any.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from grpo_checks.theory.evaluation.values import (
    Probs,
    Theta,
    class_values,
    payoff_values,
    reward_law,
    visits,
)
from grpo_checks.theory.mdp.policy import Policy, Tabular
from grpo_checks.theory.off_policy.signed_law import SignedLaw
from grpo_checks.theory.off_policy.weights import TokenWeights

SIGNS = (1.0, -1.0)


class OffPolicyMoments(NamedTuple):
    """Of the update of each prompt's own group; theta flattened to n numbers."""

    mean: Float[Array, "Q n"]
    """E g_q."""
    variance: Float[Array, " Q"]
    """E|g_q|^2 - |E g_q|^2."""


def _pulled(policy: Policy, probs: Probs, table: Float[Array, "... S A"]) -> Float[Array, "..."]:
    """sum_sa table(s, a) grad log pi(a|s)."""
    chance = probs.reshape(*[1] * (table.ndim - 2), *probs.shape)
    return policy.from_logits(probs, table - chance * table.sum(-1, keepdims=True))


def off_policy_update(
    policy: Policy, theta: Theta, sampler: Probs, law: SignedLaw, weights: TokenWeights
) -> Theta:
    """E[g] of a full sweep, in theta's shape, by one sweep forward and one backward for each sign.

    ``sampler``: mu(a|s), of which theta does not know.
    """
    mdp = law.mdp
    signed = jax.vmap(law.moments)(reward_law(mdp, sampler)).mean
    by_class = (signed @ law.totals.member.T) * law.factor[None, None]
    taken = visits(mdp, sampler)[:, :, None] * sampler[None]
    table = jnp.zeros_like(sampler)
    for x, (sign, w) in enumerate(zip(SIGNS, weights, strict=True)):
        payoff = jax.vmap(lambda h, index: h[index])(by_class[:, x], mdp.class_index)
        worth = payoff_values(mdp, sampler, payoff).value
        table += sign * w * jnp.tensordot(mdp.prompt_distribution, taken * worth, 1)
    return _pulled(policy, policy.probs(theta), table)


def off_policy_moments(
    policy: Policy, theta: Theta, sampler: Probs, law: SignedLaw, weights: TokenWeights
) -> OffPolicyMoments:
    """Of the update of each prompt's group.

    Raises ValueError for a log-linear policy: of a table of logits the steps of an episode are
    orthogonal.
    """
    if not isinstance(policy, Tabular):
        raise ValueError(f"policy = {type(policy).__name__}: expected a table of logits")
    mdp, g, probs = law.mdp, law.totals.group_size, policy.probs(theta)
    taken = (visits(mdp, sampler)[:, :, None] * sampler[None])[:, None]
    mass = taken * class_values(mdp, sampler).value
    # |s_t|^2 of an action: (1 - pi_a)^2 + sum of the other squares.
    square = 1 - 2 * probs + jnp.square(probs).sum(-1, keepdims=True)
    member, factor = law.totals.member, law.factor[None, :, None, None]
    pulls, squares = [], []
    for w in weights:
        moved = _pulled(policy, probs, mass * factor * w[None, None])
        pulls.append(jnp.einsum("qcn,cv->qvn", moved.reshape(*moved.shape[:2], -1), member))
        counted = mass * jnp.square(factor * w[None, None]) * square[None, None]
        squares.append(counted.sum((-1, -2)) @ member)
    pull, second = jnp.stack(pulls, 1), jnp.stack(squares, 1)
    signed = jax.vmap(law.moments)(reward_law(mdp, sampler))
    signs = jnp.array(SIGNS)
    mean = jnp.einsum("x,qxv,qxvn->qn", signs, signed.mean, pull)
    gram = jnp.einsum("qxvn,qyun->qxyvu", pull, pull)
    pairs = jnp.einsum("x,y,qxyvu,qxyvu->q", signs, signs, signed.cross, gram)
    total = (signed.square * second).sum((1, 2)) / g + (g - 1) / g * pairs
    return OffPolicyMoments(mean, total - jnp.square(mean).sum(-1))
