"""Groups by sums of rewards and of their squares, of the composite or of each component.

A column is what an estimator normalises by itself: the composite, or each component. Its rewards
are whole numbers over a unit; their sum and one of their squares (``group_sums.coordinates``)
are two coordinates of a total, and tokens are a third.
"""

from typing import NamedTuple

import jax
import numpy as np

from grpo_checks.theory.batches.members import Floats, Members, Table, Whole
from grpo_checks.theory.estimators.advantages import Estimator, scale
from grpo_checks.theory.estimators.group_sums import Coordinates, coordinates
from grpo_checks.theory.rules.rule import UpdateRule


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

    @property
    def steps(self) -> Whole:
        """(V, 1 or 2): what a member adds."""
        return self.coordinates.steps[:, : 1 + self.squares]

    def spread(self, points: Whole, members: int) -> Floats:
        """The sum of squared deviations of so many members, from their totals (N, d).

        Of whole numbers: 0 exactly where all rewards are equal.
        """
        linear = points[:, self.first]
        q = points[:, self.first + 1] if self.squares else np.zeros_like(linear)
        quadratic = self.coordinates.linear * linear + self.coordinates.factor * q
        return np.asarray(self.unit**2 * (members * quadratic - linear**2) / members)

    def advantages(self, points: Whole, group_size: int, estimator: Estimator) -> Floats:
        """(N, V); of an estimator over the batch before its division."""
        factor = np.full(len(points), self.weight * self.unit)
        if estimator.name not in ("batch_scaled", "nonzero_scaled"):
            spread = jax.device_put(self.spread(points, group_size))
            factor *= np.asarray(scale(spread, group_size, estimator))
        mean = points[:, self.first, None] / group_size
        return factor[:, None] * (self.coordinates.steps[None, :, 0] - mean)


def columns(members: Members, estimator: Estimator) -> list[Column]:
    """Of what is normalised by itself, their coordinates one after the other."""
    every: list[Column] = []
    for k, (unit, weight) in enumerate(zip(members.units, members.weights, strict=True)):
        at, first = coordinates(members.numerators[:, k]), sum(c.steps.shape[1] for c in every)
        plain = estimator.is_plain or estimator.name == "nonzero_scaled"
        squares = bool(at.steps[:, 1].any()) and not plain
        every.append(Column(at, first, squares, unit * at.unit, weight))
    return every


def column_table(members: Members, rule: UpdateRule, group_size: int) -> Table:
    """Of the estimators whose advantages are deviations from the group's mean times a scale."""
    estimator = rule.estimator
    every = columns(members, estimator)
    steps = [c.steps for c in every]
    keyed = list(range(every[0].steps.shape[1])) if estimator.name == "batch_scaled" else []
    if estimator.name == "nonzero_scaled":
        keyed.append(sum(s.shape[1] for s in steps))
        steps.append((members.numerators != 0).astype(np.int64))
    if not rule.aggregation.within_episode:
        keyed.append(sum(s.shape[1] for s in steps))
        steps.append((members.tokens - members.least)[:, None])

    def parts(points: Whole) -> Floats:
        return np.sum([c.advantages(points, group_size, estimator) for c in every], 0)[None]

    return Table(
        np.concatenate(steps, 1), members.member, parts, lambda points: points[:, keyed], True
    )
