"""All zeros in (0, 1) of a polynomial whose values are known as balls, each in an interval.

By its Bernstein coefficients: as many zeros as they change sign, or an even number less (Descartes'
rule), so none without a change and exactly one with one; intervals with more are cut in two
(after Lane and Riesenfeld, and Mourrain, Rouillier and Roy).
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from math import comb

from flint import fmpq, fmpq_mat

from grpo_checks.theory.numbers.balls import Number, total

DEPTH = 48
"""Cuts one within another, at most."""
CUTS = (fmpq(1, 2), fmpq(15, 32), fmpq(17, 32))
"""Where an interval is cut: at the first where the sign is certain."""
Interval = tuple[fmpq, fmpq]
UNIT = (fmpq(0), fmpq(1))


def coefficients(polynomial: Callable[[fmpq], Number], degree: int) -> list[Number]:
    """In Bernstein form on [0, 1], from the values at degree + 1 points."""
    points = [fmpq(j + 1, degree + 2) for j in range(degree + 1)]
    rows = [
        [comb(degree, k) * z**k * (1 - z) ** (degree - k) for k in range(degree + 1)]
        for z in points
    ]
    inverse = fmpq_mat(rows).inv().tolist()
    values = [polynomial(z) for z in points]
    return [total(x * y for x, y in zip(row, values, strict=True)) for row in inverse]


def value(values: Sequence[Number], z: fmpq) -> Number:
    """Of the polynomial with these coefficients."""
    return _cut(values, z)[0][-1]


def isolated(
    values: Sequence[Number], within: Interval = UNIT, depth: int = DEPTH
) -> list[Interval] | None:
    """Intervals with one zero each, of different signs at their ends, which together have all.

    None where that is not decided: a coefficient that may be 0, a zero that is not simple.
    """
    changes = _changes(values)
    if changes is None or depth == 0:
        return None
    if changes == 0:
        return []
    if changes == 1 and values[0] != 0 and values[-1] != 0:
        return [within]
    for cut in CUTS:
        left, right = _cut(values, cut)
        if not (left[-1] > 0 or left[-1] < 0):
            continue
        low, high = within
        middle = low + cut * (high - low)
        halves = (
            isolated(left, (low, middle), depth - 1),
            isolated(right, (middle, high), depth - 1),
        )
        return None if halves[0] is None or halves[1] is None else halves[0] + halves[1]
    return None


def _changes(values: Sequence[Number]) -> int | None:
    """Of sign; None where one is not certain, or all are 0."""
    signs = [1 if x > 0 else -1 for x in values if x != 0 or not isinstance(x, fmpq)]
    certain = all(x > 0 or x < 0 or (isinstance(x, fmpq) and x == 0) for x in values)
    return sum(a != b for a, b in pairwise(signs)) if signs and certain else None


def _cut(values: Sequence[Number], cut: fmpq) -> tuple[list[Number], list[Number]]:
    """Coefficients on both parts, by de Casteljau's scheme."""
    left, right, row = [], [], list(values)
    while row:
        left.append(row[0])
        right.append(row[-1])
        row = [x * (1 - cut) + y * cut for x, y in pairwise(row)]
    return left, right[::-1]
