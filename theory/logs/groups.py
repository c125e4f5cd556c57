"""Rows of a log, sorted by group: rewards that may be missing, and sums within groups."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from grpo_checks.theory.numbers.grouped.segments import Ints, Segments, segments

Floats = NDArray[np.float64]
SAME = 2.0**-20
"""Composites that differ by less, relative to the largest sum of |w r|, are equal: logs hold
float32, whose rounding is 2^-24, and a composite is a sum of a few of them."""


@dataclass(frozen=True, eq=False)
class Groups(Segments):
    """M groups of any sizes; the rows of a group lie in a row."""

    rewards: Floats
    """(N, K), NaN where a component is missing."""
    weights: Floats
    """(K,), w."""

    @property
    def composite(self) -> Floats:
        """(N,) R, missing components left out, as TRL's nansum does."""
        return np.nansum(self.rewards * self.weights, 1)

    def part(self, chosen: NDArray[np.bool_]) -> "Groups":
        """Only some groups, ``chosen`` (M,)."""
        rows = chosen[self.member]
        return grouped(self.rewards[rows], self.weights, self.member[rows])


def grouped(rewards: Floats, weights: Floats, labels: Ints) -> Groups:
    """From rows that are sorted by ``labels`` (N,). Raises ValueError for none, or other shapes."""
    rewards, weights = np.asarray(rewards, float), np.asarray(weights, float)
    if rewards.ndim != 2 or not rewards.size or rewards.shape != (len(labels), len(weights)):
        raise ValueError(
            f"rewards = array of shape {rewards.shape}: expected (N, K) with {len(labels)} labels "
            f"and {len(weights)} weights, at least one row"
        )
    runs = np.cumsum(np.r_[False, labels[1:] != labels[:-1]])
    return Groups(**vars(segments(runs)), rewards=rewards, weights=weights)


class Levels(NamedTuple):
    """Runs of equal composites within groups."""

    group: Ints
    """(L,) sorted."""
    members: Ints
    """(L,) members of the group that share the composite."""


def levels(groups: Groups) -> Levels:
    """How often each composite occurs in each group."""
    composite, member = groups.composite, groups.member
    largest = np.nansum(np.abs(groups.rewards * groups.weights), 1).max()
    order = np.lexsort((composite, member))
    value, owner = composite[order], member[order]
    new = np.r_[True, (owner[1:] != owner[:-1]) | (np.diff(value) > SAME * largest)]
    begin = np.flatnonzero(new)
    return Levels(owner[begin], np.diff(np.r_[begin, value.size]))
