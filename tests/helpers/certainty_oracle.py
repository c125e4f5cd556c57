"""Moments of policies next to certainty at many digits: episodes and groups written out."""

from collections.abc import Sequence
from itertools import product
from typing import Any, NamedTuple

import mpmath as mp
import numpy as np

from helpers.oracles import features, list_paths

DIGITS = 700
"""Enough to tell 1 - exp(-700) from 1, and from its square."""
Vector = list[Any]


class Episode(NamedTuple):
    """Its chance, its score, and the composite reward."""

    chance: Any
    score: Vector
    reward: Any


def episodes(mdp: Any, policy: Any, theta: Any, prompt: int) -> list[Episode]:
    """All of one prompt."""
    phi, legal = features(policy), np.asarray(policy.legal)
    flat = [mp.mpf(float(x)) for x in np.ravel(theta)]
    rows = [[[mp.mpf(float(x)) for x in y] for y in row] for row in phi]
    probs, scores = [], []
    for row, allowed in zip(rows, legal, strict=True):
        exponents = [mp.fdot(x, flat) for x in row]
        pairs = zip(exponents, allowed, strict=True)
        odds = [mp.exp(x) if a else mp.mpf(0) for x, a in pairs]
        p = [x / mp.fsum(odds) for x in odds]
        mean = [mp.fdot(p, column) for column in zip(*row, strict=True)]
        probs.append(p)
        scores.append([[x - m for x, m in zip(y, mean, strict=True)] for y in row])
    paths, observed = list_paths(mdp, prompt), []
    for chance, states, actions, reward in zip(
        paths.chance, paths.state, paths.action, paths.composite, strict=True
    ):
        steps = [(s, a) for s, a in zip(states, actions, strict=True) if s >= 0]
        p = mp.mpf(float(chance)) * mp.fprod(probs[s][a] for s, a in steps)
        score = [mp.fsum(column) for column in zip(*(scores[s][a] for s, a in steps), strict=True)]
        observed.append(Episode(p, score, mp.mpf(reward.numerator) / reward.denominator))
    return observed


def norm2(vector: Vector) -> Any:
    """|x|^2."""
    return mp.fdot(vector, vector)


def mean(chances: Sequence[Any], vectors: Sequence[Vector]) -> Vector:
    """E x."""
    return [mp.fdot(chances, column) for column in zip(*vectors, strict=True)]


def variance(chances: Sequence[Any], vectors: Sequence[Vector]) -> Any:
    """E|x - E x|^2."""
    centre = mean(chances, vectors)
    distance = [[x - m for x, m in zip(v, centre, strict=True)] for v in vectors]
    return mp.fdot(chances, [norm2(v) for v in distance])


def advantages(rewards: Sequence[Any], name: str, ddof: int, eps: float) -> Vector:
    """Of one group."""
    g = len(rewards)
    distance = [r - mp.fsum(rewards) / g for r in rewards]
    spread = norm2(distance)
    if name == "leave_one_out":
        return [x * g / (g - 1) for x in distance]
    if min(rewards) == max(rewards):
        return [mp.mpf(0)] * g
    return [x / (mp.sqrt(spread / (g - ddof)) + mp.mpf(eps)) for x in distance]


def updates(
    listed: Sequence[Episode], size: int, name: str, ddof: int = 0, eps: float = 0.0
) -> tuple[Vector, list[Vector], list[bool]]:
    """Chance and update of every group, and whether it speaks."""
    chances, moves, speaks = [], [], []
    for group in product(listed, repeat=size):
        every = advantages([e.reward for e in group], name, ddof, eps)
        chances.append(mp.fprod(e.chance for e in group))
        moves.append([x / size for x in mean(every, [e.score for e in group])])
        speaks.append(any(every))
    return chances, moves, speaks
