"""T1.K's groups of rewards against groups of episodes, in rational numbers and balls."""

import numpy as np
import pytest
from flint import fmpq
from helpers.choice_instance import document

from grpo_checks.experiments.claims.stationarity.components import _enclosed_variance, merged
from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.instances.bandit import bandit
from grpo_checks.theory.instances.bits import bits
from grpo_checks.theory.instances.menu import menu
from grpo_checks.theory.numbers.balls import magnitude
from grpo_checks.theory.rational.choices.choice import parse_choice
from grpo_checks.theory.rational.choices.instance import uniform_choice
from grpo_checks.theory.rational.choices.update import prompt_update

ESTIMATORS = (
    Estimator("leave_one_out"),
    Estimator("mean_baseline"),
    Estimator("group_normalized", 1, 0.25),
)


def _same(one, other):
    return magnitude(one - other) < fmpq(1, 10**60)


def _repeating(components):
    """Three actions of two outcomes: reward vectors come more than once."""
    choice = document(3)
    outcomes = [o for action in choice["prompts"][0]["actions"] for o in action["outcomes"]]
    for i, outcome in enumerate(outcomes):
        outcome["rewards"] = [i % 2, f"{i % 3}/2"][:components]
    outcomes[5]["rewards"] = outcomes[0]["rewards"]
    return {**choice, "weights": [2, 3][:components]}


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda e: e.name)
@pytest.mark.parametrize("components", [1, 2])
def test_against_groups_of_episodes(estimator, components):
    """Variances agree; episodes with one reward are merged, others are not."""
    choice = parse_choice(_repeating(components))
    (kinds,) = choice.kinds
    rewards = merged(kinds, choice.weights)
    for size in (2, 3):
        listed = prompt_update(kinds, choice.weights, size, estimator)
        assert _same(listed.variance, _enclosed_variance(rewards, size, estimator))
    assert len(rewards.chance) < len(kinds)


def test_equal_composites_are_one_reward():
    """.1 + .2 and .3."""
    answers = [[1, 1, 0], [0, 0, 1]]
    actions = [{"odds": 1, "outcomes": [{"share": 1, "rewards": r}]} for r in answers]
    weights = ["1/10", "1/5", "3/10"]
    choice = parse_choice({"weights": weights, "prompts": [{"share": 1, "actions": actions}]})
    assert merged(choice.kinds[0], choice.weights).composite.tolist() == [fmpq(3, 10)]


def test_an_instance_as_a_choice_model():
    """`bits` with shared states: chances, rewards and scores; tools are refused."""
    instance = bits(2, 0.25)
    choice = uniform_choice(instance.mdp, instance.policy)
    (kinds,) = choice.kinds
    assert len(kinds) == 128
    assert sum((k.chance for k in kinds), fmpq(0)) == 1
    assert {k.chance for k in kinds} == {fmpq(3, 256), fmpq(1, 256)}
    shared = [k for k in kinds if k.chance == fmpq(1, 256)]
    assert all(k.rewards[0] == k.rewards[1] for k in shared)
    assert all(sum(k.score, fmpq(0)) == 0 for k in kinds)
    np.testing.assert_array_equal([max(k.score) for k in kinds], fmpq(63, 64))
    three = uniform_choice(bandit().mdp, bandit().policy)
    assert [k.rewards[0] for k in three.kinds[0]] == [fmpq(0), fmpq(1, 2), fmpq(1)]
    with pytest.raises(ValueError, match="depth = 1"):
        uniform_choice(menu().mdp, menu().policy)
