"""Where a claim speaks: the fields of a point, their constraints, and coordinates for a climb.

A point has named arrays (``interval``, ``inside``, ``above_zero``, ``through``, ``simplex``:
constraints, each with a map from unbounded reals and a way to round) and named options
(``integer``, ``boolean``, ``one_of``, ``fraction``). It is written as a document, JSON with
integers and fractions, and read from one as rational numbers. What a falsifier may choose besides
reals, lengths of axes and options, is ``places``.
"""

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any, ClassVar

import jax.numpy as jnp
import numpy as np

from grpo_checks.experiments.falsifier.constraints import Constraint, Option, read_array
from grpo_checks.experiments.falsifier.rounding import Floats
from grpo_checks.experiments.falsifier.smaller import without
from grpo_checks.experiments.protocol.points import Document
from grpo_checks.theory.numbers.fields import flag, integer

LONGEST = 1000
"""Of an axis that a falsifier looks at."""
Place = tuple[tuple[str, Any], ...]
"""Lengths of axes and options, by name; hashable."""
Point = dict[str, Any]
"""Arrays and options by field."""


@dataclass(frozen=True)
class Domain:
    """The points of a claim, and where a falsifier looks for them."""

    arrays: Mapping[str, Constraint]
    options: Mapping[str, Option] = field(default_factory=dict)
    places: Sequence[Mapping[str, Any]] = ()
    """Lengths of all axes, and options; False for an array that is left at its default. One that
    has another key, or lacks one, is refused."""
    least: Mapping[str, int] = field(default_factory=dict)
    """Of axes that have a least length above 1."""
    most: Mapping[str, int] = field(default_factory=dict)
    """Of axes that have a largest length."""

    shaped: ClassVar[Sequence[str]] = ()
    """Further keys of places, each of which may be left out."""

    def __post_init__(self) -> None:
        """Raises ValueError, naming the place and the key, for a place that is none."""
        for i, place in enumerate(self.places):
            try:
                self.check_place(place)
            except ValueError as error:
                raise ValueError(f"places[{i}]: {error}") from None

    def check_place(self, place: Mapping[str, Any]) -> None:
        """Raises ValueError, naming the key."""
        axes = {axis for constraint in self.arrays.values() for axis in constraint.axes}
        left_out = {n for n, c in self.arrays.items() if c.default is not None}
        chosen = {n for n, option in self.options.items() if option.default is None}
        _check_keys(place, axes | chosen, left_out | {*self.options, *self.shaped})
        for axis in axes:
            integer(place, axis, self.least.get(axis, 0), self.most.get(axis, LONGEST))
        for name in left_out & {*place}:
            flag(place, name)
        for name in self.options.keys() & {*place}:
            self.options[name].read(place, name)

    def choices(self) -> tuple[Place, ...]:
        """``places``, hashable."""
        return tuple(tuple(sorted(place.items())) for place in self.places)

    def _shapes(self, place: Place, climbed: bool = True) -> dict[str, tuple[int, ...]]:
        lengths = dict(place)
        return {
            name: tuple(lengths[axis] for axis in constraint.axes)
            for name, constraint in self.arrays.items()
            if (lengths.get(name) is not False) is climbed
        }

    def dimension(self, place: Place) -> int:
        """How many reals a point has."""
        return sum(int(np.prod(shape)) for shape in self._shapes(place).values())

    def _cut(self, x: Any, place: Place) -> Iterator[tuple[str, Any]]:
        start = 0
        for name, shape in self._shapes(place).items():
            size = int(np.prod(shape))
            yield name, x[start : start + size].reshape(shape)
            start += size

    def _options(self, place: Place) -> Point:
        chosen = dict(place)
        return {n: chosen.get(n, option.default) for n, option in self.options.items()}

    def point(self, x: Any, place: Place) -> Point:
        """At real coordinates (n,), in JAX."""
        arrays = {name: self.arrays[name].from_reals(part) for name, part in self._cut(x, place)}
        for name, shape in self._shapes(place, climbed=False).items():
            arrays[name] = self.arrays[name].usual(jnp.ones(shape))
        return {**arrays, **self._options(place)}

    def document(self, x: Floats, place: Place, largest: int) -> Document:
        """The nearest one with denominators, or odds, up to ``largest``."""
        arrays = {name: self.arrays[name].rounded(p, largest) for name, p in self._cut(x, place)}
        options = {n: v for n, v in self._options(place).items() if v != self.options[n].default}
        return {**options, **arrays}

    def read(self, document: Document) -> Point:
        """Rational numbers. Raises ValueError, naming the field, for what is no point."""
        point: Point = {}
        for name, option in self.options.items():
            absent = name not in document and option.default is not None
            point[name] = option.read({name: option.default} if absent else document, name)
        lengths: dict[str, tuple[str, int]] = {}
        # What is given tells the lengths of what is left out.
        for name in sorted(self.arrays, key=lambda name: name not in document):
            point[name] = read_array(self.arrays[name], name, document, lengths)
        for axis, (name, length) in lengths.items():
            if length < self.least.get(axis, 1):
                raise ValueError(f"{name}: {length} of them, expected {self.least[axis]} or more")
            if length > self.most.get(axis, length):
                raise ValueError(f"{name}: {length} of them, expected {self.most[axis]} at most")
        return point

    def lengths(self, document: Document) -> dict[str, int]:
        """Of the axes of all arrays. Raises ValueError for what is no point."""
        point = self.read(document)
        return {
            axis: length
            for name, constraint in self.arrays.items()
            for axis, length in zip(constraint.axes, np.shape(point[name]), strict=True)
        }

    def simpler(self, document: Document) -> Iterator[Document]:
        """Documents with an entry of one axis less, in all fields, or a whole number less by 1."""
        for axis, length in self.lengths(document).items():
            for i in range(length if length > self.least.get(axis, 1) else 0):
                yield self.without(document, axis, i)
        for name in self.options:
            value = document.get(name)
            if isinstance(value, int) and not isinstance(value, bool):
                yield {**document, name: value - 1}

    def without(self, document: Document, axis: str, i: int) -> Document:
        """The document without entry ``i`` of an axis, wherever that is an axis."""
        changed = dict(document)
        for name, constraint in self.arrays.items():
            for depth, other in enumerate(constraint.axes):
                if other == axis and name in changed:
                    changed[name] = _dropped(changed[name], depth, i)
        return changed


def _check_keys(place: Mapping[str, Any], needed: Set[str], others: Set[str]) -> None:
    for key in place:
        if key not in needed | others:
            raise ValueError(f"key {key!r}: expected one of {sorted(needed | others)}")
    for key in sorted(needed - {*place}):
        raise ValueError(f"no key {key!r}: expected all of {sorted(needed)}")


def _dropped(values: list[Any], depth: int, i: int) -> list[Any]:
    """Nested lists without entry ``i`` at a depth."""
    return without(values, i) if depth == 0 else [_dropped(v, depth - 1, i) for v in values]
