"""Real parameters as laws and numbers in [0, 1], and as the rational ones next to them."""

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, softmax

Floats = NDArray[np.float64]


def odds(logits: Floats, largest: int, least: int = 0) -> list[int]:
    """Whole numbers in the proportions of a softmax, from ``least`` to ``largest``."""
    law = softmax(logits)
    return [max(round(float(x)), least) for x in largest * law / law.max()]


def fraction(x: Any, denominator: int) -> int | str:
    """The nearest fraction with a denominator up to this, as documents write it."""
    near = Fraction(float(x)).limit_denominator(denominator)
    return int(near) if near.denominator == 1 else str(near)


def unit(x: Any, denominator: int) -> int | str:
    """The sigmoid of a number as a fraction."""
    return fraction(expit(x), denominator)


def units(values: Floats, denominator: int) -> list[int | str]:
    """Of each."""
    return [unit(x, denominator) for x in values]


def without(values: Sequence[Any], place: int) -> list[Any]:
    """A list with one entry less."""
    return [x for i, x in enumerate(values) if i != place]


def types_less(document: Mapping[str, Any], fields: Iterable[str]) -> list[dict[str, Any]]:
    """Documents with one task type less; ``fields`` are lists over types, or lists of such."""
    present = [f for f in fields if f in document]
    size = len(document[present[0]])
    made = []
    for place in range(size if size > 1 else 0):
        shorter = {
            f: [without(row, place) for row in document[f]]
            if isinstance(document[f][0], list)
            else without(document[f], place)
            for f in present
        }
        made.append({**document, **shorter})
    return made
