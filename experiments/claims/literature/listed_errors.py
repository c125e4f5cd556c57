"""Listed episodes, and how far sums over them may be off, for claims that compare them with others.

Each error is a bound on the magnitudes of the terms that are added up, on either side, times the
roundings on the way (``theory.updates.rounding``). All magnitudes shrink next to certainty, as
scores do.
"""

from functools import cache
from typing import NamedTuple

import numpy as np

from grpo_checks.experiments.models.instances import InstanceSpec, build
from grpo_checks.experiments.protocol.assumptions import influence_on
from grpo_checks.theory.estimators.group_law import GroupLaw
from grpo_checks.theory.evaluation.episode_listing import Floats, Listing, list_episodes
from grpo_checks.theory.updates.rounding import (
    COMMON,
    accumulated,
    law_roundings,
    slope_magnitude,
    sweep_roundings,
)


class ListedErrors(NamedTuple):
    """Of one prompt's sums over N episodes."""

    listed: Listing
    slope: Floats
    """Of the terms of a derivative of a probability, by automatic differentiation."""
    max_reward: float
    relative: float
    """What a single term may be off by, as a share of it."""

    @property
    def size(self) -> Floats:
        """(N,): at least |s|, without what cancels in a score."""
        return np.asarray(np.linalg.norm(self.listed.magnitude, axis=1))

    @property
    def gradient(self) -> float:
        """Of grad p, as a moment of scores and as a derivative."""
        mean = self.listed.probability @ self.listed.magnitude
        return self.relative * float(np.linalg.norm(mean) + np.linalg.norm(self.slope))

    @property
    def hessian(self) -> float:
        """Of |Hess J|, and of sigma_r sqrt(E|M|^2), in either norm.

        A difference of rewards is off by a share of R_max, not of itself; |M| <= 2 |s|^2.
        """
        p, square = self.listed.probability, self.size**2
        differs = self.listed.composite != self.listed.composite[p.argmax()]
        bound = np.sqrt(p @ differs) * np.sqrt(p @ square**2)
        return self.relative * self.max_reward * float(p @ square + 2 * bound)

    def noise(self, group: GroupLaw | None = None) -> float:
        """Of E|g - grad J|^2 times G, from pairs of episodes or by the law of a group.

        Of E[A_i A_j <s_i, s_j>], where |A| <= |R-mu| + E|R-mu| up to the mean of the others, and
        off by a share of R_max.
        """
        p, away = self.listed.probability, np.abs(self.listed.centred)
        terms = self.max_reward * float(p @ ((away + p @ away) * self.size**2))
        more = 0.0 if group is None else accumulated(COMMON * law_roundings(group))
        return (self.relative + more) * 2 * terms


@cache
def listed_prompts(spec: InstanceSpec) -> list[tuple[Listing, ListedErrors, bool]]:
    """Of each prompt at the start: its episodes, how far sums over them may be off, and whether
    the law of its rewards depends on the policy. Raises ValueError where the episodes are too many,
    for claims whose assumption ``LISTED`` is."""
    _, mdp, policy, theta, *_ = build(spec)
    listed, learns = list_episodes(mdp, policy, theta), influence_on(spec).law
    return [(x, _errors(spec, x, q), bool(learns[q])) for q, x in enumerate(listed)]


def _errors(spec: InstanceSpec, listed: Listing, prompt: int) -> ListedErrors:
    _, mdp, policy, theta, *_ = build(spec)
    steps = 2 * sweep_roundings(mdp, policy, theta) + listed.probability.size + theta.size
    slope = slope_magnitude(mdp, policy, theta, 1.0, prompt)
    return ListedErrors(listed, slope, float(mdp.max_reward), accumulated(COMMON * steps))
