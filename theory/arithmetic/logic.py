"""Rules for questions: comparisons, truth values, choices. What overlaps is not decided."""

import operator
from collections.abc import Callable
from functools import cmp_to_key
from typing import Any

import numpy as np
from flint import arb, fmpq

from grpo_checks.theory.arithmetic import numbers
from grpo_checks.theory.arithmetic.elementwise import mapped
from grpo_checks.theory.arithmetic.registry import Refused, Values, decided, is_real, objects, rule
from grpo_checks.theory.numbers.balls import Number

DECIDED = "None where balls overlap"
HULL = "hull where undecided"
REFUSED = "refused where undecided"


def less(x: Number, y: Number) -> bool | None:
    """Whether x < y; None where the balls do not say."""
    if x < y:
        return True
    return False if x >= y else None


def equal(x: Number, y: Number) -> bool | None:
    """Whether x = y; two balls never say so."""
    if isinstance(x, fmpq) and isinstance(y, fmpq):
        return bool(x == y)
    if x < y or x > y:
        return False
    infinite = arb(x) == arb(y) and not arb(x).is_finite()
    return True if infinite or (arb(x).is_exact() and arb(x) == arb(y)) else None


def negated(truth: bool | None) -> bool | None:
    """Not; None stays None."""
    return None if truth is None else not truth


def both(x: bool | None, y: bool | None) -> bool | None:
    """And, of three values."""
    if x is False or y is False:
        return False
    return None if x is None or y is None else True


def one_of(x: bool | None, y: bool | None) -> bool | None:
    """Or, of three values."""
    return negated(both(negated(x), negated(y)))


def truths(values: Values) -> Values:
    """Truth values as Python's own, so that None can stand beside them."""
    return values if values.dtype == object else mapped(bool, values)


def settled(values: Values) -> Values:
    """Booleans where all is decided, else as it is."""
    return values if any(x is None for x in values.flat) else values.astype(bool)


def _comparison(name: str, real: Callable[..., bool | None], integer: Callable[..., Any]) -> None:
    def evaluate(x: Values, y: Values, **_: Any) -> Values:
        if is_real(x) or is_real(y):
            return settled(mapped(real, x, y))
        return np.asarray(integer(decided(x, name), decided(y, name)))

    rule(DECIDED, name)(evaluate)


_comparison("lt", less, operator.lt)
_comparison("gt", lambda x, y: less(y, x), operator.gt)
_comparison("le", lambda x, y: negated(less(y, x)), operator.le)
_comparison("ge", lambda x, y: negated(less(x, y)), operator.ge)
_comparison("eq", equal, operator.eq)
_comparison("ne", lambda x, y: negated(equal(x, y)), operator.ne)


def _connective(name: str, truth: Callable[..., bool | None], integer: Callable[..., Any]) -> None:
    def evaluate(*operands: Values, **_: Any) -> Values:
        if all(x.dtype.kind in "iu" for x in operands):
            return np.asarray(integer(*operands))
        return settled(mapped(truth, *map(truths, operands)))

    rule(DECIDED, name)(evaluate)


_connective("and", both, operator.and_)
_connective("or", one_of, operator.or_)
_connective("not", negated, operator.invert)
_connective("xor", lambda x, y: None if None in (x, y) else x != y, operator.xor)


@rule(DECIDED, "is_finite")
def finite(x: Values, **_: Any) -> Values:
    """Whether numbers are finite."""
    return settled(mapped(numbers.is_finite, x))


@rule(HULL, "select_n")
def select(which: Values, *cases: Values, **_: Any) -> Values:
    """The case that is chosen; where that is not decided, a hull of all of them."""
    if which.dtype.kind in "iu":
        table = np.stack(cases)
        return np.asarray(
            np.take_along_axis(table, np.broadcast_to(which, cases[0].shape)[None], 0)[0]
        )
    chosen = np.broadcast_to(truths(which), cases[0].shape)
    picked = [_chosen(*xs) for xs in zip(chosen.flat, *(c.flat for c in cases), strict=True)]
    if cases[0].dtype == object or cases[1].dtype == object:
        return objects(picked, cases[0].shape)
    return np.array(picked, cases[0].dtype).reshape(cases[0].shape)


def _chosen(which: bool | None, no: Any, yes: Any) -> Any:
    if which is not None:
        return yes if which else no
    if isinstance(no, fmpq | arb) and isinstance(yes, fmpq | arb):
        return numbers.union(no, yes)
    if no is None or yes is None or no == yes:
        return no
    if isinstance(no, bool | np.bool_):
        return None
    raise Refused("select_n: undecided between two integers")


def certainly_before(x: Any, y: Any) -> int:
    """-1, 0 or 1 as x is below, at or above y. Raises Refused where that is not decided."""
    if x < y:
        return -1
    if y < x:
        return 1
    if isinstance(x, arb | fmpq) and not equal(x, y):
        raise Refused("order: undecided, the balls overlap")
    return 0


@rule(REFUSED, "sort")
def sort(*operands: Values, dimension: int, num_keys: int, **_: Any) -> list[Values]:
    """Along a dimension by the first ``num_keys`` operands; ties keep their order."""
    rows = [np.moveaxis(x, dimension, -1).copy() for x in operands]
    for place in np.ndindex(rows[0].shape[:-1]):
        order = _order([row[place] for row in rows[:num_keys]])
        for row in rows:
            row[place] = row[place][order]
    return [np.moveaxis(row, -1, dimension) for row in rows]


def _order(columns: list[Values]) -> list[int]:
    keys = list(zip(*columns, strict=True))
    by_key = cmp_to_key(_lexical)
    return sorted(range(len(keys)), key=lambda place: by_key(keys[place]))


def _lexical(first: tuple[Any, ...], second: tuple[Any, ...]) -> int:
    for x, y in zip(first, second, strict=True):
        if order := certainly_before(x, y):
            return order
    return 0
