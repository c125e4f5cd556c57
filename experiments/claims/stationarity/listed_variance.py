"""V of `leave_one_out` by sums over groups, the side of T1.G and T1.budget without a formula."""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Array, Float
from numpy.typing import NDArray

from grpo_checks.experiments.models.instances import InstanceSpec, build
from grpo_checks.experiments.models.settings import UNBIASED
from grpo_checks.theory.estimators.group_law import GroupLaw, group_law
from grpo_checks.theory.evaluation.score import score_moments
from grpo_checks.theory.evaluation.values import Theta
from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.mdp.policy import Policy
from grpo_checks.theory.updates.moments import combine, prompt_moments
from grpo_checks.theory.updates.rounding import law_roundings, rounding, sweep_roundings

Floats = NDArray[np.float64]


class ListedVariance(NamedTuple):
    """One update at the start of an instance, for each of N group sizes."""

    sizes: tuple[int, ...]
    sweep: Floats
    """V of a full sweep, (N,)."""
    drawn: Floats
    """V of one prompt drawn from rho, (N,)."""
    error: Floats
    """What float64 may have done to either, (N,)."""


FEW = 4


def _laws(spec: InstanceSpec, sizes: Sequence[int]) -> list[GroupLaw]:
    """On one lattice, which is one compilation; else of the first few sizes, one for each."""
    mdp, laws = build(spec).mdp, []
    try:
        return [group_law(mdp, g, UNBIASED, "lattice", room=max(sizes)) for g in sizes]
    except ValueError:
        pass
    for size in sizes[:FEW]:
        try:
            laws.append(group_law(mdp, size, UNBIASED, "counts"))
        except ValueError:
            break
    return laws


@jax.jit
def _moments(
    mdp: TAMDP, policy: Policy, theta: Theta, law: GroupLaw
) -> tuple[list[Float[Array, ""]], Float[Array, ""]]:
    """Both variances, and E|s|^2."""
    rho, moments = mdp.prompt_distribution, prompt_moments(mdp, policy, theta, law)
    score = rho @ score_moments(mdp, policy, theta).sum(1)
    return [combine(rho, moments, prompts).variance for prompts in (None, 1)], score


@lru_cache(maxsize=64)
def listed_variance(spec: InstanceSpec, sizes: tuple[int, ...]) -> ListedVariance:
    """For ``sizes`` in rising order, or for the first of them where more groups than fit.

    V = E|g|^2 - |E g|^2, both of terms up to R_max^2 E|s|^2, since |A| <= R_max.
    """
    instance, laws = build(spec), _laws(spec, sizes)
    model = (instance.mdp, instance.policy, instance.theta)
    variances = [jax.device_get(_moments(*model, law)) for law in laws]
    largest, sweeps = float(instance.mdp.max_reward), 4 * sweep_roundings(*model)
    error = [
        rounding(2 * largest**2 * float(score), 2 * law_roundings(law) + sweeps)
        for law, (_, score) in zip(laws, variances, strict=True)
    ]
    sweep, drawn = np.array([v for v, _ in variances]).reshape(-1, 2).T
    return ListedVariance(sizes[: len(laws)], sweep, drawn, np.array(error))
