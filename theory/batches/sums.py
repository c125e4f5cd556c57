"""All sums that up to n draws can have, of whole numbers or of others.

Whole numbers have a lattice: a box with a place for each sum, or a list where the box is large and
mostly empty. Sums of other numbers are listed draw by draw, equal ones merged by tolerance; what is
kept is one of them, unrounded.
"""

from math import comb

import jax
import numpy as np
from numpy.typing import NDArray

from grpo_checks.theory.batches.members import Floats, Numbers, Whole
from grpo_checks.theory.batches.totals import check_entries
from grpo_checks.theory.estimators.group_law import MAX_ENTRIES
from grpo_checks.theory.estimators.lattice import Lattice, dense_size, lattice

LARGEST_BOX = 2**62
EQUAL = 2.0**-40
"""Of the largest number: 4096 roundings, far above what sums of a batch have, and far below the
distance of different ones."""


def distinct(rows: Numbers) -> tuple[Numbers, NDArray[np.int64]]:
    """Different rows of (N, k), and which of them each row is."""
    rank, different = np.zeros(len(rows), np.int64), np.zeros(1, np.int64)
    for column in rows.T:
        # A column at a time: whole numbers are sorted much faster than rows.
        flat = rank * len(rows) + _ranks(column)
        _, different, rank = np.unique(flat, return_index=True, return_inverse=True)
    return rows[different], rank


def _ranks(column: Numbers) -> NDArray[np.int64]:
    """Of each number, equal ones having one."""
    if np.issubdtype(column.dtype, np.integer):
        return np.unique(column, return_inverse=True)[1]
    order = np.argsort(column)
    gap = np.diff(column[order]) > EQUAL * np.abs(column).max(initial=0)
    rank = np.empty(len(column), np.int64)
    rank[order] = np.concatenate([[0], gap.cumsum()])
    return rank


def whole_lattice(steps: Whole, draws: int, what: str, most: int | None = None) -> Lattice:
    """As ``lattice``; ``most``: an upper bound on the sums, if one is known.

    Raises ValueError, with the cost, where it would be too large.
    """
    box, kinds = dense_size(steps, draws), len(np.unique(steps, axis=0))
    if box * len(steps) <= MAX_ENTRIES:
        return lattice(steps, draws)
    bounds = [box, comb(draws + kinds, kinds), most or box]
    check_entries(what, min(bounds) * len(steps))
    check_entries(what, box if box >= LARGEST_BOX else 0)
    shape = tuple(draws * int(side) + 1 for side in steps.max(0))
    move = np.ravel_multi_index(tuple(steps.T), shape)
    flat = fresh = np.zeros(1, np.int64)
    for _ in range(draws):
        # What follows a sum of fewer draws is in the list already.
        after = np.unique((fresh[:, None] + np.unique(move)[None]).reshape(-1))
        fresh = np.setdiff1d(after, flat, assume_unique=True)
        flat = np.concatenate([flat, fresh])
    flat.sort()
    point = np.stack(np.unravel_index(flat, shape), 1)
    inside = (point[:, None] >= steps[None]).all(-1)
    before = flat[:, None] - move[None]
    number = np.minimum(np.searchsorted(flat, before), len(flat) - 1)
    known = inside & (flat[number] == before)
    source = np.where(known, number, len(flat)).astype(np.int32)
    return Lattice(*jax.device_put((point, source)))


def listed(keys: Floats, draws: int, what: str) -> tuple[Lattice, Floats]:
    """Of numbers that are not whole, ``keys (K, k)``, and the sums (N, k) themselves.

    The lattice's points have no coordinates. Raises ValueError, with the cost, where there are too
    many, and where sums lie so close that it is not clear which are equal.
    """
    sums: Numbers = np.zeros((1, keys.shape[1]))
    every, start, sources = [sums], 0, [np.full((1, len(keys)), -1)]
    for _ in range(draws):
        check_entries(what, len(sums) * len(keys))
        after, index = distinct((sums[:, None] + keys[None]).reshape(-1, keys.shape[1]))
        check_entries(what, len(after) * len(keys))
        source = np.full((len(after), len(keys)), -1)
        column = np.tile(np.arange(len(keys)), len(sums))
        source[index, column] = start + np.repeat(np.arange(len(sums)), len(keys))
        if (source >= 0).sum() < len(index):
            raise ValueError(f"{what}: expected different sums to differ by {EQUAL:.0e}")
        start, sums = start + len(sums), after
        sources.append(source)
        every.append(after)
    source = np.concatenate(sources)
    source = np.where(source < 0, len(source), source).astype(np.int32)
    point = np.zeros((len(source), 0), np.int64)
    return Lattice(*jax.device_put((point, source))), np.concatenate(every)


def all_sums(keys: Numbers, draws: int, what: str) -> tuple[Lattice, Numbers]:
    """Of either kind."""
    if np.issubdtype(keys.dtype, np.integer):
        points = whole_lattice(keys, draws, what)
        return points, np.asarray(points.point)
    return listed(keys, draws, what)
