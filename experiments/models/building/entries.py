"""Names and numbers as people write them into a model, checked where they are written."""

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from math import isfinite
from typing import Any

import numpy as np

from grpo_checks.experiments.storage.text import meant
from grpo_checks.theory.numbers.rationals import MAX_DENOMINATOR, WRITTEN, abridged, from_text
from grpo_checks.theory.numbers.validation import SUM_TOLERANCE

MAX_NAME = 64
Number = int | float | str | Fraction
Law = str | Mapping[str, Number]
"""What comes next: one name for sure, or chances by name."""


def exact(field: str, value: Any) -> Fraction:
    """The number that was meant: 0.1 is 1/10, and so is "1/10".

    Raises ValueError, naming ``field``, for what is no finite number.
    """
    plain = value.item() if isinstance(value, np.generic) else value
    try:
        if isinstance(plain, bool) or not isinstance(plain, int | float | str | Fraction):
            raise TypeError
        number = from_text(plain) if isinstance(plain, str) else Fraction(plain)
        if not isfinite(float(number)) or (number and not float(number)):
            raise OverflowError
    except (TypeError, ValueError, OverflowError, ZeroDivisionError):
        raise ValueError(f"{field} = {abridged(plain)}: expected {WRITTEN}") from None
    short = number.limit_denominator(MAX_DENOMINATOR)
    return short if isinstance(plain, float) and float(short) == plain else number


def between(field: str, value: Any, low: Fraction, high: Fraction) -> Fraction:
    """The same, in [low, high]; raises ValueError otherwise."""
    number = exact(field, value)
    if not low <= number <= high:
        expected = f"a number in [{written(low)}, {written(high)}]"
        raise ValueError(f"{field} = {abridged(value)}: expected {expected}")
    return number


def written(number: Fraction) -> int | float | str:
    """As a file has it: a whole number, a fraction as text, or a float where that is shorter."""
    if number.denominator == 1:
        return int(number)
    return str(number) if number.denominator <= MAX_DENOMINATOR else float(number)


def name(field: str, value: Any) -> str:
    """A name that can be printed. Raises ValueError, naming ``field``, for any other value."""
    if not (isinstance(value, str) and 0 < len(value) <= MAX_NAME and value.isprintable()):
        expected = f"a name of 1..{MAX_NAME} characters that print"
        raise ValueError(f"{field} = {abridged(value)}: expected {expected}")
    return value


def names(field: str, value: Any) -> list[str]:
    """One name or a list of some, each once; raises ValueError likewise."""
    if isinstance(value, str):
        return [name(field, value)]
    if not isinstance(value, Sequence) or not value:
        raise ValueError(f"{field} = {abridged(value)}: expected a name or a list of names")
    return list(dict.fromkeys(name(f"{field}[{i}]", x) for i, x in enumerate(value)))


def law(field: str, value: Any) -> dict[str, Fraction]:
    """Chances by name, those above 0; raises ValueError unless they sum to 1."""
    if isinstance(value, str):
        return {name(field, value): Fraction(1)}
    if not isinstance(value, Mapping):
        raise ValueError(f"{field} = {abridged(value)}: expected a name, or chances by name")
    one = Fraction(1)
    chances = {
        name(field, k): between(f"{field}[{k!r}]", v, 0 * one, one) for k, v in value.items()
    }
    total = sum(chances.values(), Fraction(0))
    if abs(total - 1) > SUM_TOLERANCE:
        raise ValueError(f"{field}: a sum of {abridged(written(total))}: expected a sum of 1")
    return {k: chance for k, chance in chances.items() if chance}


def known(field: str, value: str, among: Iterable[str]) -> str:
    """A name that is among those. Raises ValueError, with the nearest one, otherwise."""
    choices = list(among)
    if value in choices:
        return value
    shown = ", ".join(map(repr, choices[:12])) + (", ..." if len(choices) > 12 else "")
    raise ValueError(f"{field} = {abridged(value)}: {meant(value, choices)}expected one of {shown}")
