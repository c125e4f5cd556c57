"""Influence of the policy: models where only exact arithmetic tells, and gradients as an oracle."""

import numpy as np
import pytest
from helpers.oracles import pad_classes

from grpo_checks.theory.evaluation.influence import influence
from grpo_checks.theory.evaluation.prime_field import PRIME
from grpo_checks.theory.evaluation.values import law_gradients
from grpo_checks.theory.instances.bits import bits
from grpo_checks.theory.instances.random import random_instance
from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.mdp.policy import LogLinear, Tabular


def _answers(*rewards, rho=(1,), weights=None, legal=None):
    """One state for each prompt; ``rewards`` (Q, Y, K)."""
    n, y = len(rewards), len(rewards[0])
    reward = np.zeros((n, n, y, len(rewards[0][0])))
    for q, rows in enumerate(rewards):
        reward[q, q] = rows
    return TAMDP(
        prompt_distribution=list(rho),
        initial_distribution=np.eye(n),
        depth=[0] * n,
        tool_transition=[],
        legal=[[True] * y] * n if legal is None else legal,
        reward=reward,
        weights=weights or [1] * reward.shape[-1],
    )


@pytest.mark.parametrize(
    ("mdp", "law", "value"),
    [
        (_answers([[1], [1]]), [False], [False]),
        (_answers([[1], [0]], legal=[[True, False]]), [False], [False]),
        (_answers([[1, 0], [0, 1]]), [True], [False]),
        (_answers([[1, 0], [0, 1]], weights=[1, 2]), [True], [True]),
        # .1 + .2 = .3 only as fractions.
        (_answers([[1, 1, 0], [0, 0, 1]], weights=[0.1, 0.2, 0.3]), [True], [False]),
        (_answers([[1], [1]], [[0], [1]], rho=(0.5, 0.5)), [False, True], [False, True]),
    ],
)
def test_one_decision(mdp, law, value):
    """Identical answers, one legal action, equal rewards; equal composites are less than that."""
    observed = influence(mdp)
    assert (observed.law.tolist(), observed.value.tolist()) == (law, value)


def test_a_component_that_never_comes_does_not_vary():
    """The others do."""
    observed = influence(_answers([[1, 0], [0, 0]]))
    assert observed.values.tolist() == [[True, False]]


@pytest.mark.parametrize(
    ("answers", "responses"),
    [
        ([[1, 0], [0, 1]], 1),  # p and 1 - p
        ([[1, 1], [0, 0]], 1),
        ([[1, 1], [0, 1]], 1),  # one of them never moves
        ([[1, 0], [0, 1], [0, 0]], 2),
        ([[1, 1], [1, 1]], 0),
        ([[1, 0, 1], [0, 1, 1], [0, 0, 0]], 3),
    ],
)
def test_how_many_responses_differ(answers, responses):
    """c_G(p) = c_G(1 - p); unequal responses need two components that are no mirror images."""
    assert influence(_answers(answers)).responses.tolist() == [responses]


def test_tasks_that_are_alike():
    """The same rewards in other states are other tasks; the same state is one task."""
    prompts = np.array([True, True])
    assert influence(_answers([[1], [0]], [[1], [0]], rho=(0.5, 0.5))).tasks_differ(prompts)
    mdp = TAMDP(
        prompt_distribution=[0.5, 0.5],
        initial_distribution=[[1], [1]],
        depth=[0],
        tool_transition=[],
        legal=[[True, True]],
        reward=[[[[1], [0]]], [[[1], [0]]]],
        weights=[1],
    )
    assert not influence(mdp).tasks_differ(prompts)
    assert not influence(_answers([[1], [0]])).tasks_differ(np.array([True]))


def _tools(first, second, reward=((0,), (1,))):
    """Two calls to states whose only answer pays ``reward``."""
    n = len(first)
    none = [[0] * (n + 1)] * 2
    return TAMDP(
        prompt_distribution=[1],
        initial_distribution=[[1] + [0] * n],
        depth=[0] + [1] * n,
        tool_transition=[[[0, *first], [0, *second]], *[none] * n],
        legal=[[True, True, False], *[[False, False, True]] * n],
        reward=[[[[0] * len(reward[0])], *([list(r)] for r in reward)]],
        weights=[1] * len(reward[0]),
    )


