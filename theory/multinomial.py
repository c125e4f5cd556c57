"""All ways in which n independent draws fall into kinds, in rational numbers."""

from collections.abc import Iterator, Sequence
from math import comb, factorial, prod

from flint import fmpq

MAX_COUNTS = 200_000
"""More are not listed."""


def compositions(size: int, parts: int) -> Iterator[tuple[int, ...]]:
    """Every vector of ``parts`` >= 1 counts >= 0 with this sum."""
    if parts == 1:
        yield (size,)
        return
    for first in range(size + 1):
        for rest in compositions(size - first, parts - 1):
            yield (first, *rest)


def multinomial(
    field: str, chances: Sequence[fmpq], size: int
) -> Iterator[tuple[fmpq, tuple[int, ...]]]:
    """Chance and counts of every way. Raises ValueError, naming ``field``, for too many to list."""
    ways = comb(size + len(chances) - 1, size)
    if ways > MAX_COUNTS:
        raise ValueError(f"{field} = {size}: {ways} count vectors, expected at most {MAX_COUNTS}")
    for counts in compositions(size, len(chances)):
        orders = factorial(size) // prod(map(factorial, counts))
        yield prod((p**c for p, c in zip(chances, counts, strict=True)), start=fmpq(orders)), counts
