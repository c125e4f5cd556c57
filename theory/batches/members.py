"""What an update rule tells apart of a member, and what a group's totals say of its advantages."""

from collections.abc import Callable
from math import lcm
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.numbers.rationals import to_fraction
from grpo_checks.theory.rules.by_length import ByLength
from grpo_checks.theory.rules.rule import UpdateRule

Whole = NDArray[np.int64]
Floats = NDArray[np.float64]
Numbers = NDArray[Any]
"""Whole where all are."""


class Members(NamedTuple):
    """V values: what is normalised by itself, and tokens where they count."""

    numerators: Whole
    """(V, K): the composite alone, or all components, in their units."""
    units: list[float]
    weights: list[float]
    tokens: Whole
    """(V,): 0 where they do not count."""
    member: Floats
    """(C, V): 1 where a class has a value."""

    @property
    def least(self) -> int:
        """Tokens of the shortest episode, which totals count from."""
        return int(self.tokens.min())

    @property
    def rewards(self) -> Floats:
        """(V, K)."""
        return self.numerators * np.array(self.units)[None]


class Table(NamedTuple):
    """Totals are sums of whole numbers over members; d of them."""

    steps: Whole
    """(V, d): what a member adds."""
    member: Floats
    """(C, V): the chance that a member of a class has a value."""
    parts: Callable[[Whole], Floats]
    """From totals (N, d): P advantages (P, N, V) of a member in such a group; the batch weighs
    X_p = sum_i A_pi s_i of a group for each p."""
    key: Callable[[Whole], Numbers]
    """From totals, (N, k): what a batch adds up."""
    centred: bool
    """Whether advantages of a group add up to 0, so that scores count from any reference."""
    most: int | None = None
    """An upper bound on the number of totals, if one is known."""


def token_weighted(rule: UpdateRule) -> bool:
    """Whether advantages or the loss's divisor depend on numbers of tokens."""
    estimator, aggregation = rule.estimator, rule.aggregation
    whitened = estimator.whiten is not None and estimator.whiten_tokens
    return not aggregation.within_episode or whitened or estimator.name == "length_weighted"


def members(model: ByLength, rule: UpdateRule) -> Members:
    """Of a model and a rule; call it outside jit."""
    numerators, units, weights = _rewards(model, rule.estimator)
    tokens = np.asarray(model.decisions) + rule.aggregation.length_offset
    tokens = tokens if token_weighted(rule) else np.zeros_like(tokens)
    values, inverse = np.unique(np.column_stack([numerators, tokens]), axis=0, return_inverse=True)
    member = np.eye(len(values))[inverse.reshape(-1)]
    return Members(values[:, :-1], units, weights, values[:, -1], member)


def _rewards(model: ByLength, estimator: Estimator) -> tuple[Whole, list[float], list[float]]:
    """Numerators (C, K) of what is normalised by itself, units and weights (K,)."""
    mdp = model.mdp
    if estimator.name != "componentwise_normalized":
        return np.asarray(mdp.class_numerator)[:, None], [1 / mdp.composite_denominator], [1.0]
    meant = [
        [to_fraction("reward", x) for x in row] for row in np.asarray(mdp.class_vector).tolist()
    ]
    common = [lcm(*(x.denominator for x in column)) for column in zip(*meant, strict=True)]
    numerators = [[int(x * d) for x, d in zip(row, common, strict=True)] for row in meant]
    return np.array(numerators), [1 / d for d in common], np.asarray(mdp.weights).tolist()
