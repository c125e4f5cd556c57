"""Real parameters as rational numbers of a document."""

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from experiments.shrink import written

Floats = NDArray[np.float64]


def near(value: float, largest: int) -> int | str:
    """The nearest fraction with a denominator up to ``largest``."""
    return written(Fraction(float(value)).limit_denominator(largest))


def chance(parameter: float, largest: int) -> int | str:
    """A number in [0, 1] from a logit."""
    return near(expit(parameter), largest)


def positive(parameter: float, largest: int) -> int | str:
    """A number > 0 from its logarithm: the nearest fraction, but not 0."""
    size = np.exp(np.clip(parameter, -np.log(largest), np.log(largest)))
    return near(max(size, 1 / largest), largest)


def odds(logits: Floats, largest: int) -> list[int]:
    """Whole numbers from 1 to ``largest`` in about these proportions."""
    share = np.exp(logits - logits.max())
    return [max(1, round(largest * float(x))) for x in share]


def table(parameters: Floats, convert: Callable[[float, int], Any], largest: int) -> list[Any]:
    """Nested lists of an array's numbers, each converted."""
    if parameters.ndim == 1:
        return [convert(float(x), largest) for x in parameters]
    return [table(row, convert, largest) for row in parameters]
