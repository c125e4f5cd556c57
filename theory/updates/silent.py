"""Groups that carry no signal, and what filtering them out does (DAPO, arXiv:2503.14476).

A group is silent when all its advantages are 0: all members earned the same reward, as the
estimator tells rewards apart, or the components of `componentwise_normalized` cancel. It adds
nothing to any sum over groups, so drawing until a group speaks divides both E g_q and E|g_q|^2 by
the chance of speaking; where prompts are drawn too, it draws each prompt in proportion to that
chance, and the mean keeps its direction (derived).
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from grpo_checks.theory.estimators.advantages import GroupSize
from grpo_checks.theory.estimators.group_law import GroupLaw
from grpo_checks.theory.estimators.group_table import Table, varied_chance
from grpo_checks.theory.evaluation.values import Theta, reward_law
from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.mdp.policy import Policy
from grpo_checks.theory.numbers.centred import share
from grpo_checks.theory.updates.moments import (
    PromptMoments,
    SpeakingUpdate,
    UpdateMoments,
    combine,
    moments_at,
    speaking_moments,
)
from grpo_checks.theory.updates.policy_law import central, policy_law


def silence(law: Float[Array, "Q C"], group: GroupLaw) -> Float[Array, " Q"]:
    """``silent_probabilities`` for reward laws that are known already."""
    merged = group.merged(law)
    if group.table is None:
        return varied_chance(merged, group.group_size)[1]
    return jax.vmap(_telling(group.table).speaking_chance)(merged)[1]


def _telling(table: Table) -> Table:
    """Raises ValueError where groups whose components may cancel are too many to look at."""
    if not table.tells_silence:
        raise ValueError(
            f"group_size = {table.group_size}: too many groups may cancel to tell which are silent"
        )
    return table


def silent_probabilities(
    mdp: TAMDP, policy: Policy, theta: Theta, group: GroupLaw
) -> Float[Array, " Q"]:
    """P(all advantages of a group are 0 | q), exactly.

    Groups of equal rewards, sum_v p_q(v)^G, and those of `componentwise_normalized` whose
    components cancel. Raises ValueError for a group law made without the model's rewards, and
    where the groups that may cancel are too many.
    """
    return silence(reward_law(mdp, policy.probs(theta)), group)


class FilteredMoments(NamedTuple):
    """One update from groups that all speak."""

    update: UpdateMoments
    episodes: Float[Array, ""]
    """Expected number drawn for it, those of discarded groups included; inf if none can speak."""


def filtered(
    rho: Float[Array, " Q"],
    gradient: Float[Array, "Q n"],
    speaking: SpeakingUpdate,
    group_size: GroupSize,
    prompts: int | float | Float[Array, ""] | None,
) -> FilteredMoments:
    """From grad J_q and the moments of each prompt's groups that speak."""
    kept = PromptMoments(gradient, speaking.mean, speaking.variance)
    if prompts is None:
        update = combine(rho, kept, None)
        needed = jnp.where(speaking.chance > 0, 1 / speaking.chance, jnp.inf)
        return FilteredMoments(update, group_size * needed.sum())
    chance = rho @ speaking.chance
    update = combine(share(rho * speaking.chance, chance), kept, prompts)
    # Of what cannot speak nothing is kept, and there is no noise.
    variance = jnp.where(chance > 0, update.variance, 0.0)
    episodes = jnp.where(chance > 0, prompts * group_size / chance, jnp.inf)
    update = UpdateMoments(rho @ gradient, update.mean, variance)
    return FilteredMoments(update, episodes)


def _of_speaking(
    mdp: TAMDP, policy: Policy, theta: Theta, group: GroupLaw
) -> tuple[Float[Array, "Q n"], SpeakingUpdate]:
    """grad J_q, and what its groups do that speak."""
    at = policy_law(mdp, policy, theta)
    if group.table is not None:
        _telling(group.table)
        return central(mdp, at)[1], speaking_moments(at, group)
    moments = moments_at(mdp, at, group)
    chance, silent = varied_chance(group.merged(at.law), group.group_size)
    mean = share(moments.mean, chance[:, None])
    # V = chance (variance + silent |mean|^2): no square of a mean is taken off where all speak.
    variance = share(moments.variance, chance) - silent * jnp.square(mean).sum(-1)
    variance = jnp.maximum(variance, 0.0)
    return moments.gradient, SpeakingUpdate(chance, silent, mean, variance)


def filtered_moments(
    mdp: TAMDP, policy: Policy, theta: Theta, group: GroupLaw, prompts: int | None = None
) -> FilteredMoments:
    """Exact moments when silent groups are drawn again.

    ``prompts`` = B kept groups with their prompts drawn anew each time; None: one group for each
    prompt, weights rho, drawn until it speaks. A prompt that cannot speak contributes nothing.
    V keeps its digits next to certainty where the law lists groups by count vectors. By lattice it
    is right to a few roundings of E|g|^2, of what that were if components did not cancel; for a
    plain estimator without a table (ask for the engine "counts" to have one) to a few of
    V/P(speaks), V that of all groups: moments of two members cannot tell that all groups that
    speak are alike.
    """
    gradient, speaking = _of_speaking(mdp, policy, theta, group)
    return filtered(mdp.prompt_distribution, gradient, speaking, group.group_size, prompts)
