"""Whether what is logged moves during the run: a permutation test for a trend over steps."""

from typing import NamedTuple

import numpy as np
from scipy.special import ndtr

from grpo_checks.theory.logs.groups import Floats
from grpo_checks.theory.numbers.grouped.segments import Ints

PERMUTATIONS = 999
MANY = 5_000
"""Groups; with more, shuffles are taken for normal."""


class Trend(NamedTuple):
    """Of one number per group."""

    slope: float
    """Least squares: change over the whole run."""
    p_value: float
    """Of no trend: groups are exchangeable between steps, prompts drawn alike at each."""


def trend(values: Floats, step: Ints, seed: int = 0) -> Trend:
    """Of ``values`` (M,) at ``step`` (M,); NaN is left out; nothing to test in one step.

    Up to ``MANY`` groups the p-value is exact at every size: the rank of |sum x (t - mean t)| among
    ``PERMUTATIONS`` shuffles. Of more it is a normal tail, with the mean and variance that a
    shuffle has exactly.
    """
    known = ~np.isnan(values)
    x, t = values[known], step[known].astype(float)
    if x.size < 3 or np.ptp(t) == 0 or np.ptp(x) == 0:
        return Trend(0.0, 1.0)
    time, x = (t - t.mean()) / np.ptp(t), x - x.mean()
    observed, square = float(x @ time), float(time @ time)
    slope = observed / square
    if x.size > MANY:
        deviation = np.sqrt(square * (x @ x) / (x.size - 1))
        return Trend(slope, float(2 * ndtr(-abs(observed) / deviation)))
    rng = np.random.default_rng(seed)
    shuffled = np.array([abs(rng.permutation(x) @ time) for _ in range(PERMUTATIONS)])
    # Equal up to rounding counts as at least as large: a sum of n products errs by n eps |x| |t|.
    off = 2 * x.size * np.finfo(float).eps * np.linalg.norm(x) * np.linalg.norm(time)
    beyond = int((shuffled >= abs(observed) - off).sum())
    return Trend(slope, (1 + beyond) / (1 + PERMUTATIONS))
