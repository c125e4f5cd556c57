"""Mean and variance of one GRPO update, exactly: what is followed, and how noisily.

The update is g = 1/G sum_i A_i s(tau_i), averaged over prompts with weights rho (full sweep), or
over B prompts drawn from rho.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from theory.advantages import Estimator, GroupSize
from theory.exact import Theta, law_gradients, prompt_gradients, reward_law
from theory.group_law import group_law
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
    group_size: GroupSize,
    spread: Float[Array, "..."],
    paired: Float[Array, "..."],
    squared_gradient: Float[Array, "..."],
) -> Float[Array, "..."]:
    """V of `leave_one_out`, a U-statistic (arXiv:2603.01162, re-derived).

    ``spread`` = tr Cov((R-mu)s), ``paired`` = E[(R-R')^2 |s-s'|^2], ``squared_gradient`` of J_q.
    """
    # Two divisions, since the product of a large G and G - 1 leaves the integers.
    per_member = (group_size - 2) * spread + 2 * (paired / 4 - squared_gradient)
    return per_member / (group_size - 1) / group_size


class PairMoments(NamedTuple):
    """What the variance of `leave_one_out` depends on, per prompt."""

    gradient: Float[Array, "Q n"]
    """grad J_q, theta flattened."""
    spread: Float[Array, " Q"]
    """tr Cov((R-mu)s)."""
    paired: Float[Array, " Q"]
    """E[(R-R')^2 |s-s'|^2] of two independent episodes."""


def pair_moments(mdp: TAMDP, policy: Policy, theta: Theta) -> PairMoments:
    """By moments of R up to the second: since sum_v grad p(v) = 0, no pair of classes is needed."""
    reward = mdp.class_composite
    sigma2 = score_moments(mdp, policy, theta)
    law = reward_law(mdp, policy.probs(theta))
    gradient = prompt_gradients(mdp, policy, theta).reshape(law.shape[0], -1)
    squared_gradient = jnp.square(gradient).sum(-1)
    mu, mu2 = law @ reward, law @ jnp.square(reward)
    s0, s1, s2 = sigma2.sum(-1), sigma2 @ reward, sigma2 @ jnp.square(reward)
    spread = s2 - 2 * mu * s1 + mu**2 * s0 - squared_gradient
    paired = 2 * (s2 - 2 * mu * s1 + mu2 * s0) + 4 * squared_gradient
    return PairMoments(gradient, spread, paired)


def _leave_one_out(
    mdp: TAMDP, policy: Policy, theta: Theta, group_size: GroupSize
) -> PromptMoments:
    gradient, spread, paired = pair_moments(mdp, policy, theta)
    squared_gradient = jnp.square(gradient).sum(-1)
    variance = leave_one_out_variance(group_size, spread, paired, squared_gradient)
    return PromptMoments(gradient, gradient, variance)


def _by_group_law(
    mdp: TAMDP, policy: Policy, theta: Theta, group_size: int, estimator: Estimator
) -> PromptMoments:
    law = reward_law(mdp, policy.probs(theta))
    sigma2 = score_moments(mdp, policy, theta)
    law_gradient = law_gradients(mdp, policy, theta).reshape(*law.shape, -1)

    def one(
        p: Float[Array, " C"], s2: Float[Array, " C"], dp: Float[Array, "C n"]
    ) -> tuple[Float[Array, " n"], Float[Array, ""]]:
        moments = group_law(p, mdp.class_composite, group_size, estimator)
        mean = moments.mean @ dp
        pairs = ((moments.cross @ dp) * dp).sum()
        square = (moments.square @ s2 + (group_size - 1) * pairs) / group_size
        return mean, square - jnp.square(mean).sum()

    mean, variance = jax.vmap(one)(law, sigma2, law_gradient)
    return PromptMoments(mdp.class_composite @ law_gradient, mean, variance)


def prompt_moments(
    mdp: TAMDP, policy: Policy, theta: Theta, group_size: GroupSize, estimator: Estimator
) -> PromptMoments:
    """Exact mean and variance of each prompt's update, for every estimator.

    ``group_size`` may be an array, except for `group_normalized`, whose sums depend on it.
    """
    if estimator.name == "group_normalized":
        if not isinstance(group_size, int):
            raise ValueError(f"group_size = {group_size}: expected an int for {estimator.name}")
        return _by_group_law(mdp, policy, theta, group_size, estimator)
    unbiased = _leave_one_out(mdp, policy, theta, group_size)
    if estimator.name == "leave_one_out":
        return unbiased
    shrink = 1 - 1 / group_size
    return PromptMoments(unbiased.gradient, shrink * unbiased.mean, shrink**2 * unbiased.variance)


def update_moments(
    mdp: TAMDP,
    policy: Policy,
    theta: Theta,
    group_size: GroupSize,
    estimator: Estimator,
    prompts: int | None = None,
) -> UpdateMoments:
    """Exact moments of one update; ``prompts`` = B drawn from rho, None for the full sweep."""
    rho = mdp.prompt_distribution
    each = prompt_moments(mdp, policy, theta, group_size, estimator)
    mean = rho @ each.mean
    if prompts is None:
        variance = jnp.square(rho) @ each.variance
    else:
        between = rho @ jnp.square(each.mean).sum(-1) - jnp.square(mean).sum()
        variance = (rho @ each.variance + between) / prompts
    return UpdateMoments(rho @ each.gradient, mean, variance)
