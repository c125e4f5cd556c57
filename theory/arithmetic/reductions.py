"""Rules that add up, multiply or compare along axes."""

import operator
from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np
from flint import arb, fmpq, fmpq_mat

from grpo_checks.theory.arithmetic import numbers
from grpo_checks.theory.arithmetic.elementwise import EXACT, are_rational, have_no_zero, mapped
from grpo_checks.theory.arithmetic.logic import (
    DECIDED,
    REFUSED,
    both,
    certainly_before,
    one_of,
    settled,
    truths,
)
from grpo_checks.theory.arithmetic.registry import Values, is_real, objects, rule
from grpo_checks.theory.numbers.balls import Number


def _rows(x: Values, axes: Any) -> tuple[Values, tuple[int, ...]]:
    """The entries to be reduced as the rows of a matrix, and the shape that remains."""
    kept = tuple(i for i in range(x.ndim) if i not in axes)
    shape = tuple(x.shape[i] for i in kept)
    return np.transpose(x, (*kept, *axes)).reshape(int(np.prod(shape)), -1), shape


def _reduction(
    name: str, real: Callable[..., Any], start: Any, integer: Callable[..., Any], kind: str = EXACT
) -> None:
    def evaluate(x: Values, *, axes: Any, **_: Any) -> Values:
        if not is_real(x) and x.size:
            return np.asarray(integer(x, axis=tuple(axes)), x.dtype)
        rows, shape = _rows(x, axes)
        return objects([reduce(real, row, start) for row in rows], shape)

    rule(kind, name)(evaluate)


_reduction("reduce_sum", operator.add, fmpq(0), np.sum)
_reduction("reduce_prod", numbers.times, fmpq(1), np.prod)
_reduction("reduce_max", numbers.larger, arb.neg_inf(), np.max)
_reduction("reduce_min", numbers.smaller, arb.pos_inf(), np.min)


def _truth_reduction(name: str, truth: Callable[..., Any], start: Any) -> None:
    def evaluate(x: Values, *, axes: Any, **_: Any) -> Values:
        rows, shape = _rows(truths(x), tuple(axes))
        return settled(objects([reduce(truth, row, start) for row in rows], shape))

    rule(DECIDED, name)(evaluate)


_truth_reduction("reduce_and", both, True)
_truth_reduction("reduce_or", one_of, False)


def _first_extreme(sign: int) -> Callable[..., Values]:
    def evaluate(x: Values, *, axes: Any, index_dtype: Any, **_: Any) -> Values:
        rows, shape = _rows(x, axes)
        places = []
        for row in rows:
            best = 0
            for i in range(1, len(row)):
                if sign * certainly_before(row[best], row[i]) < 0:
                    best = i
            places.append(best)
        return np.array(places, index_dtype).reshape(shape)

    return evaluate


rule(REFUSED, "argmax")(_first_extreme(1))
rule(REFUSED, "argmin")(_first_extreme(-1))


def _cumulative(name: str, real: Callable[..., Any], integer: Callable[..., Any]) -> None:
    def evaluate(x: Values, *, axis: int, reverse: bool, **_: Any) -> Values:
        lines = np.moveaxis(np.flip(x, axis) if reverse else x, axis, 0).copy()
        for i in range(1, len(lines)):
            pair = lines[i - 1, ...], lines[i, ...]
            lines[i, ...] = mapped(real, *pair) if is_real(x) else integer(*pair)
        back = np.moveaxis(lines, 0, axis)
        return np.flip(back, axis) if reverse else back

    rule(EXACT, name)(evaluate)


_cumulative("cumsum", operator.add, np.add)
_cumulative("cumprod", numbers.times, np.multiply)
_cumulative("cummax", numbers.larger, np.maximum)
_cumulative("cummin", numbers.smaller, np.minimum)


def _inner(x: Values, y: Values) -> Number:
    """A sum of products; a product with a rational 0 costs nothing."""
    total: Number = fmpq(0)
    for a, b in zip(x, y, strict=True):
        if not (isinstance(a, fmpq) and a == 0 and isinstance(b, fmpq)):
            total = total + numbers.times(a, b)
    return total


def _sum_of_products(x: Values, y: Values) -> Number:
    """The same where no entry is a rational 0."""
    return sum(map(operator.mul, x, y), fmpq(0))


def _products(x: Values, y: Values) -> list[Number]:
    """Of the rows of one matrix with those of another, in turn; of fractions by FLINT."""
    if x.size and y.size and are_rational(x, y):
        left, right = (fmpq_mat(len(z), z.shape[1], z.ravel().tolist()) for z in (x, y))
        return list((left * right.transpose()).entries())
    inner = _sum_of_products if have_no_zero(x, y) else _inner
    return [inner(a, b) for a in x for b in y]


@rule(EXACT, "dot_general")
def dot(x: Values, y: Values, *, dimension_numbers: Any, **_: Any) -> Values:
    """Batch dimensions first, then the free ones of x, then those of y."""
    (contract_x, contract_y), (batch_x, batch_y) = dimension_numbers
    left, free_x = _arranged(x, batch_x, contract_x)
    right, free_y = _arranged(y, batch_y, contract_y)
    batch = tuple(x.shape[i] for i in batch_x)
    shape = (*batch, *free_x, *free_y)
    if not is_real(x) and not is_real(y):
        return np.einsum("bij,bkj->bik", left, right).reshape(shape)
    entries = [e for pair in zip(left, right, strict=True) for e in _products(*pair)]
    return objects(entries, shape)


def _arranged(
    x: Values, batch: tuple[int, ...], contract: tuple[int, ...]
) -> tuple[Values, tuple[int, ...]]:
    """As (batch, free, contracted), and the sizes of the free dimensions."""
    free = [i for i in range(x.ndim) if i not in (*batch, *contract)]
    sizes = tuple(x.shape[i] for i in free)
    size = lambda axes: int(np.prod([x.shape[i] for i in axes], dtype=int))  # noqa: E731
    moved = np.transpose(x, (*batch, *free, *contract))
    return moved.reshape(size(batch), size(free), size(contract)), sizes
