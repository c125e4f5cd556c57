"""All ways in which n i.i.d. tasks fall into Z types: count vectors and their probabilities.

Count vectors are numbered in lexicographic order and computed from their number alone, so that
millions of them can be visited piece by piece.
"""

from math import comb
from operator import index
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, xlogy

MAX_TASKS = 10**8
MAX_VECTORS = 10**8
Floats = NDArray[np.float64]


def check_tasks(n: Any, field: str = "n") -> None:
    """Raises ValueError, naming the field, unless ``n`` is a whole number of tasks in 1..10^8."""
    try:
        valid = not isinstance(n, bool) and 1 <= index(n) <= MAX_TASKS
    except TypeError:
        valid = False
    if not valid:
        raise ValueError(f"{field} = {n!r}: expected a whole number of tasks in 1..{MAX_TASKS}")


def n_vectors(n: int, types: int) -> int:
    """How many there are, C(n+Z-1, Z-1). Raises ValueError beyond 10^8."""
    check_tasks(n)
    if types < 1:
        raise ValueError(f"types = {types}: expected at least 1")
    count = comb(n + types - 1, types - 1)
    if count > MAX_VECTORS:
        raise ValueError(
            f"n = {n}, types = {types}: {count} count vectors, expected at most {MAX_VECTORS}"
        )
    return count


def count_vectors(n: int, types: int, first: int = 0, last: int | None = None) -> NDArray[np.int64]:
    """Count vectors number first..last-1, shape (last - first, Z); rows sum to n.

    With Z parts left for r tasks, T_Z(r) = C(r+Z-1, Z-1) vectors, of which those that leave at
    most s tasks to the other Z-1 parts are the last T_Z(s): one search per part.
    """
    total = n_vectors(n, types)
    number = np.arange(first, total if last is None else min(last, total))
    left = np.full(number.shape, n)
    parts = np.zeros((number.size, types), dtype=np.int64)
    for part in range(types - 1):
        table = np.array([comb(r + types - part - 1, types - part - 1) for r in range(n + 1)])
        behind = table[left] - number
        rest = np.searchsorted(table, behind)
        parts[:, part] = left - rest
        number, left = table[rest] - behind, rest
    parts[:, types - 1] = left
    return parts


def chance_roundings(n: int, chance: NDArray[np.float64]) -> float:
    """In exp(``log_chances``): an absolute error of a sum of logarithms is a relative one there."""
    seen = chance[chance > 0]
    largest = 2 * float(gammaln(n + 2)) - n * float(np.log(seen.min()))
    # gammaln is right to a few units in the last place, and so is a logarithm.
    return (chance.size + 8) * (1 + largest)


def failing(
    bound: Floats, risk: Floats, weight: Floats, error: Floats | float, share: float
) -> tuple[float, float]:
    """P(bound < risk) and its rounding error, over samples of probabilities ``weight``.

    ``error``: of bound - risk; a bound of 1 cannot fail. ``share``: of the weights, relative.
    """
    near = float(weight[(np.abs(bound - risk) <= error) & (bound < 1)].sum())
    probability = float(weight[bound < risk].sum())
    return probability, near + share * (probability + near)


def log_chances(counts: NDArray[np.int64], chance: NDArray[np.float64]) -> NDArray[np.float64]:
    """log multinomial probability of each count vector (B,Z) under type probabilities (Z,)."""
    n = int(counts[0].sum()) if len(counts) else 0
    log_factorial = gammaln(np.arange(n + 2) + 1.0)
    return np.asarray(
        log_factorial[n] - log_factorial[counts].sum(-1) + xlogy(counts, chance).sum(-1)
    )


def quantile(values: Floats, weight: Floats, delta: float) -> float:
    """The smallest value v with P(value > v) <= delta."""
    order = np.argsort(values)
    # Summed from the far end: the tail is small, and must not drown in rounding.
    tail = np.cumsum(weight[order][::-1])[::-1]
    above = np.append(tail[1:], 0.0)
    return float(values[order][np.argmax(above <= delta)])
