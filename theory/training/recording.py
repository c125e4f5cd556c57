"""What is recorded of each step of a training run: exact numbers of all its seeds at once."""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from grpo_checks.theory.estimators.group_law import GroupLaw
from grpo_checks.theory.evaluation.batched_values import LaneMoments, lane_moments
from grpo_checks.theory.evaluation.values import Theta
from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.mdp.places import Chances
from grpo_checks.theory.mdp.policy import Policy
from grpo_checks.theory.training.batch import Training, needed, objective
from grpo_checks.theory.updates.moments import PromptMoments, combine, update_moments
from grpo_checks.theory.updates.policy_law import leave_one_out_variance


class Exact(NamedTuple):
    """Of the policies of N seeds; J is the objective of the training, J itself or Jtilde."""

    value: Float[Array, " N"]
    gradient: Float[Array, "n N"]
    """Of the objective, theta flattened."""
    squared_bias: Float[Array, " N"]
    """|m - gradient|^2; nan without a group law, likewise the next."""
    variance: Float[Array, " N"]


def _objective(
    mdp: TAMDP, policy: Policy, theta: Theta, training: Training
) -> tuple[Float[Array, " N"], Float[Array, "n N"]]:
    """Jtilde and its gradient, by automatic differentiation."""
    both = jax.value_and_grad(lambda at: objective(mdp, policy, at, training))
    value, gradient = jax.vmap(both, -1, (0, -1))(theta)
    return value, gradient.reshape(-1, theta.shape[-1])


def _plain(group: GroupLaw, lane: LaneMoments) -> PromptMoments:
    shrink = group.shrinkage
    variance = leave_one_out_variance(group.group_size, lane.spread, lane.excess)
    return PromptMoments(lane.gradient, shrink * lane.gradient, shrink**2 * variance)


def record(
    mdp: TAMDP | None,
    chances: Chances,
    policy: Policy,
    theta: Theta,
    training: Training,
    group: GroupLaw | None,
    probs: Float[Array, "S A N"] | None = None,
) -> Exact:
    """All at ``theta``, whose last axis is that of the seeds; ``probs`` there, if known.

    ``mdp`` None will do for J and the plain estimators; raises ValueError where it will not.
    """
    rho, unknown = chances.prompt_distribution, jnp.full(theta.shape[-1], jnp.nan)
    lane = lane_moments(chances, policy, theta, probs)
    value, gradient = (jnp.tensordot(rho, x, 1) for x in (lane.value, lane.gradient))
    if training.objective != "reward":
        model = needed(mdp, training.objective)
        value, gradient = _objective(model, policy, theta, training)
    if group is None:
        return Exact(value, gradient, unknown, unknown)
    if group.table is None:
        moments = combine(rho, _plain(group, lane), training.prompts)
        mean, variance = moments.mean, moments.variance
    else:
        of_model = partial(update_moments, needed(mdp, training.estimator.name), policy)
        updates = jax.vmap(lambda at: of_model(at, group, training.prompts), -1, -1)(theta)
        mean, variance = updates.mean, updates.variance
    return Exact(value, gradient, jnp.square(mean - gradient).sum(0), variance)
