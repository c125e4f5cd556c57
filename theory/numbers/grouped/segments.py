"""Rows in any order that belong to groups, or to batches, of any sizes: sums and deviations."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Values = NDArray[Any]
"""Real or complex, or counts."""


@dataclass(frozen=True, eq=False)
class Segments:
    """N rows of M segments, numbered in the order of their labels."""

    order: Ints
    """(N,): the rows, sorted by segment, otherwise in the order given."""
    starts: Ints
    """(M,): the first of each in ``order``."""
    member: Ints
    """(N,): of each row, in the order given, the number of its segment."""
    sizes: Ints
    """(M,)."""

    def total(self, values: Values) -> Values:
        """(M, ...): sum of each segment, along the first axis."""
        return np.add.reduceat(values[self.order], self.starts, axis=0)

    def largest(self, values: Values) -> Values:
        """(M, ...): maximum of each segment."""
        return np.maximum.reduceat(values[self.order], self.starts, axis=0)

    def centred(self, values: Values, present: NDArray[np.bool_] | None = None) -> Values:
        """(N, ...): less the mean of the segment's present values; 0 where absent."""
        there = np.ones(values.shape, bool) if present is None else present
        kept = np.where(there, values, 0.0)
        mean = self.total(kept) / np.maximum(self.total(there.astype(float)), 1)
        return np.where(there, kept - mean[self.member], 0.0)


def segments(labels: NDArray[Any]) -> Segments:
    """Rows with one label are one segment; ``labels`` (N,), N at least 1."""
    _, member, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    member = member.reshape(-1)
    order = np.argsort(member, kind="stable")
    return Segments(order, np.cumsum(sizes) - sizes, member, sizes)
