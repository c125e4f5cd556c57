"""Pass rates, their spread over prompts, and how components go together within a prompt.

For a component with values in [low, high] the mean over a group is unbiased for p, the mean product
of two different members for p^2, and the covariance with divisor n-1 for that within the prompt.
"""

from typing import NamedTuple

import numpy as np

from grpo_checks.theory.logs.groups import Floats, Groups
from grpo_checks.theory.logs.limits import (
    LEVEL,
    Estimate,
    difference_of_square,
    mean_estimate,
    ratio_of_root,
)
from grpo_checks.theory.updates.rounding import accumulated


class Rates(NamedTuple):
    """Of one component, or of the composite."""

    mean: Estimate
    spread: Estimate
    """Variance over groups of the group's true mean: what prompts, and drift, differ by."""
    noise: float
    """What draws within groups add to the variance of the means that are seen."""


def group_means(groups: Groups, values: Floats) -> tuple[Floats, Floats]:
    """(M,) mean, and mean product of two different members; NaN where these are too few."""
    present = ~np.isnan(values)
    kept, count = np.where(present, values, 0.0), groups.total(present.astype(float))
    total, square = groups.total(kept), groups.total(kept**2)
    mean = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    pairs = np.maximum(count * (count - 1), 1)
    return mean, np.where(count > 1, (total**2 - square) / pairs, np.nan)


def product_error(groups: Groups) -> float:
    """How far rounding may put the mean product of two members, of values in [0, 1].

    (S^2 - Q)/(n(n-1)): both terms together are at most n^2 + n, with 2n + 1 roundings at most. The
    mean of such values never leaves [0, 1]: sums of n are rounded to n at most.
    """
    return 3 * accumulated(2 * int(groups.sizes.max()) + 1)


def rates(
    groups: Groups, values: Floats, low: float = 0.0, high: float = 1.0, level: float = LEVEL
) -> Rates:
    """Of ``values`` (N,) in [low, high]; the limits of ``spread`` share the level."""
    # In units of the range: products of members then lie in [0, 1].
    unit = (values - low) / (high - low)
    mean, product = group_means(groups, unit)
    both = ~np.isnan(product)
    first = mean_estimate(mean[both], level=level / 2)
    second = mean_estimate(product[both], level=level / 2, error=product_error(groups))
    n = max(int(both.sum()), 1)
    # (sum m_i)^2 less what a group adds to its own square.
    square = (
        np.square(mean[both].sum()) - np.square(mean[both]).sum() + product[both].sum()
    ) / n**2
    spread = difference_of_square(second, first, float(second.value - square))
    wide, alone = high - low, mean_estimate(mean, level=level)
    return Rates(
        Estimate(*(low + wide * x for x in alone)),
        Estimate(*(wide**2 * x for x in spread)),
        float(wide**2 * np.mean(np.square(mean[both]) - product[both])) if both.any() else np.nan,
    )


def covariances(groups: Groups, x: Floats, y: Floats) -> Floats:
    """(M,) within each group, divisor n-1, rows that have both; NaN for fewer than two."""
    both = ~(np.isnan(x) | np.isnan(y))
    count = groups.total(both.astype(float))
    product = groups.total(groups.centred(x, both) * groups.centred(y, both))
    return np.where(count > 1, product / np.maximum(count - 1, 1), np.nan)


def covariance_error(groups: Groups) -> float:
    """How far rounding may put a covariance of values in [0, 1].

    n products of deviations, off by 3 gamma_(n+1) each, are added up and divided by n-1 >= n/2.
    """
    return 10 * accumulated(int(groups.sizes.max()) + 2)


def correlation(groups: Groups, x: Floats, y: Floats, level: float = LEVEL) -> Estimate:
    """Within prompts, of values in [0, 1]: E cov/sqrt(E var E var); a ratio, so not unbiased.

    A covariance with divisor n-1 of values in [0, 1] is at most 1/2 in size (n = 2), a variance
    too. The limits hold together at ``level``.
    """
    part = level / 3
    error = covariance_error(groups)
    return ratio_of_root(
        mean_estimate(covariances(groups, x, y), -0.5, 0.5, part, error),
        mean_estimate(covariances(groups, x, x), 0.0, 0.5, part, error),
        mean_estimate(covariances(groups, y, y), 0.0, 0.5, part, error),
    )
