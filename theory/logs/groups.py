"""Rows of a log, sorted by group: rewards that may be missing, and sums within groups."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
SAME = 2.0**-20
"""Composites that differ by less, relative to the largest sum of |w r|, are equal: logs hold
float32, whose rounding is 2^-24, and a composite is a sum of a few of them."""


class Groups(NamedTuple):
    """M groups of any sizes; the rows of a group lie in a row."""

    rewards: Floats
    """(N, K), NaN where a component is missing."""
    weights: Floats
    """(K,), w."""
    starts: Ints
    """(M,), the first row of each."""
    sizes: Ints
    """(M,)."""

    @property
    def member(self) -> Ints:
        """(N,) the group of each row."""
        return np.repeat(np.arange(self.sizes.size), self.sizes)

    @property
    def composite(self) -> Floats:
        """(N,) R, missing components left out, as TRL's nansum does."""
        return np.nansum(self.rewards * self.weights, 1)

    def total(self, values: NDArray) -> NDArray:
        """Sums of each group along the first axis."""
        return np.add.reduceat(values, self.starts, axis=0)

    def centred(self, values: Floats, present: NDArray[np.bool_] | None = None) -> Floats:
        """(N,) less the mean of the group's present values; 0 where absent."""
        there = np.ones(values.shape, bool) if present is None else present
        kept = np.where(there, values, 0.0)
        count = self.total(there.astype(float))
        mean = self.total(kept) / np.maximum(count, 1)
        return np.where(there, values - np.repeat(mean, self.sizes), 0.0)

    def part(self, chosen: NDArray[np.bool_]) -> "Groups":
        """Only some groups, ``chosen`` (M,)."""
        sizes = self.sizes[chosen]
        rows = np.repeat(chosen, self.sizes)
        return Groups(self.rewards[rows], self.weights, np.cumsum(sizes) - sizes, sizes)


def grouped(rewards: Floats, weights: Floats, labels: Ints) -> Groups:
    """From rows that are sorted by ``labels`` (N,). Raises ValueError for none, or other shapes."""
    rewards, weights = np.asarray(rewards, float), np.asarray(weights, float)
    if rewards.ndim != 2 or not rewards.size or rewards.shape != (len(labels), len(weights)):
        raise ValueError(
            f"rewards = array of shape {rewards.shape}: expected (N, K) with {len(labels)} labels "
            f"and {len(weights)} weights, at least one row"
        )
    starts = np.flatnonzero(np.r_[True, labels[1:] != labels[:-1]])
    return Groups(rewards, weights, starts, np.diff(np.r_[starts, len(labels)]))


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
