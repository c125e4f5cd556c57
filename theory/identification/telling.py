"""Rewards on which rules differ that some data cannot tell apart."""

from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.identification.earned import Earned, Numbers, earned
from grpo_checks.theory.identification.predicted import advantages
from grpo_checks.theory.identification.rules import RuleFit

DRAWS = 64
SEED = 0


class TellingBatch(NamedTuple):
    """One update of two groups."""

    rewards: Numbers
    """(2, G, K), multiples of 1/4."""
    weights: Numbers
    """(K,), K at least 2: with one component, several estimators are the same."""
    lengths: Numbers
    """(2, G), in tokens."""
    difference: float
    """Least over pairs of rules: how far two of them differ in some advantage."""


def telling_batch(
    rules: Sequence[RuleFit], weights: NDArray, group_size: int = 4
) -> TellingBatch | None:
    """Of some random batches, the one on which the closest two rules are furthest from each other.

    ``weights`` (K,) of the composite. None where there are not two rules that the group's rewards
    alone decide (``greedy_baseline`` is none of them).
    """
    estimators = [(rule.estimator, rule.scale) for rule in rules]
    estimators = [pair for pair in estimators if pair[0].name != "greedy_baseline"]
    if len(estimators) < 2:
        return None
    weights = np.asarray(weights, float)
    weights = weights if len(weights) > 1 else np.array([weights[0], weights[0] / 2])
    rng = np.random.default_rng(SEED)
    batches = [_drawn(rng, weights, group_size) for _ in range(DRAWS)]
    differences = [_difference(data, estimators) for data in batches]
    chosen = batches[int(np.argmax(differences))]
    assert chosen.lengths is not None
    return TellingBatch(
        chosen.rewards.reshape(2, group_size, -1), weights,
        chosen.lengths.reshape(2, group_size), max(differences),
    )  # fmt: skip


def _drawn(rng: np.random.Generator, weights: Numbers, group_size: int) -> Earned:
    shape = 2 * group_size, len(weights)
    rewards = rng.integers(0, 5, shape) / 4
    # A group that varies less than the other, or nobody sees which sd divides it.
    rewards[:group_size] /= 2
    lengths = rng.integers(1, 6, shape[0]).astype(float)
    return earned(rewards, weights, np.repeat([0, 1], group_size), None, lengths)


def _difference(data: Earned, estimators: list[tuple[Estimator, float]]) -> float:
    values = [
        scale * np.real(advantages(data, e, e.eps, e.whiten or 0.0).values)
        for e, scale in estimators
    ]
    return min(float(np.abs(a - b).max()) for a, b in combinations(values, 2))
