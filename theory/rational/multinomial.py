"""All ways in which n independent draws fall into kinds, in rational numbers."""

from collections.abc import Iterator, Sequence
from itertools import accumulate, combinations, pairwise
from math import comb, prod

from flint import fmpq

MAX_COUNTS, MAX_DIGITS = 200_000, 10**7
"""More vectors, or vectors of more draws and kinds altogether, are not listed."""


def compositions(size: int, parts: int) -> Iterator[tuple[int, ...]]:
    """Every vector of ``parts`` >= 1 counts >= 0 with this sum, in lexicographic order."""
    last = size + parts - 1
    for bars in combinations(range(last), parts - 1):
        yield tuple(b - a - 1 for a, b in pairwise((-1, *bars, last)))


def check_ways(field: str, size: int, kinds: int) -> None:
    """Raises ValueError, naming ``field``, for too many vectors of counts to list."""
    ways = comb(size + kinds - 1, size)
    if ways > MAX_COUNTS or ways * (size + kinds) > MAX_DIGITS:
        raise ValueError(
            f"{field} = {size}: too many count vectors of {kinds} kinds, expected at most "
            f"{MAX_COUNTS}, or {MAX_DIGITS} draws altogether"
        )


def multinomial(
    field: str, chances: Sequence[fmpq], size: int
) -> Iterator[tuple[fmpq, tuple[int, ...]]]:
    """Chance and counts of every way. Raises ValueError, naming ``field``, for too many to list."""
    check_ways(field, size, len(chances))
    for counts in compositions(size, len(chances)):
        orders = prod(map(comb, accumulate(counts), counts))
        yield prod((p**c for p, c in zip(chances, counts, strict=True)), start=fmpq(orders)), counts
