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


def _leave_one_out(
    mdp: TAMDP, policy: Policy, theta: Theta, group_size: GroupSize
) -> PromptMoments:
    gradient, spread, excess = pair_moments(mdp, policy, theta)
    variance = leave_one_out_variance(group_size, spread, excess)
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
