"""Fields of a document: JSON that somebody else may have written.

Each function raises ValueError, in one line that names the field, for what is not as expected: for
a text where a list belongs, which would be read letter by letter, and for true where a number does.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from flint import fmpq

from grpo_checks.theory.numbers.balls import rational, total
from grpo_checks.theory.numbers.rationals import abridged


class Range(NamedTuple):
    """What numbers a field may have."""

    expected: str
    holds: Callable[[fmpq], bool]


ANY = Range("a number", lambda x: True)
UNIT = Range("a number in [0, 1]", lambda x: 0 <= x <= 1)
INSIDE = Range("a number in (0, 1)", lambda x: 0 < x < 1)
REWARD = Range("a reward in [0, 1]: shift and scale all rewards into it", UNIT.holds)
NOT_NEGATIVE = Range("a number >= 0", lambda x: x >= 0)
POSITIVE = Range("a number > 0", lambda x: x > 0)


def entry(document: Any, field: str) -> Any:
    """A field that must be there."""
    if not isinstance(document, Mapping):
        raise ValueError(f"{abridged(document)}: expected an object with the field {field!r}")
    if field not in document:
        raise ValueError(f"{field}: missing among {abridged(list(document))}")
    return document[field]


def listed(field: str, value: Any, least: int = 1) -> Sequence[Any]:
    """A list with ``least`` entries or more."""
    if not isinstance(value, list | tuple):
        raise ValueError(f"{field} = {abridged(value)}: expected a list")
    if len(value) < least:
        raise ValueError(f"{field} = {abridged(value)}: expected a list of {least} or more")
    return value


def number(field: str, value: Any, within: Range | None = None) -> fmpq:
    """A number or a fraction, in a range if one is given."""
    exact = rational(field, value)
    if within is not None and not within.holds(exact):
        raise ValueError(f"{field} = {abridged(value)}: expected {within.expected}")
    return exact


def numbers(
    field: str, value: Any, within: Range | None = None, count: int | None = None
) -> tuple[fmpq, ...]:
    """A list of them, ``count`` if given, else one or more."""
    entries = listed(field, value)
    if count is not None and len(entries) != count:
        raise ValueError(f"{field} = {abridged(value)}: expected {count} numbers")
    return tuple(number(f"{field}[{i}]", x, within) for i, x in enumerate(entries))


def shares(field: str, value: Any, positive: bool = True) -> tuple[fmpq, ...]:
    """Numbers of which only the proportions matter, as chances: each over their sum.

    All are > 0; if not ``positive``, >= 0 and one > 0.
    """
    parts = numbers(field, value)
    if min(parts) < 0 or max(parts) == 0 or (positive and min(parts) == 0):
        kind = "> 0" if positive else ">= 0, not all 0"
        raise ValueError(f"{field} = {abridged(value)}: expected numbers {kind}")
    denominator = total(parts)
    return tuple(x / denominator for x in parts)


def integer(document: Mapping[str, Any], field: str, least: int, most: int) -> int:
    """A field that is a whole number in ``least``..``most``."""
    value = entry(document, field)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        expected = f"a whole number in {least}..{most}"
        raise ValueError(f"{field} = {abridged(value)}: expected {expected}")
    return value


def one_of(document: Mapping[str, Any], field: str, known: Sequence[str]) -> str:
    """A field that is one of these names."""
    value = entry(document, field)
    if value not in tuple(known):
        raise ValueError(f"{field} = {abridged(value)}: expected one of {tuple(known)}")
    return str(value)


def flag(document: Mapping[str, Any], field: str) -> bool:
    """A field that is true or false; false where there is none."""
    value = document.get(field, False)
    if not isinstance(value, bool):
        raise ValueError(f"{field} = {abridged(value)}: expected true or false")
    return value
