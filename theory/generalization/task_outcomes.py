"""Losses that are sampled: m episodes per task and policy instead of the exact loss.

Episodes of one task share the task, so that the tasks remain the independent unit: what a task
shows is the vector of mean losses over its m episodes, one of finitely many outcomes, and the
bounds hold with n tasks. Counting n m "samples" is wrong.
"""

from fractions import Fraction
from itertools import product
from math import prod

import jax
import numpy as np
from jaxtyping import Array, Float

from grpo_checks.theory.evaluation.values import reward_law
from grpo_checks.theory.generalization.learning import Learning
from grpo_checks.theory.mdp.mdp import TAMDP

MAX_OUTCOMES = 200


def _mean_law(law: np.ndarray, numerator: np.ndarray, m: int) -> dict[int, float]:
    """Law of the sum of m composite numerators, by repeated convolution on whole numbers."""
    total = {0: 1.0}
    for _ in range(m):
        following: dict[int, float] = {}
        for (value, chance), (more, p) in product(
            total.items(), zip(numerator.tolist(), law.tolist(), strict=True)
        ):
            if p > 0:
                following[value + more] = following.get(value + more, 0.0) + chance * p
        total = following
    return total


_laws = jax.jit(jax.vmap(reward_law, (None, 0)))


def episode_outcomes(mdp: TAMDP, probs: Float[Array, "M S A"], m: int) -> Learning:
    """The learning problem in which a task shows m episodes of each policy, drawn independently.

    Exact: outcomes are vectors of mean losses, equal ones of different task types merged. Raises
    ValueError for m < 1 or more than 200 outcomes.
    """
    if m < 1:
        raise ValueError(f"m = {m}: expected at least 1 episode per task")
    laws = np.asarray(_laws(mdp, probs))
    numerator = np.asarray(mdp.class_numerator)
    top = Fraction(float(mdp.max_reward)).limit_denominator(10**6) * mdp.composite_denominator
    chances: dict[tuple[float, ...], float] = {}
    for q, rho in enumerate(np.asarray(mdp.prompt_distribution)):
        sums = [_mean_law(law[q], numerator, m) for law in laws]
        if prod(len(x) for x in sums) > MAX_OUTCOMES:
            raise ValueError(
                f"m = {m}, policies = {len(laws)}: more than {MAX_OUTCOMES} outcomes of a task; "
                "expected fewer policies, episodes or reward values"
            )
        for combined in product(*(x.items() for x in sums)):
            losses = tuple(float(1 - value / (m * top)) for value, _ in combined)
            chance = rho * np.prod([p for _, p in combined])
            chances[losses] = chances.get(losses, 0.0) + float(chance)
    loss = np.clip(np.array(list(chances)).T, 0.0, 1.0)
    chance = np.array(list(chances.values()))
    return Learning(loss, chance / chance.sum())
