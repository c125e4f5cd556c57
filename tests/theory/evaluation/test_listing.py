"""Listed episodes and their moments: against another listing, and automatic differentiation."""

from functools import cache
from typing import Any

import equinox as eqx
import jax
import numpy as np
import pytest
from helpers import oracles

from grpo_checks.theory.evaluation import episode_listing as listing
from grpo_checks.theory.evaluation.curvature import contrast, curvature_moments, matrix_norm
from grpo_checks.theory.evaluation.episode_listing import count_episodes, list_episodes
from grpo_checks.theory.evaluation.values import component_values, prompt_values, reward_law
from grpo_checks.theory.instances.conflict import conflict
from grpo_checks.theory.instances.random import random_instance
from grpo_checks.theory.instances.tools.search import search
from grpo_checks.theory.mdp.policy import Policy

TINY: dict[str, Any] = {"prompts": 2, "width": 2, "tools": 1, "answers": 2, "depth": 1}
MODELS = {
    "tabular": random_instance(2, seed=1, **TINY),
    "log-linear": random_instance(2, seed=2, separable=False, features=3, **TINY),
    "conflict": conflict(1, -0.5),
}


@cache
def _listed(name):
    return list_episodes(*MODELS[name][1:4])


@pytest.mark.parametrize("name", MODELS)
def test_the_same_episodes_as_another_listing(name):
    """Probabilities, scores and rewards, in any order."""
    _, mdp, policy, theta, *_ = MODELS[name]
    others = oracles.list_episodes(mdp, policy, theta)
    assert count_episodes(mdp) == sum(len(o.probability) for o in others)
    for one, other in zip(_listed(name), others, strict=True):
        ours = np.column_stack([one.probability, one.composite, one.score])
        theirs = np.column_stack([other.probability, other.value, other.score])
        order, another = (np.lexsort(np.round(x, 9).T) for x in (ours, theirs))
        np.testing.assert_allclose(ours[order], theirs[another], atol=1e-14)


@pytest.mark.parametrize("name", MODELS)
def test_hessian_as_a_moment(name):
    """E[(R-mu) M] is the Hessian by automatic differentiation, and E[M] = 0."""
    _, mdp, policy, theta, *_ = MODELS[name]
    f = eqx.filter_jit(jax.hessian(lambda t: prompt_values(mdp, policy.probs(t))))
    n = theta.size
    for one, hessian in zip(_listed(name), np.asarray(f(theta)).reshape(-1, n, n), strict=True):
        moments = curvature_moments(one)
        np.testing.assert_allclose(moments.hessian, hessian, atol=1e-14)
        zero = sum(p * m for p, m in zip(one.probability, one.curvatures(), strict=True))
        np.testing.assert_allclose(zero, np.zeros((n, n)), atol=1e-14)
        for norm in moments.root_mean_square:
            total = [matrix_norm(m, norm) ** 2 for m in one.curvatures()]
            root = np.sqrt(one.probability @ np.array(total))
            assert np.isclose(moments.root_mean_square[norm], root, rtol=1e-12)
            assert matrix_norm(hessian, norm) <= moments.bound(norm) * (1 + 1e-12)


def test_the_curvature_bound_is_sharp_with_one_logit():
    """M = (1-2p)(r-p): equality, so that no smaller bound of this form is true."""
    for one in _listed("conflict"):
        moments = curvature_moments(one)
        assert np.isclose(matrix_norm(moments.hessian, "spectral"), moments.bound("spectral"))
        assert moments.bound("spectral") > 0.05


@pytest.mark.parametrize("name", MODELS)
def test_contrast_is_the_gradient(name):
    """p(1-p) (E[s|1] - E[s|0]) for the event that the first component exceeds 0.4."""
    _, mdp, policy, theta, *_ = MODELS[name]
    event = (np.asarray(mdp.class_vector)[:, 0] > 0.4).astype(float)

    def chance(t):
        return reward_law(mdp, policy.probs(t)) @ jax.device_put(event)

    p, slopes = map(np.asarray, jax.jit(lambda t: (chance(t), jax.jacrev(chance)(t)))(theta))
    for q, one in enumerate(_listed(name)):
        value = float(p[q] * (1 - p[q])) * contrast(one, event)
        np.testing.assert_allclose(value, slopes[q].reshape(-1), atol=1e-14)


def test_values_of_listed_episodes():
    """J_q and the standard deviation, against the sweep."""
    _, mdp, policy, theta, *_ = MODELS["tabular"]
    values = jax.jit(lambda t: component_values(mdp, policy.probs(t)))(theta)
    means = np.asarray(values) @ np.asarray(mdp.weights)
    for one, mean in zip(_listed("tabular"), means, strict=True):
        assert np.isclose(one.value, float(mean), rtol=1e-14)
        assert np.isclose(one.deviation**2, np.cov(one.composite, aweights=one.probability, ddof=0))


def test_certain_rewards_have_no_contrast():
    """The chance is named."""
    with pytest.raises(ValueError, match="p = 0"):
        contrast(_listed("conflict")[0], np.zeros(2))


def test_models_too_large_to_list(monkeypatch):
    """Counted without listing; the message says how many."""
    deep = search(1)
    assert count_episodes(deep.mdp) == 552
    monkeypatch.setattr(listing, "MAX_EPISODES", 500)
    with pytest.raises(ValueError, match="episodes = 552: expected at most 500"):
        list_episodes(*deep[1:4])
    monkeypatch.undo()
    monkeypatch.setattr(listing, "MAX_NUMBERS", 10)
    with pytest.raises(ValueError, match=r"parameters.*expected at most 10"):
        list_episodes(*MODELS["tabular"][1:4])


def test_an_unknown_policy_class():
    """It is named."""

    class Other(Policy):
        legal: Any

    with pytest.raises(ValueError, match="policy = Other"):
        listing.features(Other(MODELS["tabular"].policy.legal))
