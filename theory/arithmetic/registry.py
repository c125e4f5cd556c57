"""Which primitive is evaluated by which rule, over which numbers.

An array of floats is an object array of ``Number``: rational while it can be, a ball afterwards. An
array of integers is itself. An array of truth values is one of booleans or, where balls overlap,
an object array with None for what is not decided.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

Values: TypeAlias = NDArray[Any]
Rule: TypeAlias = Callable[..., Any]
"""(*operands, **parameters of the primitive) to the result, or to a list of several."""


class Refused(ValueError):
    """What cannot be enclosed: the primitive, or the undecided question, and where it stands."""

    def __init__(self, why: str, place: str = "") -> None:
        super().__init__(f"{place}: {why}" if place else why)
        self.place = place


class Entry(NamedTuple):
    """A rule and, in a word, what it does with numbers that are not rational."""

    rule: Rule
    kind: str
    sees_equation: bool
    """Whether it takes the evaluator and the types of its results first, to run inner programs."""


RULES: dict[str, Entry] = {}
FUNCTIONS: dict[str, Entry] = {}
"""Rules for functions of one's own, by the name that ``enclosed_by`` gave them."""
JAX_FUNCTIONS: dict[str, Rule] = {}
"""Those for functions of JAX with a derivative of their own that are written for floats."""


def rule(kind: str, *primitives: str, sees_equation: bool = False) -> Callable[[Rule], Rule]:
    """Register a rule for primitives. Raises ValueError for a primitive that has one."""

    def register(function: Rule) -> Rule:
        for name in primitives:
            if name in RULES:
                raise ValueError(f"primitive = {name!r}: expected one without a rule")
            RULES[name] = Entry(function, kind, sees_equation)
        return function

    return register


def is_real(values: Values) -> bool:
    """Whether an array holds ``Number``s, as opposed to integers or truth values."""
    return values.dtype == object and not all(x is None or isinstance(x, bool) for x in values.flat)


def decided(values: Values, question: str) -> Values:
    """An array of booleans. Raises Refused where one is not decided."""
    if values.dtype == object:
        if any(x is None for x in values.flat):
            raise Refused(f"{question}: undecided, the balls overlap")
        return values.astype(bool)
    return values


def objects(items: list[Any], shape: tuple[int, ...]) -> Values:
    """An object array, whatever the items would be made into."""
    return np.fromiter(items, object, len(items)).reshape(shape)
