"""Groups of different reward vectors in which all advantages of `componentwise_normalized` are 0.

Such a group gives equal scores sum_k c_k r_ik to all members, c_k = w_k/(sd_k + eps) > 0 for the
components that vary. Whether it does is decided exactly, by sums of square roots. So of two
different vectors in it neither is at least the other in every component: they form an antichain.
"""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import lru_cache

import numpy as np
from flint import fmpq
from numpy.typing import NDArray

from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.numbers.rationals import to_fraction
from grpo_checks.theory.numbers.surds import ONE, ZERO, Surd, added, root_of, scaled


@lru_cache(maxsize=4096)
def rational(value: float) -> fmpq:
    """As its writer meant it; a number that no short fraction rounds to is itself."""
    try:
        meant = to_fraction("value", value)
    except ValueError:
        meant = Fraction(value)
    return fmpq(meant.numerator, meant.denominator)


@lru_cache(maxsize=4096)
def _scale(square: fmpq, eps: fmpq, weight: fmpq) -> Surd:
    """weight/(sqrt(square) + eps) = weight (sqrt(square) - eps)/(square - eps^2); 0 at sd = 0."""
    if square == 0:
        return ZERO
    if square == eps * eps:
        return scaled(ONE, weight / (2 * eps))
    root = added(root_of(square), scaled(ONE, -eps))
    return scaled(root, weight / (square - eps * eps))


def cancels(
    columns: NDArray[np.float64],
    weights: NDArray[np.float64],
    counts: NDArray[np.int64],
    estimator: Estimator,
) -> bool:
    """Whether all members of one group have one score, exactly.

    ``columns (V,K)``: what is normalised on its own; ``counts (V,)``: of each row.
    """
    there = np.flatnonzero(counts)
    many, size = [int(n) for n in counts[there]], int(counts.sum())
    eps, scales, rewards = rational(estimator.eps), [], []
    for column, weight in zip(columns.T, weights, strict=True):
        values = [rational(x) for x in column[there].tolist()]
        mean = sum((n * x for n, x in zip(many, values, strict=True)), fmpq(0)) / size
        deviations = [x - mean for x in values]
        spread = sum((n * x * x for n, x in zip(many, deviations, strict=True)), fmpq(0))
        scales.append(_scale(spread / (size - estimator.ddof), eps, rational(float(weight))))
        rewards.append(deviations)
    return all(_same(scales, [x[v] - x[0] for x in rewards]) for v in range(1, len(there)))


def _same(scales: Sequence[Surd], deviations: Sequence[fmpq]) -> bool:
    return not added(*(scaled(c, x) for c, x in zip(scales, deviations, strict=True))).terms


def antichains(columns: NDArray[np.float64], most: int) -> Iterator[tuple[int, ...]]:
    """Sets of 2..``most`` rows (V, K), none of which is at least another in all components."""
    least = np.asarray((columns[:, None] >= columns[None]).all(-1))
    incomparable = ~(least | least.T)

    def longer(chain: tuple[int, ...], free: NDArray[np.bool_]) -> Iterator[tuple[int, ...]]:
        if len(chain) > 1:
            yield chain
        if len(chain) < most:
            for v in np.flatnonzero(free):
                if not chain or v > chain[-1]:
                    yield from longer((*chain, int(v)), free & incomparable[v])

    yield from longer((), np.ones(len(columns), bool))
