"""An update rule: how rewards become advantages, and how the loss weighs an episode's score."""

from typing import NamedTuple

from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.rules.aggregation import EPISODE_SUM, Aggregation


class UpdateRule(NamedTuple):
    """g = sum_i A_i c_i s_i over a batch of B groups of G episodes."""

    estimator: Estimator
    """A_i."""
    aggregation: Aggregation = EPISODE_SUM
    """c_i."""

    @property
    def within_group(self) -> bool:
        """Whether g is a mean over groups, each of which knows nothing of the others."""
        return self.estimator.within_group and self.aggregation.within_episode
