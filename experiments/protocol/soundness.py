"""What the code of a claim hands in, which may be somebody's own: told by its field and place."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar, get_args

import numpy as np

from grpo_checks.experiments.protocol.verdict import Evidence, Verdict
from grpo_checks.theory.numbers.rationals import abridged

Kind = TypeVar("Kind")
Checks = Mapping[str, tuple[Callable[[Any], bool], str]]
"""Of the fields of something: what is sound, and in words."""


def is_text(value: Any) -> bool:
    """Of any characters."""
    return isinstance(value, str)


def _is_number(value: Any) -> bool:
    """A scalar of any library, or none."""
    if value is None or isinstance(value, str | bool | np.bool_):
        return value is None
    return isinstance(value, float | int) or getattr(value, "ndim", None) == 0


def _is_table(value: Any) -> bool:
    return isinstance(value, Mapping) and all(map(is_text, value))


ROW: Checks = {
    **dict.fromkeys(("claim", "instance", "note"), (is_text, "a text")),
    **dict.fromkeys(("parameters", "extra"), (_is_table, "names with values")),
    **dict.fromkeys(
        ("observed", "lower", "upper", "bound", "rounding"), (_is_number, "a number, or None")
    ),
    "verdict": (lambda x: x in get_args(Verdict), f"one of {get_args(Verdict)}"),
    "evidence": (lambda x: x in get_args(Evidence), f"one of {get_args(Evidence)}"),
}


def check(named: str, instance: Any, fields: Checks) -> None:
    """Raises ValueError, naming the field, for one that is not sound."""
    for field, (is_sound, expected) in fields.items():
        value = getattr(instance, field)
        if not is_sound(value):
            raise ValueError(f"{named}.{field} = {abridged(value)}: expected {expected}")


def checked_list(function: Callable[..., Any], values: Any, kind: type[Kind]) -> list[Kind]:
    """A list of these. Raises ValueError, naming the function, for anything else."""
    if not isinstance(values, list | tuple):
        raise ValueError(f"{_call(function)} = {abridged(values)}: expected {kind.__name__}s")
    return [one(function, value, kind) for value in values]


def one(function: Callable[..., Any], value: Any, kind: type[Kind]) -> Kind:
    """One of these. Raises ValueError, naming the function, for anything else."""
    if not isinstance(value, kind):
        raise ValueError(f"{_call(function)} = {abridged(value)}: expected {kind.__name__}")
    return value


def _call(function: Callable[..., Any]) -> str:
    """FILE:LINE: NAME(), of a partial function those of the whole."""
    inner = getattr(function, "func", function)
    code = getattr(inner, "__code__", None)
    place = f"{code.co_filename}:{code.co_firstlineno}: " if code else ""
    return f"{place}{getattr(inner, '__name__', inner)}()"
