"""Limits for E of the average of |grad f|^2 along a run, valid at any number of seeds.

The average of a run lies in [0, sup |grad f|^2], but in long runs far below. Where E[g] = c grad f,
its mean is also that of (1/T) sum <grad f, g>/c, which by the descent lemma never exceeds
(sup f - f_0)/(c eta T) + L eta max|g|^2/(2c) (derived): in long runs a far smaller range, that
upper limits may use. Which of the two is used is fixed before any run, by their ranges. These rest
on L, which tests/theory/convergence/test_smoothness.py checks on its own.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from grpo_checks.experiments.models.constants import (
    multiple,
    path_rounding,
    run_constants,
    step_size,
)
from grpo_checks.experiments.models.settings import RunSettings
from grpo_checks.theory.convergence.confidence import lower_limit, upper_limit
from grpo_checks.theory.convergence.error_levels import lower_level, upper_level


class Sampled(NamedTuple):
    """Independent values, one of each seed, in a range that is known beforehand."""

    values: NDArray[np.float64]
    low: float
    high: float


class Average(NamedTuple):
    """What is seen of E of the average of |grad f|^2 in one set of runs."""

    below: Sampled
    """For lower limits."""
    above: Sampled
    """For upper limits."""

    @property
    def mean(self) -> float:
        """Of the averages themselves."""
        return float(self.below.values.mean())

    def limits(self, level: float) -> tuple[float, float]:
        """Lower and upper limit, each at error ``level``."""
        return lower_limit(self.below.values, level, *self.below[1:]), self.upper(level)

    def upper(self, level: float) -> float:
        """The upper limit alone."""
        return upper_limit(self.above.values, level, *self.above[1:])

    def levels(self, bound: float) -> tuple[float, float]:
        """The smallest levels at which the mean is certain to be at most, and at least, it."""
        above = upper_level(self.above.values, bound, *self.above[1:])
        return above, lower_level(self.below.values, bound, *self.below[1:])


def highest(run: RunSettings) -> tuple[float, bool]:
    """The smaller of the two ranges, and whether it is that of <grad f, g>."""
    c, step, scale = run_constants(run), step_size(run), multiple(run)
    if step == 0 or scale is None:
        return c.squared_gradient, False
    climbed = c.gap / (step * run.n_steps) + c.smoothness * step * c.update_norm**2 / 2
    return min(climbed / scale, c.squared_gradient), climbed / scale < c.squared_gradient


def average(run: RunSettings, result: Mapping[str, Any]) -> Average:
    """Of a run that did not diverge."""
    c, (high, climbed) = run_constants(run), highest(run)
    squares = np.asarray(result["squared_gradient"])
    # An average that reaches an end of its range may be rounded beyond it.
    edge = path_rounding(run)
    below = Sampled(squares, 0.0, c.squared_gradient * (1 + edge))
    if not climbed:
        return Average(below, below)
    scale = step_size(run) * (multiple(run) or 1.0)
    largest = float(np.sqrt(c.squared_gradient)) * c.update_norm * step_size(run) / scale
    gains, off = np.asarray(result["first_order_gain"]) / scale, edge * max(largest, high)
    return Average(below, Sampled(gains, -largest - off, high + off))
