"""corr(r_k, A) on one prompt of a ``theory.rational.choices.choice`` model, by listing outcomes and
groups.

See ``theory.updates.correlation`` for what is published. Correlations come as c|c|, which is
rational more often than c is.
"""

from collections.abc import Callable, Sequence
from itertools import product
from math import prod

from flint import fmpq

from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.numbers.balls import Number, magnitude, root, total
from grpo_checks.theory.rational.choices.choice import Kind, composite, mean_reward
from grpo_checks.theory.rational.choices.update import group_advantages, groups
from grpo_checks.theory.rational.menus.response import response


def independent(chances: Sequence[fmpq]) -> tuple[Kind, ...]:
    """Outcomes of independent binary components. Raises ValueError for a certain one."""
    for p in chances:
        if not 0 < p < 1:
            raise ValueError(f"chances = {p}: expected numbers in (0, 1)")
    return tuple(
        Kind(
            prod((p if r else 1 - p for r, p in zip(rewards, chances, strict=True)), start=fmpq(1)),
            tuple(map(fmpq, rewards)),
            (),
        )
        for rewards in product((0, 1), repeat=len(chances))
    )


def covariance(kinds: Sequence[Kind], k: int, j: int) -> fmpq:
    """Cov(r_k, r_j)."""
    means = [total(x.chance * x.rewards[i] for x in kinds) for i in (k, j)]
    return total(x.chance * (x.rewards[k] - means[0]) * (x.rewards[j] - means[1]) for x in kinds)


def signed_square(covariance: Number, variance: Number, other: Number) -> Number:
    """c|c| of a correlation c."""
    size = magnitude(covariance)
    return covariance * size / (variance * other)


def _against(kinds: Sequence[Kind], advantage: Callable[[Kind], Number]) -> list[Number]:
    """c|c| of each component with a centred advantage that depends on the member alone."""
    pairs = [(k, advantage(k)) for k in kinds]
    square = total(k.chance * a * a for k, a in pairs)
    return [
        signed_square(
            total(k.chance * a * k.rewards[i] for k, a in pairs), covariance(kinds, i, i), square
        )
        for i in range(len(kinds[0].rewards))
    ]


def limit_joint(kinds: Sequence[Kind], weights: Sequence[fmpq]) -> list[Number]:
    """Of large groups, joint: A = R - E R up to a factor."""
    mean = mean_reward(kinds, weights)
    return _against(kinds, lambda k: composite(k.rewards, weights) - mean)


def limit_decoupled(kinds: Sequence[Kind], weights: Sequence[fmpq]) -> list[Number]:
    """Of large groups, decoupled: A = sum_k w_k (r_k - E r_k)/sigma_k."""
    n = len(weights)
    means = [total(k.chance * k.rewards[i] for k in kinds) for i in range(n)]
    scale = [weights[i] / root(covariance(kinds, i, i)) for i in range(n)]
    return _against(kinds, lambda k: total(scale[i] * (k.rewards[i] - means[i]) for i in range(n)))


def group_correlations(
    kinds: Sequence[Kind], weights: Sequence[fmpq], group_size: int, estimator: Estimator
) -> list[Number]:
    """In groups of G, by listing them all; E A = 0."""
    n = len(weights)
    along: list[Number] = [fmpq(0)] * n
    square: Number = fmpq(0)
    for chance, counts in groups(kinds, group_size):
        every = group_advantages(kinds, counts, weights, estimator)
        pull = [chance * c * a / group_size for c, a in zip(counts, every, strict=True)]
        square += total(x * a for x, a in zip(pull, every, strict=True))
        for i in range(n):
            along[i] += total(x * k.rewards[i] for x, k in zip(pull, kinds, strict=True))
    return [signed_square(x, covariance(kinds, i, i), square) for i, x in enumerate(along)]


def decoupled(weights: Sequence[fmpq], chances: Sequence[fmpq], group_size: int) -> list[Number]:
    """The formula at finite G, for independent binary components, squared."""
    parts = list(zip(weights, chances, strict=True))
    size = total(w * w * (1 - p**group_size - (1 - p) ** group_size) for w, p in parts)
    slopes = [response(group_size, p) for p in chances]
    return [w * w * p * (1 - p) * c * c / size for (w, p), c in zip(parts, slopes, strict=True)]
