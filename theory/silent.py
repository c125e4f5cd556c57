"""Groups that carry no signal, and what filtering them out does (DAPO, arXiv:2503.14476).

A group is silent when all its advantages are 0: all members earned the same reward, as the
estimator tells rewards apart. It adds nothing to any sum over groups, so drawing until a group
speaks divides both E g_q and E|g_q|^2 by the chance of speaking; where prompts are drawn too, it
draws each prompt in proportion to that chance, and the mean keeps its direction (derived).
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from theory.advantages import GroupSize
from theory.exact import Theta, reward_law
from theory.group_law import GroupLaw
from theory.model import TAMDP
from theory.policy import Policy
from theory.update import PromptMoments, UpdateMoments, combine, prompt_moments


def silence(law: Float[Array, "Q C"], group: GroupLaw) -> Float[Array, " Q"]:
    """sum_v p_q(v)^G for reward laws that are known already."""
    return (group.merged(law) ** group.group_size).sum(-1)


def silent_probabilities(
    mdp: TAMDP, policy: Policy, theta: Theta, group: GroupLaw
) -> Float[Array, " Q"]:
    """P(all G members earn the same reward | q) = sum_v p_q(v)^G, exactly.

    Raises ValueError for a group law made without the model's rewards.
    """
    return silence(reward_law(mdp, policy.probs(theta)), group)


class FilteredMoments(NamedTuple):
    """One update from groups that all speak."""

    update: UpdateMoments
    episodes: Float[Array, ""]
    """Expected number drawn for it, those of discarded groups included; inf if none can speak."""


def filtered(
    rho: Float[Array, " Q"],
    each: PromptMoments,
    silent: Float[Array, " Q"],
    group_size: GroupSize,
    prompts: int | float | Float[Array, ""] | None,
) -> FilteredMoments:
    """From the moments of each prompt's group and the chance that it is silent."""
    speaks = 1 - silent
    # 1 - s is rounding where s = 1.
    able = speaks > 1e-12
    per_chance = jnp.where(able, 1 / jnp.where(able, speaks, 1.0), 0.0)
    square = (each.variance + jnp.square(each.mean).sum(-1)) * per_chance
    mean = each.mean * per_chance[:, None]
    kept = PromptMoments(each.gradient, mean, square - jnp.square(mean).sum(-1))
    if prompts is None:
        update = combine(rho, kept, None)
        episodes = group_size * jnp.where(able, per_chance, jnp.inf).sum()
    else:
        chance = rho @ speaks
        share = rho * speaks / jnp.where(chance > 0, chance, 1.0)
        update = combine(share, kept, prompts)
        episodes = prompts * group_size / chance
    return FilteredMoments(update._replace(gradient=rho @ each.gradient), episodes)


def filtered_moments(
    mdp: TAMDP, policy: Policy, theta: Theta, group: GroupLaw, prompts: int | None = None
) -> FilteredMoments:
    """Exact moments when silent groups are drawn again.

    ``prompts`` = B kept groups with their prompts drawn anew each time; None: one group for each
    prompt, weights rho, drawn until it speaks. A prompt that cannot speak contributes nothing.
    """
    each = prompt_moments(mdp, policy, theta, group)
    silent = silent_probabilities(mdp, policy, theta, group)
    return filtered(mdp.prompt_distribution, each, silent, group.group_size, prompts)
