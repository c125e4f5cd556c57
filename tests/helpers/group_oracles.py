"""An oracle for updates: every group of whole episodes written out, advantages in fractions."""

from fractions import Fraction
from functools import cache
from itertools import product
from math import sqrt
from typing import Any

import numpy as np

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
    """Advantages of all groups of these reward vectors, one axis for each member and a last one."""
    groups = product(distinct, repeat=size)
    table = [advantages(group, weights, name, ddof, eps) for group in groups]
    return np.array(table).reshape(*[len(distinct)] * size, size)


def group_updates(
    prompt: Episodes, size: int, name: str, ddof: int = 0, eps: float = 0.0
) -> tuple[Floats, Floats]:
    """Probability (M,) and update (M, n) of all M = N^G groups of whole episodes."""
    distinct = tuple(sorted(set(prompt.paths.reward)))
    shaped = _table(distinct, prompt.paths.weights, size, name, ddof, eps)
    rank = np.array([distinct.index(r) for r in prompt.paths.reward])
    members = np.indices((len(rank),) * size).reshape(size, -1)
    gain = shaped[tuple(rank[members])]
    update = np.einsum("mg,gmn->mn", gain, prompt.score[members]) / size
    return prompt.probability[members].prod(0), update
