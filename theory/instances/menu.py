"""`menu`: one prompt, one decision. Each call is to a stochastic tool with its own successes.

Call m earns component k with chance ``calls[m][k]``, independently of the others; then one answer
hands in what was earned. Policies mix calls, so the values that can be attained are the convex hull
of the rows of ``calls``: a polygon for two components. By default its best corner for J is the
first call, and Jtilde of `componentwise_normalized` is highest strictly inside an edge.
"""

from collections.abc import Sequence
from fractions import Fraction
from itertools import product
from math import prod
from typing import Any

import jax
import numpy as np

from grpo_checks.theory.instances.instance import Instance
from grpo_checks.theory.mdp.lotteries import lottery_model
from grpo_checks.theory.mdp.policy import Tabular
from grpo_checks.theory.numbers import validation as check
from grpo_checks.theory.numbers.arrays import to_array

CALLS = (("3/5", 0), ("1/5", "1/5"), (0, "11/50"), ("1/20", 0))
WEIGHTS = (4, 7)
IDLE = Fraction(1, 2)
"""Success of components beyond those of ``calls``: no call moves them."""


def success_table(calls: Sequence[Sequence[Any]], components: int) -> list[list[Fraction]]:
    """Chances (M, K) as fractions, with idle components added. Raises ValueError for bad ones."""
    chances = to_array("calls", [list(row) for row in calls], 2)
    check.check_entries("calls", chances, (chances >= 0) & (chances <= 1), "a chance in [0, 1]")
    if not chances.shape[0] or not 1 <= chances.shape[1] <= components:
        expected = f"at least one row, of 1..{components} chances"
        check.fail("calls", None, f"array of shape {chances.shape}", expected)
    extra = [IDLE] * (components - chances.shape[1])
    return [[*map(Fraction, row), *extra] for row in calls]


def _chance(success: Sequence[Fraction], vector: Sequence[int]) -> Fraction:
    """Of a reward vector, its components independent."""
    chances = (p if bit else 1 - p for p, bit in zip(success, vector, strict=True))
    return prod(chances, start=Fraction(1))


def menu(
    components: int = 2,
    calls: Sequence[Sequence[Any]] = CALLS,
    weights: Sequence[Any] = WEIGHTS,
    preference: float = 0.0,
) -> Instance:
    """The instance; components beyond those of ``calls`` are idle, of weight 1.

    ``preference`` is the logit of the first call at the start, the others' being 0. Raises
    ValueError for a chance outside [0, 1] or fewer components than ``calls`` has.
    """
    table = success_table(calls, components)
    earned = list(product((0, 1), repeat=components))
    laws = [[_chance(row, vector) for vector in earned] for row in table]
    mdp = lottery_model(laws, earned, [*weights, *[1] * (components - len(weights))])
    policy = Tabular(mdp)
    theta = np.zeros(policy.zeros().shape)
    theta[0, 0] = preference
    return Instance("menu", mdp, policy, jax.device_put(theta))
