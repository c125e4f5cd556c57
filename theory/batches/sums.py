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
    if not rows.shape[1]:
        return rows[:1], np.zeros(len(rows), np.int64)
    if np.issubdtype(rows.dtype, np.integer):
        different, index = np.unique(rows, axis=0, return_inverse=True)
        return different, index.reshape(-1)
    places = np.stack([_places(column) for column in rows.T], 1)
    _, first, index = np.unique(places, axis=0, return_index=True, return_inverse=True)
    return rows[first], index.reshape(-1)


def _places(column: Floats) -> NDArray[np.int64]:
    """The rank of each number, equal ones having one."""
    order = np.argsort(column, kind="stable")
    gap = np.diff(column[order]) > EQUAL * np.abs(column).max(initial=0)
    place = np.empty(len(column), np.int64)
    place[order] = np.concatenate([[0], gap.cumsum()])
    return place


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
    flat = np.zeros(1, np.int64)
    for _ in range(draws):
        flat = np.unique(np.concatenate([flat, *(flat + m for m in np.unique(move))]))
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
