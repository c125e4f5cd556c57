"""What a member adds to the totals of its group, and the advantages that totals give.

A column is what an estimator normalises by itself: the composite, or each component. Its rewards
are whole numbers over a unit; their sum and one of their squares (``group_sums.coordinates``)
are two coordinates of a total, and tokens are a third.
"""

from math import lcm
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from grpo_checks.theory.estimators.advantages import Estimator, scale
from grpo_checks.theory.estimators.group_sums import Coordinates, coordinates
from grpo_checks.theory.numbers.rationals import to_fraction
from grpo_checks.theory.rules.by_length import ByLength
from grpo_checks.theory.rules.rule import UpdateRule

Whole = NDArray[np.int64]


class Column(NamedTuple):
    """One reward of V values."""

    coordinates: Coordinates
    first: int
    """The coordinate of a total that is sum r; the next one is sum q, if there is one."""
    squares: bool
    """Whether totals have the latter."""
    unit: float
    """Of reward, per whole number r."""
    weight: float

    def spread(self, points: Whole, members: int) -> NDArray[np.float64]:
        """The sum of squared deviations of so many members, from their totals (N, d).

        Of whole numbers: 0 exactly where all rewards are equal.
        """
        linear = points[:, self.first]
        q = points[:, self.first + 1] if self.squares else np.zeros_like(linear)
        quadratic = self.coordinates.linear * linear + self.coordinates.factor * q
        return np.asarray(self.unit**2 * (members * quadratic - linear**2) / members)


class Columns(NamedTuple):
    """V values, each a row of whole numbers."""

    columns: tuple[Column, ...]
    steps: Whole
    """(V, d): what a member adds to a total."""
    member: NDArray[np.float64]
    """(C, V): 1 where a class has a value."""
    keyed: list[int]
    """The coordinates that the divisor of a batch depends on."""
    least: int
    """Tokens of the shortest episode, which the coordinate of tokens counts from."""
    estimator: Estimator

    def advantages(self, points: Whole, group_size: int) -> NDArray[np.float64]:
        """(N, V): of a member in a group with each total; `batch_scaled` before its division."""
        advantage = np.zeros((len(points), len(self.steps)))
        for column in self.columns:
            per_sd = self._scale(column.spread(points, group_size), group_size)
            unit = column.weight * column.unit * per_sd
            mean = points[:, column.first, None] / group_size
            deviation = column.coordinates.steps[None, :, 0] - mean
            advantage += unit[:, None] * deviation
        return advantage

    def _scale(self, spread: NDArray[np.float64], group_size: int) -> NDArray[np.float64]:
        if self.estimator.name == "batch_scaled":
            return np.ones_like(spread)
        return np.asarray(scale(jnp.asarray(spread), group_size, self.estimator))


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


def columns(model: ByLength, rule: UpdateRule) -> Columns:
    """Of a model and a rule; call it outside jit."""
    estimator = rule.estimator
    numerators, denominators, weights = _rewards(model, estimator)
    tokens = np.asarray(model.decisions) + rule.aggregation.length_offset
    counted = [] if rule.aggregation.within_episode else [tokens]
    values, inverse = np.unique(
        np.column_stack([numerators, *counted]), axis=0, return_inverse=True
    )
    every: list[Column] = []
    steps: list[Whole] = []
    for k, (unit, weight) in enumerate(zip(denominators, weights, strict=True)):
        at = coordinates(values[:, k])
        squares = bool(at.steps[:, 1].any()) and not estimator.is_plain
        every.append(Column(at, len(steps), squares, unit * at.unit, weight))
        steps += [at.steps[:, 0], at.steps[:, 1]][: 1 + squares]
    keyed = list(range(len(steps))) if estimator.name == "batch_scaled" else []
    if counted:
        keyed.append(len(steps))
        steps.append(values[:, -1] - tokens.min())
    member = np.eye(len(values))[inverse.reshape(-1)]
    return Columns(tuple(every), np.array(steps).T, member, keyed, int(tokens.min()), estimator)
