"""Exact numbers of a model at the policy where training starts."""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from grpo_checks.theory.evaluation.optimum import best_values
from grpo_checks.theory.evaluation.values import Theta, reward_law
from grpo_checks.theory.instances.instance import Instance
from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.mdp.policy import Policy
from grpo_checks.theory.numbers.validation import reachable

SIZES = (2, 4, 8, 16, 32, 64)
"""Group sizes whose silent share is told."""


class Facts(NamedTuple):
    """Of a model of Q prompts and K components."""

    value: Float[np.ndarray, " Q"]
    """J_q at the start, in [0, R_max]."""
    best: Float[np.ndarray, " Q"]
    """J*_q over policies that know the prompt and tell all states apart."""
    optimum: float
    """J*, or an upper bound on it."""
    optimum_is_exact: bool
    attained: bool
    """Whether one policy of the class has all of ``best``, and one each entry of ``attainable``."""
    success: Float[np.ndarray, " K"]
    """E r_k at the start, in [0, 1]."""
    attainable: Float[np.ndarray, " K"]
    """The same of the best policy for this component alone, which knows prompt and state."""
    correlation: Float[np.ndarray, "K K"]
    """Of rewards within prompts; nan for a component that is constant there."""
    silent: dict[int, float]
    """Share of groups of this size whose composites are all equal."""
    visited: list[tuple[int, int]]
    """Of each layer: states that some policy reaches, and all."""


def facts(instance: Instance) -> Facts:
    """Everything that ``show`` tells of a model, exactly."""
    mdp = instance.mdp
    law, best, component = (np.asarray(x) for x in _computed(mdp, instance.policy, instance.theta))
    rho, vectors = np.asarray(mdp.prompt_distribution), np.asarray(mdp.class_vector)
    attained = (mdp.prompt_separable or _rewards_are_alike(mdp)) and _is_free(instance)
    return Facts(
        value=law @ np.asarray(mdp.class_composite),
        best=best,
        optimum=float(rho @ best) if instance.best is None else instance.best,
        optimum_is_exact=instance.optimum_is_exact or attained,
        attained=attained,
        success=rho @ law @ vectors,
        attainable=rho @ component,
        correlation=correlations(rho, law, vectors),
        silent=silent_shares(rho, law, np.asarray(mdp.class_numerator)),
        visited=_visited(mdp),
    )


@jax.jit
def _computed(
    mdp: TAMDP, policy: Policy, theta: Theta
) -> tuple[Float[Array, "Q C"], Float[Array, " Q"], Float[Array, "Q K"]]:
    """The law of reward vectors at theta; the best composite, and the best of each component."""
    best = partial(best_values, mdp)
    composite = best(mdp.class_composite[mdp.class_index])
    alone = jax.lax.map(best, jnp.moveaxis(mdp.reward, 3, 0))
    return reward_law(mdp, policy.probs(theta)), composite, alone.T


def correlations(
    rho: Float[np.ndarray, " Q"], law: Float[np.ndarray, "Q C"], vectors: Float[np.ndarray, "C K"]
) -> Float[np.ndarray, "K K"]:
    """Covariances within a prompt, averaged over prompts, as correlations.

    They are nan for a component that is constant at every prompt that is drawn, and 0 where a
    covariance is no larger than what rounding makes of it: a mean of C terms is off by at most
    C eps, so is a deviation from it, and a product of two by that times both.
    """
    drawn = [vectors[p > 0] for p, share in zip(law, rho, strict=True) if share > 0]
    varies = np.array([np.ptp(values, axis=0) > 0 for values in drawn]).any(0)
    deviation = vectors[None] - (law @ vectors)[:, None]
    covariance = np.einsum("q,qc,qck,qcl->kl", rho, law, deviation, deviation)
    size = np.abs(deviation)
    terms = size[..., :, None] * size[..., None, :] + size[..., :, None] + size[..., None, :]
    rounding = (len(vectors) + 4) * np.finfo(float).eps
    covariance[np.abs(covariance) <= rounding * np.einsum("q,qc,qckl->kl", rho, law, terms)] = 0.0
    spread = np.sqrt(np.where(varies, np.diag(covariance), np.nan))
    return np.asarray(covariance / np.outer(spread, spread))


def silent_shares(
    rho: Float[np.ndarray, " Q"], law: Float[np.ndarray, "Q C"], composite: np.ndarray
) -> dict[int, float]:
    """Of groups whose members have one composite, sum_q rho_q sum_R p_q(R)^G, by group size G."""
    merged = np.stack([law[:, composite == c].sum(1) for c in np.unique(composite)], 1)
    return {size: float(rho @ (merged**size).sum(1)) for size in SIZES}


def _visited(mdp: TAMDP) -> list[tuple[int, int]]:
    initial, transition = np.asarray(mdp.initial_distribution), np.asarray(mdp.tool_transition)
    seen = np.any(reachable(initial, transition, mdp.horizon), axis=0)
    return [(int(np.count_nonzero(seen[list(layer)])), len(layer)) for layer in mdp.layers]


def _rewards_are_alike(mdp: TAMDP) -> bool:
    """Whether what an answer earns does not depend on the prompt: then no policy need know it."""
    reward = np.asarray(mdp.reward)
    return np.array_equal(reward, np.broadcast_to(reward[:1], reward.shape))


def _is_free(instance: Instance) -> bool:
    """Whether the policy can do in each state whatever it likes."""
    observation = getattr(instance.policy, "observation", None)
    return observation is not None and np.unique(observation).size == np.size(observation)
