"""Real parameters as the rational numbers of a document next to them."""

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from grpo_checks.experiments.falsifier.shrink import written

Floats = NDArray[np.float64]


def near(x: Any, largest: int) -> int | str:
    """The nearest fraction with a denominator up to ``largest``."""
    return written(Fraction(float(x)).limit_denominator(largest))


def near_positive(x: Any, largest: int) -> int | str:
    """Likewise, not below 1/largest."""
    return near(max(float(x), 1 / largest), largest)


def near_chance(x: Any, largest: int) -> int | str:
    """Likewise of a probability, which is not certain for ``largest`` > 1."""
    return near(min(max(float(x), 1 / largest), 1 - 1 / largest), largest)


def unit(logit: Any, largest: int) -> int | str:
    """A number in [0, 1] from its logit."""
    return near(expit(logit), largest)


def positive(logarithm: Any, largest: int) -> int | str:
    """A number > 0 from its logarithm: the nearest fraction, but not 0."""
    return near_positive(np.exp(np.clip(logarithm, -np.log(largest), np.log(largest))), largest)


def table(values: Floats, convert: Callable[[float, int], Any], largest: int) -> Any:
    """Nested lists of an array's numbers, each converted; of a single one, itself."""
    if values.ndim == 0:
        return convert(float(values), largest)
    return [table(row, convert, largest) for row in values]


def proportions(shares: Floats, largest: int, least: int = 1) -> list[int]:
    """Whole numbers from ``least`` to ``largest`` in about these proportions."""
    relative = np.asarray(shares, float) / np.max(shares)
    return [max(round(largest * float(x)), least) for x in relative]


def odds(logits: Floats, largest: int, least: int = 1) -> list[int]:
    """Likewise in the proportions of a softmax."""
    x = np.asarray(logits, float)
    return proportions(np.exp(x - x.max()), largest, least)
