"""Mean and variance of one GRPO update, exactly: what is followed, and how noisily.

The update is g = 1/G sum_i A_i s(tau_i), averaged over prompts with weights rho (full sweep), or
over B prompts drawn from rho.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from theory.advantages import GroupSize
from theory.exact import Theta, law_gradients, prompt_gradients, reward_law
from theory.group_law import GroupLaw
from theory.group_table import AdvantageMoments
from theory.model import TAMDP
from theory.policy import Policy
from theory.score import score_moments


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


def leave_one_out_variance(
    group_size: GroupSize, spread: Float[Array, "..."], excess: Float[Array, "..."]
) -> Float[Array, "..."]:
    """V of `leave_one_out`, a U-statistic: a/G + (2b-a)/(G(G-1)).

    The variance of arXiv:2603.01162's kernel 1/2 (R-R')(s-s'), re-derived; see ``PairMoments``.
    """
    # Two divisions, since the product of a large G and G - 1 leaves the integers.
    return (spread + excess / (group_size - 1)) / group_size


class PairMoments(NamedTuple):
    """What the variance of `leave_one_out` depends on, per prompt."""

    gradient: Float[Array, "Q n"]
    """grad J_q, theta flattened."""
    spread: Float[Array, " Q"]
    """a = tr Cov((R-mu)s)."""
    excess: Float[Array, " Q"]
    """2b - a = Var(R) E|s|^2 + |grad J_q|^2 >= 0, b = E[(R-R')^2 |s-s'|^2]/4 - |grad J_q|^2."""


def pair_moments(mdp: TAMDP, policy: Policy, theta: Theta) -> PairMoments:
    """By central moments of R; since sum_v grad p(v) = 0, no pairs of classes (derived)."""
    reward = mdp.class_composite
    sigma2 = score_moments(mdp, policy, theta)
    law = reward_law(mdp, policy.probs(theta))
    gradient = prompt_gradients(mdp, policy, theta).reshape(law.shape[0], -1)
    squared_gradient = jnp.square(gradient).sum(-1)
    # Central, not raw: a large constant part of R must not cancel the variance away.
    central = jnp.square(reward[None] - (law @ reward)[:, None])
    spread = (sigma2 * central).sum(-1) - squared_gradient
    excess = (law * central).sum(-1) * sigma2.sum(-1) + squared_gradient
    return PairMoments(gradient, spread, excess)


def _by_closed_form(mdp: TAMDP, policy: Policy, theta: Theta, group: GroupLaw) -> PromptMoments:
    gradient, spread, excess = pair_moments(mdp, policy, theta)
    variance = leave_one_out_variance(group.group_size, spread, excess)
    shrink = group.shrinkage
    return PromptMoments(gradient, shrink * gradient, shrink**2 * variance)


def _per_chance(law: Float[Array, "Q V"]) -> Float[Array, "Q V"]:
    """1/p(v), and 0 for a reward that cannot occur: its gradient is 0 too."""
    occurs = law > 1e-300
    return jnp.where(occurs, 1 / jnp.where(occurs, law, 1.0), 0.0)


class PolicyLaw(NamedTuple):
    """What the moments of any estimator depend on, once per policy."""

    law: Float[Array, "Q C"]
    """p_q(v)."""
    slopes: Float[Array, "Q C n"]
    """E[s 1{v}|q] = grad p_q(v)."""
    squared_score: Float[Array, "Q C"]
    """E[|s|^2 1{v}|q]."""


def policy_law(mdp: TAMDP, policy: Policy, theta: Theta) -> PolicyLaw:
    """Reward law and score moments at a policy."""
    law = reward_law(mdp, policy.probs(theta))
    slopes = law_gradients(mdp, policy, theta).reshape(*law.shape, -1)
    return PolicyLaw(law, slopes, score_moments(mdp, policy, theta))


def group_moments(mdp: TAMDP, at: PolicyLaw, group: GroupLaw) -> PromptMoments:
    """E|g|^2 = 1/G sum_v E[A^2 1{v}] E[|s|^2|v] + (G-1)/G sum_vu E[A A' 1{v,u}] <s_v, s_u>.

    s_v = E[s|v] = grad log p(v).
    """
    g, per_chance = group.group_size, _per_chance(group.merged(at.law))
    score = group.merged(at.slopes.swapaxes(1, 2)).swapaxes(1, 2) * per_chance[:, :, None]
    squared_score = group.merged(at.squared_score) * per_chance
    moments: AdvantageMoments = jax.vmap(group.moments)(at.law)
    mean = jnp.einsum("qv,qvn->qn", moments.mean, score)
    pairs = jnp.einsum("qvu,qvn,qun->q", moments.cross, score, score)
    square = ((moments.square * squared_score).sum(-1) + (g - 1) * pairs) / g
    gradient = jnp.einsum("c,qcn->qn", mdp.class_composite, at.slopes)
    return PromptMoments(gradient, mean, square - jnp.square(mean).sum(-1))


def prompt_moments(mdp: TAMDP, policy: Policy, theta: Theta, group: GroupLaw) -> PromptMoments:
    """Exact mean and variance of each prompt's update, for every estimator of a group."""
    if group.table is None:
        return _by_closed_form(mdp, policy, theta, group)
    return group_moments(mdp, policy_law(mdp, policy, theta), group)


def combine(
    rho: Float[Array, " Q"], each: PromptMoments, prompts: int | float | Float[Array, ""] | None
) -> UpdateMoments:
    """One update from its prompts': all with weights ``rho`` (None), or ``prompts`` drawn from it.

    V is sum_q rho_q^2 V_q, or (E_q V_q + Var_q(E g_q))/B. A last axis of many policies is kept.
    """
    over_prompts = lambda x: jnp.tensordot(rho, x, 1)  # noqa: E731
    mean = over_prompts(each.mean)
    if prompts is None:
        variance = jnp.tensordot(jnp.square(rho), each.variance, 1)
    else:
        between = over_prompts(jnp.square(each.mean - mean[None]).sum(1))
        variance = (over_prompts(each.variance) + between) / prompts
    return UpdateMoments(over_prompts(each.gradient), mean, variance)


def update_moments(
    mdp: TAMDP, policy: Policy, theta: Theta, group: GroupLaw, prompts: int | None = None
) -> UpdateMoments:
    """Exact moments of one update; ``prompts`` = B drawn from rho, None for the full sweep."""
    return combine(mdp.prompt_distribution, prompt_moments(mdp, policy, theta, group), prompts)


def expected_update(mdp: TAMDP, policy: Policy, theta: Theta, group: GroupLaw) -> Theta:
    """E[g] = sum_q rho_q sum_v h_q(v) grad p_q(v), by one vector-Jacobian product.

    In theta's shape, differentiable: its Jacobian says whether it is a gradient at all.
    """
    law, pull = jax.vjp(lambda t: reward_law(mdp, policy.probs(t)), theta)
    if group.table is None:
        response = group.shrinkage * jnp.broadcast_to(mdp.class_composite[None], law.shape)
    else:
        by_value, spread = jax.vjp(group.merged, law)
        response = spread(jax.vmap(group.moments)(law).mean * _per_chance(by_value))[0]
    return pull(mdp.prompt_distribution[:, None] * response)[0]
