"""Attracting zeros of expected updates between two actions, enclosed.

The theorem is in ``theory.convergence.cycles.edges``; zeros are isolated and enclosed as those of
centres are.
"""

from itertools import combinations
from typing import NamedTuple

import numpy as np
from flint import arb, fmpq

from grpo_checks.theory.arithmetic.enclose import enclose
from grpo_checks.theory.convergence.cycles.edges import edge_gradient, edge_payoffs
from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.numbers.balls import Number
from grpo_checks.theory.rational.cycles.centres import (
    HALVINGS,
    Exact,
    Model,
    advantages,
    mean_rewards,
)
from grpo_checks.theory.rational.cycles.isolation import coefficients, isolated, value
from grpo_checks.theory.rational.lines.optimum import change_of_sign

_payoffs, _gradient = enclose(edge_payoffs), enclose(edge_gradient)


class Edge(NamedTuple):
    """A zero between two actions that attracts all runs from near by."""

    actions: tuple[int, int]
    chance: arb
    """Of the first."""
    squared_gradient: Number
    """|grad J|^2 there."""


def edges(model: Model, estimator: Estimator, eps: fmpq, group_size: int) -> list[Edge]:
    """All of them that can be told, in groups of ``group_size``."""
    table = advantages(model, estimator, eps, group_size)
    pairs = combinations(range(model.outcome.shape[1]), 2)
    return [edge for pair in pairs for edge in _between(model, table, group_size, pair)]


def _between(model: Model, table: Exact, group_size: int, pair: tuple[int, int]) -> list[Edge]:
    a, b = pair

    def payoffs(chance: Number) -> Exact:
        return np.asarray(_payoffs(model.share, model.outcome, table, group_size, pair, chance))

    def lead(chance: Number) -> Number:
        at = payoffs(chance)
        return at[a] - at[b]

    line = coefficients(lead, group_size - 1)
    known = []
    for low, high in isolated(line) or []:
        if not value(line, low) > 0:
            continue
        chance = change_of_sign(lambda at: value(line, at), low, high, HALVINGS)
        at = payoffs(chance)
        if all(at[c] < 0 for c in range(len(at)) if c not in pair):
            known.append(Edge(pair, chance, _gradient(mean_rewards(model), pair, chance)))
    return known
