"""The law of an update on a ``theory.rational.choices.choice`` model by listing groups of rewards,
enclosed.

Episodes that an estimator cannot tell apart are merged: with s_v the mean score of those worth v,
x_v = n_v A_v/G and n_v members worth v, E[g | rewards] = sum_v x_v s_v and
E[|g|^2 | rewards] = |sum_v x_v s_v|^2 + sum_v (x_v^2/n_v) (E[|s|^2 | v] - |s_v|^2) (derived).
For models with few rewards, and too many kinds of episodes for ``theory.rational.choices.update``.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from flint import fmpq

from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.numbers.balls import Number, square, total
from grpo_checks.theory.rational.choices.choice import Kind, composite
from grpo_checks.theory.rational.choices.update import Update, group_advantages, groups, norm2


class Reward(NamedTuple):
    """Episodes with one reward."""

    kind: Kind
    """Their chance, one of their reward vectors, their mean score s_v."""
    spread: fmpq
    """E[|s|^2 | v] - |s_v|^2."""


def merged(kinds: Sequence[Kind], weights: Sequence[fmpq], estimator: Estimator) -> list[Reward]:
    """By composite, or for `componentwise_normalized` by reward vector."""
    together: dict[Any, list[Kind]] = {}
    for kind in kinds:
        split = estimator.name == "componentwise_normalized"
        key = kind.rewards if split else composite(kind.rewards, weights)
        together.setdefault(key, []).append(kind)
    return [_reward(same) for same in together.values()]


def _reward(same: Sequence[Kind]) -> Reward:
    chance = total(k.chance for k in same)
    shares = [k.chance / chance for k in same]
    columns = zip(*(k.score for k in same), strict=True)
    mean = tuple(total(w * x for w, x in zip(shares, c, strict=True) if x) for c in columns)
    size = total(w * total(x * x for x in k.score) for w, k in zip(shares, same, strict=True))
    return Reward(Kind(chance, same[0].rewards, mean), size - total(x * x for x in mean))


def value_update(
    kinds: Sequence[Kind], weights: Sequence[fmpq], group_size: int, estimator: Estimator
) -> Update:
    """Of one group of one prompt."""
    rewards = merged(kinds, weights, estimator)
    classes = [r.kind for r in rewards]
    gram = [
        [total(x * y for x, y in zip(a.score, b.score, strict=True)) for b in classes]
        for a in classes
    ]
    pulls: list[Number] = [fmpq(0)] * len(classes)
    second: Number = fmpq(0)
    for chance, counts in groups(classes, group_size):
        every = group_advantages(classes, counts, weights, estimator)
        x = [c * a / group_size for c, a in zip(counts, every, strict=True)]
        pulls = [old + chance * y for old, y in zip(pulls, x, strict=True)]
        n = [i for i, count in enumerate(counts) if count]
        along = (x[i] * total(gram[i][j] * x[j] for j in n) for i in n)
        within = (square(x[i]) / counts[i] * rewards[i].spread for i in n)
        second += chance * (total(along) + total(within))
    score = zip(*(k.score for k in classes), strict=True)
    mean = tuple(total(p * x for p, x in zip(pulls, c, strict=True)) for c in score)
    return Update(mean, second - norm2(mean))
