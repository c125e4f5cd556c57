"""Oracles for updates and correlations: all groups written out, advantages in fractions."""

from fractions import Fraction
from functools import cache
from itertools import combinations_with_replacement, permutations
from math import sqrt
from typing import Any

import numpy as np
from flint import fmpq

from grpo_checks.theory.numbers.balls import Number, magnitude, total
from grpo_checks.theory.rational.choices.update import group_advantages, groups
from helpers.oracles import Episodes, Floats, Vector, composites


def advantages(
    vectors: tuple[Vector, ...], weights: Vector, name: str, ddof: int, eps: float
) -> list[float]:
    """Of one group, in exact arithmetic up to the square root."""
    columns = list(zip(*vectors, strict=True))
    if name == "componentwise_normalized":
        shares = [_normalized(c, ddof, eps) for c in columns]
        return [
            float(sum(w * s[i] for w, s in zip(weights, shares, strict=True)))
            for i in range(len(vectors))
        ]
    rewards = composites(vectors, weights)
    if name == "group_normalized":
        return _normalized(rewards, ddof, eps)
    g, mean = len(rewards), sum(rewards, Fraction()) / len(rewards)
    factor = Fraction(g, g - 1) if name == "leave_one_out" else 1
    return [float((r - mean) * factor) for r in rewards]


def _normalized(rewards: Any, ddof: int, eps: float) -> list[float]:
    g, mean = len(rewards), sum(rewards, Fraction()) / len(rewards)
    variance = sum(((r - mean) ** 2 for r in rewards), Fraction()) / (g - ddof)
    return [float(r - mean) / (sqrt(variance) + eps) if variance else 0.0 for r in rewards]


@cache
def _table(
    distinct: tuple[Vector, ...], weights: Vector, size: int, name: str, ddof: int, eps: float
) -> Floats:
    """Advantages of all groups of these reward vectors, one axis for each member and a last one.

    Those of a group's members do not hang on their order: each multiset is asked once.
    """
    table = np.zeros((*[len(distinct)] * size, size))
    for group in combinations_with_replacement(range(len(distinct)), size):
        listed = advantages(tuple(distinct[i] for i in group), weights, name, ddof, eps)
        for order in permutations(range(size)):
            table[tuple(group[i] for i in order)] = [listed[i] for i in order]
    return table


def member_advantages(
    prompt: Episodes, members: Any, name: str, ddof: int = 0, eps: float = 0.0
) -> Floats:
    """(M, G) of M groups of a prompt's episodes, ``members`` (G, M)."""
    distinct = tuple(sorted(set(prompt.paths.reward)))
    table = _table(distinct, prompt.paths.weights, len(members), name, ddof, eps)
    rank = np.array([distinct.index(r) for r in prompt.paths.reward])
    return table[tuple(rank[members])]


def group_updates(
    prompt: Episodes, size: int, name: str, ddof: int = 0, eps: float = 0.0
) -> tuple[Floats, Floats]:
    """Probability (M,) and update (M, n) of all M = N^G groups of whole episodes."""
    members = np.indices((len(prompt.probability),) * size).reshape(size, -1)
    gain = member_advantages(prompt, members, name, ddof, eps)
    update = np.einsum("mg,gmn->mn", gain, prompt.score[members]) / size
    return prompt.probability[members].prod(0), update


def covariance(kinds: Any, k: int, j: int) -> fmpq:
    """Cov(r_k, r_j) of the outcomes of a choice model's prompt."""
    means = [total(x.chance * x.rewards[i] for x in kinds) for i in (k, j)]
    return total(x.chance * (x.rewards[k] - means[0]) * (x.rewards[j] - means[1]) for x in kinds)


def correlations(kinds: Any, weights: Any, group_size: int, estimator: Any) -> list[Any]:
    """c|c| of corr(r_k, A) for each component of such outcomes; E A = 0."""
    n = len(weights)
    square: Number = fmpq(0)
    along: list[Number] = [square] * n
    for chance, counts in groups(kinds, group_size):
        every = group_advantages(kinds, counts, weights, estimator)
        pull = [chance * c * a / group_size for c, a in zip(counts, every, strict=True)]
        square += total(x * a for x, a in zip(pull, every, strict=True))
        for i in range(n):
            along[i] += total(x * k.rewards[i] for x, k in zip(pull, kinds, strict=True))
    return [x * magnitude(x) / (covariance(kinds, i, i) * square) for i, x in enumerate(along)]
