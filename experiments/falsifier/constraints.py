"""What numbers a field of a point may have, how it is reached from unbounded reals, and read.

After the constraints and bijections of numpyro: a claim names them, and a falsifier needs no more.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flint import fmpq
from scipy.special import expit

from grpo_checks.experiments.falsifier.rounding import (
    Floats,
    near,
    near_chance,
    odds,
    positive,
    table,
    unit,
)
from grpo_checks.experiments.protocol.points import Document
from grpo_checks.theory.arithmetic.enclose import exact
from grpo_checks.theory.numbers import fields
from grpo_checks.theory.numbers.fields import ANY, INSIDE, POSITIVE, UNIT, Range
from grpo_checks.theory.numbers.rationals import abridged

FEATURE = 2
"""The largest of log-linear policies."""


def bounded(x: Any, most: float) -> Any:
    """x near zero, within -most..most wherever a climb goes: beyond, float64 has no digits left."""
    return most * jnp.tanh(x / most)


class Constraint(NamedTuple):
    """What numbers a field may have, and how it is reached from unbounded reals."""

    axes: tuple[str, ...]
    from_reals: Callable[[Any], Any]
    """A bijection from R^n, or onto its interior; in JAX."""
    rounded: Callable[[Floats, int], Any]
    """The numbers of a document near such reals, with denominators up to a number."""
    within: Range | None
    """None for chances, which are read as proportions."""
    support: bool = True
    """Of chances: whether none may be 0."""
    default: int | None = None
    """Of a field that may be left out."""

    def usual(self, ones: Any) -> Any:
        """``default`` in all places of an array."""
        assert self.default is not None
        return self.default * ones / (ones.shape[-1] if self.within is None else 1)


def interval(*axes: str, default: int | None = None) -> Constraint:
    """Numbers in [0, 1]."""
    return Constraint(axes, jax.nn.sigmoid, lambda x, n: table(x, unit, n), UNIT, default=default)


def above_zero(*axes: str, default: int | None = None) -> Constraint:
    """Numbers > 0."""
    return Constraint(axes, jnp.exp, lambda x, n: table(x, positive, n), POSITIVE, default=default)


def inside(*axes: str) -> Constraint:
    """Numbers in (0, 1)."""

    def rounded(x: Floats, n: int) -> Any:
        return table(x, lambda v, m: near_chance(expit(v), m), n)

    return Constraint(axes, jax.nn.sigmoid, rounded, INSIDE)


def simplex(*axes: str, support: bool = True, default: int | None = None) -> Constraint:
    """Chances along the last axis; only their proportions are written. By ``default``, which is 1,
    all alike."""
    least = 1 if support else 0

    def rounded(x: Floats, n: int) -> Any:
        return odds(x, n, least) if x.ndim == 1 else [rounded(row, n) for row in x]

    return Constraint(axes, jax.nn.softmax, rounded, None, support, default)


def integers(*axes: str) -> Constraint:
    """Whole numbers in -2..2, which a climb leaves where it started."""
    return Constraint(
        axes,
        lambda x: jnp.round(FEATURE * jnp.tanh(x)),
        lambda x, n: table(x, lambda v, _: round(FEATURE * float(np.tanh(v))), n),
        Range(f"a whole number in -{FEATURE}..{FEATURE}", lambda x: x.q == 1 and abs(x) <= FEATURE),
    )


def through(
    from_reals: Callable[[Any], Any],
    rounded: Callable[[Any, int], Any],
    within: Range,
    *axes: str,
    default: int | None = None,
) -> Constraint:
    """Numbers that a map in JAX reaches, each rounded by itself."""

    def near_reals(x: Floats, n: int) -> Any:
        return table(np.asarray(from_reals(x)), rounded, n)

    return Constraint(axes, from_reals, near_reals, within, default=default)


def real(*axes: str) -> Constraint:
    """Numbers."""
    return through(lambda x: x, near, ANY, *axes)


class Option(NamedTuple):
    """A field that is no array of reals: a whole number, a name, a fraction that is not climbed."""

    read: Callable[[Document, str], Any]
    """From a document with the field. Raises ValueError, naming it."""
    default: Any = None


def integer(least: int, most: int, default: int | None = None) -> Option:
    """A whole number in ``least``..``most``."""
    return Option(lambda document, name: fields.integer(document, name, least, most), default)


def boolean() -> Option:
    """True or false, false where it is left out."""
    return Option(fields.flag, False)


def one_of(*names: str, default: str | None = None) -> Option:
    """A name."""
    return Option(lambda document, name: fields.one_of(document, name, names), default)


def fraction(within: Range, default: int | None = None) -> Option:
    """A rational number."""
    return Option(lambda document, name: fields.number(name, document[name], within), default)


def read_array(
    constraint: Constraint, name: str, document: Document, lengths: dict[str, tuple[str, int]]
) -> Any:
    """One array, whose lengths are kept for others of the same axes."""
    if name not in document and constraint.default is not None:
        shape = tuple(lengths[axis][1] for axis in constraint.axes)
        return exact(constraint.usual(np.full(shape, fmpq(1))))
    value = fields.entry(document, name)
    rows = _nested(name, value, constraint, len(constraint.axes))
    array = exact(np.asarray(rows, object))
    for axis, length in zip(constraint.axes, array.shape, strict=True):
        other, known = lengths.setdefault(axis, (name, length))
        if known != length:
            raise ValueError(f"{name}: {length} of {axis}, expected {known} as in {other}")
    return array


def _nested(name: str, value: Any, constraint: Constraint, depth: int) -> Any:
    if depth == 0:
        return fields.number(name, value, constraint.within)
    if depth == 1:
        if constraint.within is None:
            return fields.shares(name, value, constraint.support)
        return fields.numbers(name, value, constraint.within)
    listed = fields.listed(name, value)
    rows = [_nested(f"{name}[{i}]", row, constraint, depth - 1) for i, row in enumerate(listed)]
    if len({np.shape(row) for row in rows}) != 1:
        raise ValueError(f"{name} = {abridged(value)}: expected rows of one length")
    return rows
