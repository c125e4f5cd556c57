"""The smallest and roundest document that still violates a claim."""

import copy
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

from grpo_checks.experiments.protocol.points import Document

Path = tuple[Any, ...]
LARGEST = 20
"""Denominators tried for every number, from 1 on."""


def leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Fraction]]:
    """All numbers of a document with where they stand; names and flags are no numbers."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, (*path, key))
    elif isinstance(value, list | tuple):
        for i, inner in enumerate(value):
            yield from leaves(inner, (*path, i))
    elif not isinstance(value, bool):
        try:
            yield path, Fraction(value)
        except (ValueError, TypeError):
            return


def size(document: Document) -> tuple[int, int]:
    """How many numbers a document has, and how long they are: what is made small, in this order."""
    numbers = [number for _, number in leaves(document)]
    return len(numbers), sum(abs(n.numerator) + 3 * n.denominator for n in numbers)


def written(number: Fraction) -> int | str:
    """A number as documents write it."""
    return int(number) if number.denominator == 1 else str(number)


def _with(document: Document, path: Path, number: Fraction) -> Document:
    changed: Any = copy.deepcopy(dict(document))
    at = changed
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = written(number)
    return changed


def rounder(document: Document) -> Iterator[Document]:
    """Documents with one number replaced by a shorter one."""
    for path, number in leaves(document):
        near = {number.limit_denominator(k) for k in range(1, LARGEST + 1)}
        near |= {Fraction(int(number) // k) for k in (1, 2, 3, 10)}
        # Far from an end where the number itself is next to one.
        near |= {Fraction(0), Fraction(1, 2), Fraction(1)}
        short = [n for n in near if abs(n.numerator) + 3 * n.denominator < _length(number)]
        for candidate in sorted(short, key=_length):
            yield _with(document, path, candidate)


def _length(number: Fraction) -> int:
    return abs(number.numerator) + 3 * number.denominator


def shrunk(
    document: Document,
    violates: Callable[[Document], bool],
    simpler: Callable[[Document], Any],
    expired: Callable[[], bool] = lambda: False,
) -> Document:
    """Greedy: take any smaller document that still violates, until none is left or time is up."""
    while True:
        for candidate in (*simpler(document), *rounder(document)):
            if expired():
                return document
            if size(candidate) < size(document) and violates(candidate):
                document = candidate
                break
        else:
            return document
