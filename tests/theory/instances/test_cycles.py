"""Instances whose answers beat one another in a circle, by listing pairs of episodes."""

from fractions import Fraction
from itertools import product

import equinox as eqx
import jax
import numpy as np
import pytest

from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.estimators.group_law import group_law
from grpo_checks.theory.evaluation.values import value
from grpo_checks.theory.instances.cycles.dice import LAWS, VECTORS, dice
from grpo_checks.theory.instances.cycles.rank_cycle import PAYS, rank_cycle
from grpo_checks.theory.updates.moments import expected_update

_update = eqx.filter_jit(expected_update)
CYCLIC = np.array([[0, 1, -1], [-1, 0, 1], [1, -1, 0]])


def _wins(first, second):
    """Pr(R > R') - Pr(R < R') of two lotteries, lists of (chance, reward)."""
    return sum(p * q * ((x > y) - (x < y)) for (p, x), (q, y) in product(first, second))


def _dice_lotteries(format_weight):
    pays = [a + format_weight * b for a, b in VECTORS]
    return [list(zip(map(Fraction, law), pays, strict=True)) for law in LAWS]


@pytest.mark.parametrize("format_weight", [Fraction(1, 100), Fraction(1, 5), Fraction(99, 100)])
def test_dice_beat_one_another(format_weight):
    """Each by 1/8, whatever the format counts for."""
    tools = _dice_lotteries(format_weight)
    wins = [[_wins(a, b) for b in tools] for a in tools]
    assert wins == (-CYCLIC * Fraction(1, 8)).tolist()


def test_votes_of_rank_cycle():
    """Two prompts of three are for 1 over 2, 2 over 3 and 3 over 1."""
    pays = [[Fraction(x) for x in row] for row in PAYS]
    votes = [[sum((p[a] > p[b]) - (p[a] < p[b]) for p in pays) for b in range(3)] for a in range(3)]
    assert votes == CYCLIC.tolist()


@pytest.mark.parametrize(("instance", "strength"), [(rank_cycle(), 1 / 3), (dice(3), -1 / 8)])
def test_updates_follow_the_wins(instance, strength):
    """E[g]_a = pi_a (S pi)_a at G = 2, at the start and elsewhere."""
    group = group_law(instance.mdp, 2, Estimator("group_normalized"))
    for shift in (0.0, 0.5):
        theta = instance.theta.at[0, 1].add(shift)
        chance = np.asarray(instance.policy.probs(theta))[0, :3]
        update = _update(instance.mdp, instance.policy, theta, group).reshape(-1)
        expected = strength * chance * (CYCLIC @ chance)
        np.testing.assert_allclose(update[:3], expected, rtol=1e-13)


@pytest.mark.parametrize(
    ("instance", "means"),
    [(rank_cycle(), (1.05 / 3, 1.95 / 3, 0.05)), (dice(), (0.6, 0.45, 0.75))],
)
def test_values_of_the_answers(instance, means):
    """J is linear in the policy, and its optimum the best of them."""
    chance = np.asarray(instance.policy.probs(instance.theta))[0, :3]
    here = jax.jit(value)(instance.mdp, instance.policy, instance.theta)
    assert here == pytest.approx(chance @ means, rel=1e-14)
    assert instance.optimum == pytest.approx(max(means), rel=1e-14)


def test_dice_need_two_components():
    """Accuracy and format."""
    with pytest.raises(ValueError, match="components = 1: expected at least 2"):
        dice(1)