def test_tools_with_the_same_law_of_rewards():
    """Different states, the same rewards; the tables are thirds, which no float64 holds."""
    three = ((1,), (0,), (0,))
    assert not influence(_tools(["1/3", "1/3", "1/3"], ["1/3", "2/3", 0], three)).law.any()
    assert influence(_tools(["1/3", "1/3", "1/3"], ["2/3", "1/3", 0], three)).law.all()


def test_a_difference_that_float64_does_not_see():
    """Chances of 1e-300, and of 1/2 against 1/2 + 2^-50."""
    assert influence(_tools([1 - 1e-300, 1e-300], [1, 0])).law.all()
    assert influence(_tools([0.5, 0.5], [0.5 - 2.0**-50, 0.5 + 2.0**-50])).law.all()


def test_differences_that_no_policy_reaches():
    """They do not count: a state of chance 0, and a prompt whose other states differ."""
    mdp = TAMDP(
        prompt_distribution=[1],
        initial_distribution=[[1, 0]],
        depth=[0, 0],
        tool_transition=[],
        legal=[[True, True]] * 2,
        reward=[[[[1], [1]], [[1], [0]]]],
        weights=[1],
    )
    assert not influence(mdp).law.any()


def test_classes_that_cannot_tell_actions_or_states_apart():
    """Equal features; one observation for two states that want opposite answers. Unrestricted
    policies could."""
    mdp = TAMDP(
        prompt_distribution=[1],
        initial_distribution=[[0.5, 0.5]],
        depth=[0, 0],
        tool_transition=[],
        legal=[[True, True]] * 2,
        reward=[[[[1], [0]], [[0], [1]]]],
        weights=[1],
    )
    equal = np.repeat(np.random.default_rng(0).normal(size=(2, 1, 3)), 2, axis=1)
    for policy in (LogLinear(mdp, equal), Tabular(mdp, [0, 0])):
        assert not influence(mdp, policy).law.any()
    distance = equal + np.array([0.0, 1e-12])[None, :, None]
    assert influence(mdp, LogLinear(mdp, distance)).law.all()
    assert influence(mdp).law.all()


@pytest.mark.parametrize("features", [0, 3])
@pytest.mark.parametrize("seed", range(6))
def test_against_gradients(seed, features):
    """A law that depends on the policy has a gradient somewhere, and the other way round."""
    instance = random_instance(2, seed=seed, features=features, answers=2, width=1, tools=1)
    theta = np.random.default_rng(seed).normal(size=instance.theta.shape)
    # Models of one shape share a program: the classes that none of them has are taken off again.
    slopes = np.asarray(law_gradients(pad_classes(instance.mdp), instance.policy, theta))
    slopes = slopes[:, : instance.mdp.class_composite.size].reshape(len(slopes), -1, theta.size)
    observed = influence(instance.mdp, instance.policy)
    vectors = np.asarray(instance.mdp.class_vector)
    means = np.einsum("qcn,ck->qkn", slopes, vectors)
    assert observed.law.tolist() == (np.abs(slopes).max((1, 2)) > 1e-9).tolist()
    assert observed.values.tolist() == (np.abs(means).max(2) > 1e-9).tolist()


def test_some_random_models_have_prompts_that_cannot_learn():
    """So that the test above is not about one answer alone."""
    every = [
        influence(random_instance(2, seed=s, answers=2, width=1, tools=1).mdp) for s in range(6)
    ]
    kinds = np.concatenate([observed.values for observed in every])
    assert kinds.any()
    assert not kinds.all()


def test_the_field():
    """A prime p with (p-1)/2 prime, small enough for products in int64."""
    for n in (PRIME, (PRIME - 1) // 2):
        assert all(n % d for d in range(2, int(n**0.5) + 1))
    assert (PRIME - 1) ** 2 < 2**63


def test_a_large_model():
    """64 answers in one state, in a moment."""
    assert influence(bits(3).mdp).values.all()
