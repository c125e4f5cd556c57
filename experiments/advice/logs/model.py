"""The model of pass rates that a log tells, for exact advice on estimators and group sizes."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from grpo_checks.experiments.advice.logs.analysis import is_binary
from grpo_checks.experiments.advice.logs.grouping import Window
from grpo_checks.theory.instances.rates.correlated import MAX_COMPONENTS, extreme_law
from grpo_checks.theory.instances.rates.pass_rates import PassRates
from grpo_checks.theory.logs.mixture import counts_of, likeliest_mixture

ATOMS = 8
"""Kinds of prompts."""
INSIDE = 0.98
"""Of the largest correlation that some rates can have: at it some vector has no chance."""
DIGITS = 4


def rates_of(window: Window, weights: NDArray[np.float64], correlation: float) -> PassRates | None:
    """None where a component takes other values than 0 and 1, or there are too many.

    ``correlation``: of any two components, drawn into the range that each kind of prompt allows.
    """
    groups = window.groups
    if groups.rewards.shape[1] > MAX_COMPONENTS or not is_binary(groups.rewards):
        return None
    mixture = likeliest_mixture(*counts_of(groups), ATOMS)
    rates = np.round(mixture.rates, DIGITS)
    possible = [_possible(p, correlation) for p in rates]
    return PassRates(rates, np.array(possible), mixture.share, tuple(map(float, weights)))


def _possible(success: NDArray[np.float64], correlation: float) -> float:
    if correlation == 0:
        return 0.0
    end = INSIDE * extreme_law(success, 1 if correlation > 0 else -1)[0]
    return float(np.round(min(max(correlation, -abs(end)), abs(end)), 6))


def mean_correlation(values: Sequence[float]) -> float:
    """Of pairs of components, those that are known; 0 where none is."""
    known = [x for x in values if not np.isnan(x)]
    return float(np.mean(known)) if known else 0.0
