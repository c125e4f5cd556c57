"""What the members of some updates earned: groups of any sizes, in any order."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from grpo_checks.theory.identification.deviations import Deviations, Numbers, deviations
from grpo_checks.theory.numbers.grouped.segments import Segments, segments
from grpo_checks.theory.numbers.validation import check_entries, check_shape, fail

GRID = 1024
"""Multiples of 1/GRID are summed without rounding, in float32 too: equal ones leave no residue."""


@dataclass(frozen=True, eq=False)
class Earned:
    """N members; rewards that are missing (NaN) are left out of sums and moments."""

    rewards: Numbers
    """(N, K)."""
    weights: Numbers
    """(K,)."""
    groups: Segments
    batches: Segments
    """Groups that one update was made of."""
    lengths: Numbers | None
    """(N,), in tokens; None: not known."""

    composites: Numbers
    """(N,) weighted sums of the rewards that are there."""
    size: Numbers
    """(N,) sum of |w r|: what rounding of a composite is relative to."""
    rounded: NDArray[np.bool_]
    """(N, K): rewards that a sum may round, so that equal ones may leave a residue."""
    composite_rounded: NDArray[np.bool_]
    """(N,): likewise of composites, whose weights may be what is rounded."""

    @cached_property
    def of_groups(self) -> Deviations:
        """Composites within their groups."""
        return self._composites(self.groups)

    @cached_property
    def of_batches(self) -> Deviations:
        """Composites within their batches."""
        return self._composites(self.batches)

    def _composites(self, within: Segments) -> Deviations:
        return deviations(self.composites, within, self.size, self.composite_rounded)

    @cached_property
    def of_components(self) -> Deviations:
        """Each component within its groups."""
        size = np.where(np.isnan(self.rewards), 0.0, np.abs(self.rewards))
        return deviations(self.rewards, self.groups, size, self.rounded)

    @cached_property
    def exact(self) -> "Earned":
        """The same, as if no sum were rounded."""
        rounded, composite = (np.zeros_like(x) for x in (self.rounded, self.composite_rounded))
        return replace(self, rounded=rounded, composite_rounded=composite)

    @cached_property
    def incomplete(self) -> NDArray[np.bool_]:
        """(N,): whether a reward is missing in the group."""
        return np.asarray(self.groups.largest(np.isnan(self.rewards))[self.groups.member].any(1))


def earned(
    rewards: NDArray,
    weights: NDArray,
    group: NDArray,
    batch: NDArray | None = None,
    lengths: NDArray | None = None,
) -> Earned:
    """Checked; one batch unless ``batch`` says which update a member belongs to.

    Raises ValueError, naming the field, for shapes that do not match, no members, numbers that are
    not finite, rewards of which a row has none, lengths below 1, and a group in two batches.
    """
    rewards, weights = np.asarray(rewards, float), np.asarray(weights, float)
    if rewards.ndim != 2 or not rewards.size:
        fail("rewards", None, f"array of shape {rewards.shape}", "shape (N, K), N and K at least 1")
    count, components = rewards.shape
    check_shape("weights", weights, (components,), "K")
    check_entries("weights", weights, np.isfinite(weights), "a finite number")
    check_entries("rewards", rewards, ~np.isinf(rewards), "a finite number, or NaN if missing")
    absent = np.isnan(rewards).all(1, keepdims=True)
    check_entries("rewards", rewards, ~(absent & np.ones_like(rewards, bool)), "one in each row")
    group = np.asarray(group)
    check_shape("group", group, (count,), "N")
    batch = np.zeros(count, int) if batch is None else np.asarray(batch)
    check_shape("batch", batch, (count,), "N")
    if lengths is not None:
        lengths = np.asarray(lengths, float)
        check_shape("lengths", lengths, (count,), "N")
        good = np.isfinite(lengths) & (lengths >= 1)
        check_entries("lengths", lengths, good, "at least 1 token")
    groups, batches = segments(group), segments(batch)
    _check_groups(groups, batches)
    there = np.where(np.isnan(rewards), 0.0, rewards)
    rounded = there * GRID % 1 != 0
    summed = (rounded | (weights * GRID % 1 != 0)).any(1)
    size = np.abs(there) @ np.abs(weights)
    composites = there @ weights
    return Earned(rewards, weights, groups, batches, lengths, composites, size, rounded, summed)


def _check_groups(groups: Segments, batches: Segments) -> None:
    lowest = np.minimum.reduceat(batches.member[groups.order], groups.starts)
    mixed = np.flatnonzero(lowest[groups.member] != batches.member)
    if mixed.size:
        fail("group", mixed[0], "in two batches", "labels that differ between batches")
