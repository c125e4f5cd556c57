"""Silent groups and what filtering does, against groups of whole episodes written out."""

from fractions import Fraction
from functools import cache

import equinox as eqx
import jax
import numpy as np
import pytest
from helpers import oracles
from helpers.group_oracles import group_updates
from helpers.small_models import binary_instance

from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.estimators.group_law import group_law, plain_law
from grpo_checks.theory.instances.conflict import conflict
from grpo_checks.theory.updates.moments import update_moments
from grpo_checks.theory.updates.silent import filtered_moments, silent_probabilities

ESTIMATORS = [Estimator("group_normalized"), Estimator("componentwise_normalized", 1, 1e-4)]
INSTANCE = binary_instance(2, seed=7, prompts=2, width=1, tools=1, answers=2, depth=1)
THETA = jax.device_put(np.asarray(INSTANCE.theta) + 0.4)
MODEL = INSTANCE.mdp, INSTANCE.policy, THETA
SIZE = 3


@jax.jit
def _compiled(mdp, policy, theta, law):
    """Chance of silence, moments of groups that speak, swept and drawn, and of all."""
    model = mdp, policy, theta, law
    swept, drawn = (filtered_moments(*model, prompts) for prompts in (None, 2))
    return silent_probabilities(*model), swept, drawn, update_moments(*model)


@cache
def _quantities(estimator):
    observed = _compiled(*MODEL, group_law(MODEL[0], SIZE, estimator))
    return jax.tree.map(np.asarray, observed)


@pytest.fixture(scope="module", params=ESTIMATORS, ids=lambda e: e.name)
def listed(request):
    """The estimator, and probability and update of every group of each prompt."""
    estimator = request.param
    options = SIZE, estimator.name, estimator.ddof, estimator.eps
    return estimator, [group_updates(e, *options) for e in oracles.list_episodes(*MODEL)]


def _speaking(groups):
    """The groups with an update, and their total probability."""
    kept = np.abs(groups[1]).max(1) > 0
    return groups[0][kept], groups[1][kept]


def test_probability_of_silence(listed):
    """The groups without any update are those of equal rewards."""
    estimator, groups = listed
    silent, *_ = _quantities(estimator)
    for q, group in enumerate(groups):
        assert abs(float(silent[q]) - (1 - _speaking(group)[0].sum())) < 1e-12
        assert 0.01 < float(silent[q]) < 0.99


def test_filtered_sweep(listed):
    """Each prompt's group drawn until it speaks: moments and number of episodes."""
    estimator, groups = listed
    rho = np.asarray(MODEL[0].prompt_distribution)
    moments = _quantities(estimator)[1]
    kept = [_speaking(g) for g in groups]
    values = [oracles.moments(p / p.sum(), x) for p, x in kept]
    np.testing.assert_allclose(moments.update.mean, rho @ [m for m, _ in values], atol=1e-12)
    assert abs(float(moments.update.variance) - rho**2 @ [v for _, v in values]) < 1e-12
    episodes = SIZE * sum(1 / p.sum() for p, _ in kept)
    assert abs(float(moments.episodes) - episodes) < 1e-10


def test_filtered_draws_keep_the_direction(listed):
    """B kept groups, prompts drawn anew: E g is divided by the chance that a group speaks."""
    estimator, groups = listed
    rho, (_, _, moments, total) = np.asarray(MODEL[0].prompt_distribution), _quantities(estimator)
    kept = [_speaking(g) for g in groups]
    chance = np.concatenate([r * p for r, (p, _) in zip(rho, kept, strict=True)])
    mean, variance = oracles.moments(chance / chance.sum(), np.concatenate([x for _, x in kept]))
    np.testing.assert_allclose(moments.update.mean, mean, atol=1e-12)
    assert abs(float(moments.update.variance) - variance / 2) < 1e-12
    np.testing.assert_allclose(moments.update.mean * chance.sum(), total.mean, atol=1e-12)
    np.testing.assert_allclose(moments.update.gradient, total.gradient, atol=1e-13)
    assert abs(float(moments.episodes) - 2 * SIZE / chance.sum()) < 1e-10


def test_silence_on_conflict_in_fractions():
    """p^G + (1-p)^G at p = 1/2 and, for the second prompt, 1/2: 1/128 each at G = 8."""
    instance = conflict()
    law = group_law(instance.mdp, 8, ESTIMATORS[0])
    model = instance.mdp, instance.policy, instance.theta
    silent = jax.jit(silent_probabilities)(*model, law)
    assert silent.tolist() == [float(Fraction(2, 2**8))] * 2


def test_a_prompt_that_cannot_speak():
    """Equal rewards for all: nothing to divide by, no NaN, and a finite gradient of the rest."""
    mdp = INSTANCE.mdp
    same = eqx.tree_at(lambda m: m.class_index, mdp, np.zeros_like(mdp.class_index))
    law = group_law(mdp, SIZE, ESTIMATORS[0])
    _, moments, *_ = _compiled(same, *MODEL[1:], law)
    assert not np.asarray(moments.update.mean).any()
    assert float(moments.update.variance) == 0
    assert float(moments.episodes) == np.inf


def test_a_law_without_rewards_is_refused():
    """The plain law does not know which rewards are equal."""
    with pytest.raises(ValueError, match="expected a law made by"):
        jax.eval_shape(silent_probabilities, *MODEL, plain_law(Estimator("leave_one_out"), 4))
