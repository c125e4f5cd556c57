"""What an advantage listens to: correlations within groups, and shares of E[A R].

Ratios of sums over groups: no unbiased estimate exists, and advantages have no known range. Limits
are Student's t on the jackknife over groups, and approximate.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import scipy

from grpo_checks.theory.logs.groups import Floats, Groups
from grpo_checks.theory.logs.limits import LEVEL, UNKNOWN, Estimate

ENOUGH = 30
"""Groups in which both columns vary, below which Student's limits are not near the truth."""


class Listened(NamedTuple):
    """Of one component."""

    correlation: Estimate
    """corr(r_k, A) within groups, in [-1, 1]."""
    share: Estimate
    """w_k cov(r_k, A) over the sum of all components': what of A's pull on R is this one's."""


def jackknifed(sums: Floats, ratio: Callable[[Floats], Floats], level: float = LEVEL) -> Estimate:
    """Of ``ratio`` of the totals of ``sums`` (M, F), one row left out in turn.

    ``ratio`` takes (..., F); unknown where it is not finite, or there are fewer than two rows.
    """
    total = sums.sum(0)
    with np.errstate(divide="ignore", invalid="ignore"):
        value, others = float(ratio(total)), ratio(total - sums)
    if len(sums) < 2 or not np.isfinite(value) or not np.isfinite(others).all():
        return UNKNOWN
    n = len(sums)
    error = np.sqrt((n - 1) / n * np.square(others - others.mean()).sum())
    off = float(scipy.special.stdtrit(n - 1, 1 - level / 2) * error)
    return Estimate(value, value - off, value + off)


def _products(groups: Groups, x: Floats, y: Floats) -> Floats:
    """(M, 3) sums of xy, xx, yy about group means, of rows that have both."""
    both = ~(np.isnan(x) | np.isnan(y))
    x, y = groups.centred(x, both), groups.centred(y, both)
    return groups.total(np.stack([x * y, x * x, y * y], 1))


def _correlation(sums: Floats) -> Floats:
    return np.asarray(sums[..., 0] / np.sqrt(sums[..., 1] * sums[..., 2]))


def pooled_correlation(groups: Groups, x: Floats, y: Floats, level: float = LEVEL) -> Estimate:
    """Of two columns (N,) within groups, pooled over them."""
    return _told(_products(groups, x, y), _correlation, level)


def _told(products: Floats, ratio: Callable[[Floats], Floats], level: float) -> Estimate:
    """Without limits, but -1 and 1, where too few groups vary for Student's to be near."""
    answer = jackknifed(products, ratio, level)
    varied = int(((products[:, 1] > 0) & (products[:, 2] > 0)).sum())
    if varied < ENOUGH and not np.isnan(answer.value):
        return Estimate(answer.value, -1.0, 1.0)
    return answer


def listened(groups: Groups, advantages: Floats, level: float = LEVEL) -> Sequence[Listened]:
    """Of each component, from the advantages (N,) that rows have; NaN rows are left out."""
    columns = [_products(groups, r, advantages) for r in groups.rewards.T]
    covariance = np.stack([c[:, 0] for c in columns], 1) * groups.weights
    return [
        Listened(
            _told(column, _correlation, level),
            jackknifed(covariance, lambda s, k=k: s[..., k] / s.sum(-1), level),  # type: ignore[misc]
        )
        for k, column in enumerate(columns)
    ]
