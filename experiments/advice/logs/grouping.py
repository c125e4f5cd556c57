"""Groups of a log: rows of one prompt at one step, and windows of steps."""

from collections import Counter
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from grpo_checks.experiments.advice.logs.reading import LogRows
from grpo_checks.experiments.storage.text import counted
from grpo_checks.theory.logs.groups import Groups, grouped

Ints = NDArray[np.int64]
LEAST, MOST = 64, 8
"""Groups of a window, and windows, unless a user asks for another number."""


class Window(NamedTuple):
    """Groups of some steps in a row, in the order of the run."""

    groups: Groups
    step: Ints
    """(M,) of each group."""
    length: NDArray[np.float64]
    """(N,) of each row, NaN where unknown."""
    advantage: NDArray[np.float64]
    """(N,) of each row, NaN where unknown."""
    place: NDArray[np.int64]
    """(N,) of each row in the files."""


class Grouped(NamedTuple):
    """The whole log."""

    windows: list[Window]
    group_size: int
    """G, the size of most groups."""
    notes: tuple[str, ...]
    """One line each, with counts."""


def _labels(rows: LogRows) -> tuple[Ints, NDArray[np.int64]]:
    """The order of rows that brings groups together, steps first, and the label of each there."""
    order = np.lexsort((rows.prompt, rows.step))
    return order, _numbered(rows.step[order], rows.prompt[order])


def _numbered(first: NDArray[Any], second: NDArray[Any]) -> Ints:
    """0, 1, ...: a number for each run of rows that have both in common."""
    new = (first[1:] != first[:-1]) | (second[1:] != second[:-1])
    return np.r_[0, np.cumsum(new)]


def _split(labels: Ints, size: int) -> tuple[Ints, int]:
    """Labels with groups of several times ``size`` cut in the order of their rows; how many."""
    counts = np.bincount(labels)
    several = (counts > size) & (counts % size == 0) & (size > 1)
    rank = np.arange(labels.size) - np.repeat(np.cumsum(counts) - counts, counts)
    part = np.where(several[labels], rank // size, 0)
    return _numbered(labels, part), int(several.sum())


def common_size(counts: Ints) -> int:
    """Of most groups; of equally frequent sizes the smaller, of which the other is a multiple."""
    frequent = Counter(counts.tolist())
    return max(frequent, key=lambda size: (frequent[size], -size))


def group_rows(
    rows: LogRows, weights: NDArray[np.float64], windows: int | None, group_size: int | None
) -> Grouped:
    """Groups by step and prompt. Raises ValueError where no group has two rows."""
    order, labels = _labels(rows)
    size = group_size or common_size(np.bincount(labels))
    labels, repeated = _split(labels, size)
    counts = np.bincount(labels)
    if counts.max() < 2:
        raise ValueError(
            f"{counts.size:,} groups of one row: expected several rows for each step and prompt; "
            "name the column that says so with --columns group=NAME or prompt=NAME"
        )
    step = rows.step[order][np.cumsum(counts) - counts].astype(np.int64)
    notes = _notes(counts, size, repeated)
    ranges = _windows(step, windows)
    ends = np.cumsum(counts)
    parts = []
    for first, last in ranges:
        cut = slice(int(ends[first] - counts[first]), int(ends[last - 1]))
        chosen = order[cut]
        groups = grouped(rows.rewards[chosen].astype(float), weights, labels[cut])
        length = rows.length[chosen].astype(float)
        parts.append(Window(groups, step[first:last], length, rows.advantage[chosen], chosen))
    return Grouped(parts, size, notes)


def _notes(counts: Ints, size: int, repeated: int) -> tuple[str, ...]:
    short, long = int((counts < size).sum()), int((counts > size).sum())
    notes = [f"{counted(counts.size, 'group')}, {int((counts == size).sum()):,} of {size} rows"]
    if repeated:
        notes.append(
            f"{counted(repeated, 'prompt occurs', 'prompts occur')} more than once in a step: cut "
            f"into groups of {size} in the order of their rows"
        )
    if short:
        notes.append(
            f"{counted(short, 'group has', 'groups have')} fewer than {size} rows: what rows tell "
            "counts, not what needs a full group"
        )
    if long:
        notes.append(
            f"{counted(long, 'group has', 'groups have')} more than {size} rows, no multiple of "
            "it: kept whole"
        )
    return tuple(notes)


def _windows(step: Ints, windows: int | None) -> list[tuple[int, int]]:
    """Ranges of groups, whole steps, of about equally many groups."""
    begins = np.flatnonzero(np.r_[True, step[1:] != step[:-1]])
    count = windows or max(1, min(MOST, step.size // LEAST))
    if windows is not None and not 1 <= windows <= begins.size:
        raise ValueError(f"windows = {windows}: expected 1..{begins.size}, the number of steps")
    count = min(count, begins.size)
    aims = np.arange(1, count) * step.size / count
    cuts = begins[np.clip(np.searchsorted(begins, aims), 0, begins.size - 1)]
    ends = np.unique(np.r_[0, cuts, step.size])
    return list(zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True))
