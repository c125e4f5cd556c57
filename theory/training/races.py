"""Races: two estimators trained from one start, and what their efficiencies e say on the way."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

from grpo_checks.theory.estimators.group_law import GroupLaw
from grpo_checks.theory.evaluation.values import Theta, value
from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.mdp.places import Chances
from grpo_checks.theory.mdp.policy import Policy
from grpo_checks.theory.training.batch import Training, sample_batch
from grpo_checks.theory.training.episodes import action_cdf
from grpo_checks.theory.training.score_sums import sampled_update
from grpo_checks.theory.updates.benefit import ascent
from grpo_checks.theory.updates.moments import update_moments


class PairedTrace(NamedTuple):
    """Two runs, one for each estimator; T + 1 policies each."""

    value: Float[Array, "T1 2"]
    """J."""
    lead: Float[Array, "T1 2"]
    """e of the first estimator minus e of the second, at the policies of either run."""


def paired_runs(
    key: PRNGKeyArray,
    mdp: TAMDP,
    chances: Chances,
    policy: Policy,
    theta: Theta,
    step: Float[Array, ""],
    trainings: tuple[Training, ...],
    laws: tuple[GroupLaw, ...],
    n_steps: int,
) -> PairedTrace:
    """Both estimators from one start with the same random numbers and the same constant step.

    The step is not taken from e, or the ranking by e would be judged by itself.
    """

    def look(at: Theta) -> tuple[Float[Array, ""], Float[Array, ""]]:
        first, second = (
            ascent(update_moments(mdp, policy, at, law, training.prompts)).efficiency
            for law, training in zip(laws, trainings, strict=True)
        )
        return value(mdp, policy, at), first - second

    def update(both: Theta, t: Int[Array, ""]) -> tuple[Theta, tuple[Array, Array]]:
        seen = jax.vmap(look)(both)
        moves = []
        for at, training in zip(both, trainings, strict=True):
            cdf = action_cdf(policy.probs(at).astype(training.precision))
            batch = sample_batch(jax.random.fold_in(key, t), chances, cdf, training)
            moves.append(sampled_update(mdp, policy, at, batch, training))
        return both + step * jnp.stack(moves), seen

    both = jnp.stack([theta, theta])
    # One more step than is taken: the last look is at the end.
    _, (values, leads) = jax.lax.scan(update, both, jnp.arange(n_steps + 1))
    return PairedTrace(values, leads)
