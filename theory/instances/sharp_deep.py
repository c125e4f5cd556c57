"""`sharp` with two to four components and up to three tool calls: gap near its bound, phi = 0.

After h = 0..D calls an episode comes to one of two choices, i = 0, 1, with chance m_i/(D+1) each,
m_0 + m_1 = 2d; after the last one, else, to a state where the components of the first kind are
earned, with chance 1/2 - d, or none. At choice i one answer earns a component of the first kind,
the other one of the second. The first answer is given with probability x everywhere, so that

    components        first kind                          second kind
    2                 p = 1/2 - d + 2dx                   p = 2d(1-x)
    3                 the same                            p_i = m_i (1-x)
    4                 p_i = 1/2 - d + m_i x               p_i = m_i (1-x)

With w_k = 1/c_G(p_k) the answers are worth the same along grad Jtilde at every choice: phi = 0,
whatever the policy does there. For x >= 1/2, two components, gap/bound = (1-x)/x exactly, as in
``theory.instances.sharp``; more components differ from that by what c_G(m_0 (1-x)) and
c_G(m_1 (1-x)) do (derived).
"""

from fractions import Fraction
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import BPoly

from grpo_checks.theory.estimators.response import coefficients
from grpo_checks.theory.mdp.mdp import TAMDP

CLOSENESS, SPLIT, MIXTURE = Fraction(1, 10**4), Fraction(3, 5), Fraction(501, 1000)
"""d, the part of 2d that choice 0 has, and x: just beyond 1/2, where both sides would be equal."""


class DeepSharp(NamedTuple):
    """A first-order point."""

    mdp: TAMDP
    """Its weights are all 1: those of the point are real numbers."""
    success: NDArray[np.float64]
    """(K,): p_k."""
    weights: NDArray[np.float64]
    """(K,): 1/c_G(p_k)."""


def _kinds(components: int) -> tuple[list[int], list[int]]:
    """The component that choice i earns by the first answer, and by the second."""
    return {2: ([0, 0], [1, 1]), 3: ([0, 0], [1, 2]), 4: ([0, 1], [2, 3])}[components]


def _choices(depth: int) -> list[int]:
    """The first of both choices of each layer; before it, but in the last, where one waits."""
    return [3 * h + (h < depth) for h in range(depth + 1)]


def _arrivals(depth: int) -> NDArray[np.object_]:
    """Where an episode that still waits is after h = 0..D calls: chances (D+1, S) as fractions."""
    masses = np.array([SPLIT, 1 - SPLIT]) * 2 * CLOSENESS / (depth + 1)
    sure = Fraction(1, 2) - CLOSENESS
    arrival = np.full((depth + 1, 3 * depth + 4), Fraction(0), object)
    waiting = Fraction(1)
    for h, at in enumerate(_choices(depth)):
        rest = waiting - masses.sum()
        arrival[h, at : at + 2] = masses / waiting
        if h < depth:
            arrival[h, 3 * h] = rest / waiting
        else:
            arrival[h, -2:] = sure / waiting, (rest - sure) / waiting
        waiting = rest
    return arrival


def _model(components: int, depth: int) -> TAMDP:
    """One tool, two answers; the last two states are those without a choice."""
    arrival, (first, second) = _arrivals(depth), _kinds(components)
    n = arrival.shape[1]
    transition = np.full((n, 1, n), Fraction(0), object)
    legal, reward = np.zeros((n, 3), bool), np.zeros((1, n, 2, components))
    for h, at in enumerate(_choices(depth)):
        if h < depth:
            transition[3 * h, 0], legal[3 * h, 0] = arrival[h + 1], True
        legal[at : at + 2, 1:] = True
        reward[0, [at, at + 1], 0, first] = reward[0, [at, at + 1], 1, second] = 1
    legal[-2:, 1:], reward[0, -2][:, first] = True, 1
    return TAMDP(
        prompt_distribution=[1.0],
        initial_distribution=arrival[:1],
        depth=[*(h for h in range(depth) for _ in range(3)), *[depth] * 4],
        tool_transition=transition if depth else [],
        legal=legal if depth else legal[:, 1:],
        reward=reward,
        weights=[1] * components,
    )


def deep_sharp(group_size: int, components: int, depth: int) -> DeepSharp:
    """A member for ``components`` 2..4, ``depth`` >= 0. Raises ValueError for others."""
    if components not in (2, 3, 4) or depth < 0:
        got = f"components = {components}, depth = {depth}"
        raise ValueError(f"{got}: expected 2, 3 or 4, and a depth >= 0")
    d, x = float(CLOSENESS), float(MIXTURE)
    parts = 2 * d * np.array([float(SPLIT), 1 - float(SPLIT)])
    first, second = _kinds(components)
    success = np.zeros(components)
    success[first] = 0.5 - d
    np.add.at(success, first, parts * x)
    np.add.at(success, second, parts * (1 - x))
    response = BPoly(coefficients(group_size)[:, None], [0, 1])(success)
    return DeepSharp(_model(components, depth), success, 1 / np.asarray(response))
