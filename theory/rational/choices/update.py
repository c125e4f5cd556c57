"""The law of a GRPO update on a ``theory.rational.choices.choice`` model, enclosed.

Groups of whole episodes are listed one by one: no formula of ``theory.estimators.group_law`` is
used, which makes this an oracle for it.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from flint import fmpq

from grpo_checks.theory.estimators.advantages import Estimator, check_group_size
from grpo_checks.theory.numbers.balls import Number, rational, root, total
from grpo_checks.theory.rational.choices.choice import Choice, Kind, composite
from grpo_checks.theory.rational.multinomial import multinomial


def groups(kinds: Sequence[Kind], group_size: int) -> Iterator[tuple[fmpq, tuple[int, ...]]]:
    """All groups without order: probability, and how many members of each kind.

    Raises ValueError where there are too many to list.
    """
    check_group_size(group_size)
    return multinomial("group_size", [k.chance for k in kinds], group_size)


def _standardised(
    values: Sequence[fmpq], counts: Sequence[int], estimator: Estimator
) -> list[Number]:
    """(x - m)/(sd + eps) of each kind; 0 where all members are equal."""
    size = sum(counts)
    mean = total(c * x for c, x in zip(counts, values, strict=True)) / size
    centred = [x - mean for x in values]
    spread = total(c * x * x for c, x in zip(counts, centred, strict=True))
    if spread == 0:
        return [fmpq(0)] * len(values)
    scale = root(spread / (size - estimator.ddof)) + rational("eps", estimator.eps)
    return [x / scale for x in centred]


def group_advantages(
    kinds: Sequence[Kind],
    counts: Sequence[int],
    weights: Sequence[fmpq],
    estimator: Estimator,
) -> list[Number]:
    """The advantage of a member of each kind, for the four estimators within groups.

    Raises ValueError for others.
    """
    size = sum(counts)
    every = [composite(k.rewards, weights) for k in kinds]
    if estimator.name in ("mean_baseline", "leave_one_out"):
        mean = total(c * x for c, x in zip(counts, every, strict=True)) / size
        scale = fmpq(size, size - 1) if estimator.name == "leave_one_out" else fmpq(1)
        return [scale * (x - mean) for x in every]
    if estimator.name == "group_normalized":
        return _standardised(every, counts, estimator)
    if estimator.name != "componentwise_normalized" or not estimator.within_group:
        raise ValueError(f"estimator = {estimator}: expected one within groups")
    columns = [
        _standardised([k.rewards[j] for k in kinds], counts, estimator) for j in range(len(weights))
    ]
    return [
        total(w * c[i] for w, c in zip(weights, columns, strict=True)) for i in range(len(kinds))
    ]


class Update(NamedTuple):
    """Mean, and variance V = E|g - E g|^2, of an update."""

    mean: tuple[Number, ...]
    variance: Number


def prompt_update(
    kinds: Sequence[Kind], weights: Sequence[fmpq], group_size: int, estimator: Estimator
) -> Update:
    """Of one group of one prompt, g = 1/G sum_i A_i s_i, by listing all groups."""
    size = len(kinds[0].score)
    mean: list[Number] = [fmpq(0)] * size
    square: Number = fmpq(0)
    for chance, counts in groups(kinds, group_size):
        every = group_advantages(kinds, counts, weights, estimator)
        pull = [c * a / group_size for c, a in zip(counts, every, strict=True)]
        g = [total(x * k.score[i] for x, k in zip(pull, kinds, strict=True)) for i in range(size)]
        mean = [m + chance * x for m, x in zip(mean, g, strict=True)]
        square += chance * norm2(g)
    return Update(tuple(mean), square - norm2(mean))


def norm2(vector: Sequence[Number]) -> Number:
    """|x|^2."""
    return total(x * x for x in vector)


@lru_cache(maxsize=64)
def _prompt_updates(choice: Choice, group_size: int, estimator: Estimator) -> tuple[Update, ...]:
    return tuple(
        prompt_update(kinds, choice.weights, group_size, estimator) for kinds in choice.kinds
    )


def update(choice: Choice, group_size: int, estimator: Estimator) -> Update:
    """Of a full sweep: every prompt once, with its chance as weight."""
    updates = _prompt_updates(choice, group_size, estimator)
    mean = tuple(
        total(rho * u.mean[i] for rho, u in zip(choice.prompt_chance, updates, strict=True))
        for i in range(choice.dimension)
    )
    parts = zip(choice.prompt_chance, updates, strict=True)
    return Update(mean, total(rho * rho * u.variance for rho, u in parts))
