"""Attracting zeros between two actions: against listed groups, and runs that end there."""

from fractions import Fraction
from itertools import product
from math import sqrt

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flint import arb, fmpq

from grpo_checks.theory.arithmetic.enclose import exact
from grpo_checks.theory.convergence.cycles.group_field import advantage_table, group_update
from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.instances.cycles.dice import LAWS, VECTORS, WEIGHTS
from grpo_checks.theory.rational.cycles.centres import Model
from grpo_checks.theory.rational.cycles.edges import edges

MODEL = Model(*map(exact, ([1], [LAWS], VECTORS, WEIGHTS)))
GROUP_NORMALIZED = Estimator("group_normalized")
A, B, C = 0, 1, 2


def _payoffs(chance, group_size):
    """E[A_1 | a_1 = a] of all actions, by listing the rewards of groups."""
    rewards = [
        sum(Fraction(r) * Fraction(w) for r, w in zip(v, WEIGHTS, strict=True)) for v in VECTORS
    ]
    laws = [[Fraction(x) for x in law] for law in LAWS]
    mixed = [chance * x + (1 - chance) * y for x, y in zip(laws[A], laws[C], strict=True)]
    payoff = np.zeros(3)
    for group in product(range(len(rewards)), repeat=group_size):
        earned = [rewards[o] for o in group]
        mean = sum(earned) / group_size
        spread = sum((r - mean) ** 2 for r in earned) / group_size
        if spread:
            others = np.prod([float(mixed[o]) for o in group[1:]])
            advantage = float(earned[0] - mean) / sqrt(spread)
            payoff += np.array([float(law[group[0]]) for law in laws]) * others * advantage
    return payoff


@pytest.mark.parametrize(("group_size", "chance"), [(3, 0.85087), (4, 0.11503)])
def test_the_zero_by_listed_groups(group_size, chance):
    (edge,) = edges(MODEL, GROUP_NORMALIZED, fmpq(0), group_size)
    assert edge.actions == (A, C)
    assert float(arb(edge.chance).rad()) < 1e-30
    assert float(edge.chance) == pytest.approx(chance, abs=5e-6)
    at = Fraction(float(edge.chance))
    before, here, after = (
        _payoffs(at + step, group_size) for step in (Fraction(-1, 8), 0, Fraction(1, 8))
    )
    # A few thousand terms of order 1 at most, each right to some roundings.
    assert np.abs(here[[A, C]]).max() < len(VECTORS) ** group_size * 16 * np.finfo(float).eps
    assert before[A] > before[C]
    assert after[A] < after[C]
    assert here[B] < -0.01
    # Mean rewards .6 and .75.
    z = float(edge.chance)
    assert float(edge.squared_gradient) == pytest.approx(2 * (z * (1 - z) * 0.15) ** 2, rel=1e-12)


def test_runs_from_near_by_end_there():
    (edge,) = edges(MODEL, GROUP_NORMALIZED, fmpq(0), 4)
    law, vectors, weights = (
        jax.device_put(np.array(x, float)) for x in (MODEL.outcome, MODEL.rewards, MODEL.weights)
    )
    table = advantage_table(vectors, weights, GROUP_NORMALIZED, 4)

    @jax.jit
    def end(theta):
        move = lambda _, at: at + group_update(jnp.ones(1), law, table, 4, at)  # noqa: E731
        return jax.nn.softmax(jax.lax.fori_loop(0, 30_000, move, theta))

    for theta in ([-1.0, -3.0, 0.0], [1.0, -1.0, 0.5]):
        policy = end(jnp.array(theta))
        # B falls as 1/t, and moves the zero by as much.
        assert policy[B] < 1e-3
        assert policy[A] == pytest.approx(float(edge.chance), abs=0.01)


def test_zeros_that_repel_are_none():
    """Rewards turned round reverse E[g], and B and C change places: the mirror alone attracts."""
    (edge,) = edges(MODEL, GROUP_NORMALIZED, fmpq(0), 4)
    opposite = MODEL._replace(rewards=1 - MODEL.rewards)
    (mirror,) = edges(opposite, GROUP_NORMALIZED, fmpq(0), 4)
    assert mirror.actions == (A, B)
    assert float(mirror.chance) == pytest.approx(float(edge.chance), rel=1e-15)
    assert edges(MODEL, GROUP_NORMALIZED, fmpq(0), 8) == []
    assert edges(MODEL, Estimator("leave_one_out"), fmpq(0), 4) == []
