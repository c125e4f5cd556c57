"""The noise of `leave_one_out`: all groups listed, another derivation, numerical minimisation."""

from functools import cache
from typing import Any

import equinox as eqx
import numpy as np
import pytest
from helpers import group_oracles, oracles
from scipy.optimize import minimize_scalar

from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.estimators.group_law import group_law, plain_law
from grpo_checks.theory.evaluation.episode_listing import list_episodes
from grpo_checks.theory.instances.conflict import conflict
from grpo_checks.theory.instances.random import random_instance
from grpo_checks.theory.updates.moments import prompt_moments
from grpo_checks.theory.updates.ustatistic import listed_error, noise

TINY: dict[str, Any] = {"prompts": 2, "width": 1, "tools": 1, "answers": 2, "depth": 1}
MODELS = {
    "tabular": random_instance(2, seed=2, **TINY),
    "log-linear": random_instance(1, seed=5, features=2, **TINY),
    "conflict": conflict(1, 0.4),
}
PLAIN = Estimator("leave_one_out")


@cache
def _listed(name):
    return list_episodes(*MODELS[name][1:4])


@pytest.mark.parametrize("size", [2, 3])
@pytest.mark.parametrize("name", MODELS)
def test_error_over_all_groups_of_episodes(name, size):
    """Every group written out."""
    for one, other in zip(_listed(name), oracles.list_episodes(*MODELS[name][1:4]), strict=True):
        mean, variance = oracles.moments(*group_oracles.group_updates(other, size, PLAIN.name))
        assert abs(noise(one).error(size) - variance) < 1e-14
        np.testing.assert_allclose(noise(one).gradient, mean, atol=1e-14)


@pytest.mark.parametrize("name", MODELS)
def test_error_by_central_moments(name):
    """The sweep's formula, which needs no pairs of episodes, at G = 40."""
    moments = eqx.filter_jit(prompt_moments)(*MODELS[name][1:4], plain_law(PLAIN, 40))
    for one, variance in zip(_listed(name), moments.variance, strict=True):
        assert np.isclose(noise(one).error(40), float(variance), rtol=1e-12)


@pytest.mark.parametrize("estimator", [PLAIN, Estimator("group_normalized", 1, 1e-2)], ids=str)
def test_error_from_the_law_of_groups(estimator):
    """Also of a biased estimator: the squared distance from grad J, over all groups."""
    mdp = MODELS["tabular"].mdp
    group = group_law(mdp, 3, estimator, "counts")
    options = (3, estimator.name, estimator.ddof, estimator.eps)
    for one, other in zip(
        _listed("tabular"), oracles.list_episodes(*MODELS["tabular"][1:4]), strict=True
    ):
        p, updates = group_oracles.group_updates(other, *options)
        error = p @ np.square(updates - noise(one).gradient).sum(1)
        assert abs(listed_error(one, group) - error) < 1e-14


@pytest.mark.parametrize("name", MODELS)
def test_the_best_baseline(name):
    """By numerical minimisation over constants; what the value loses is Cov(R, |s|^2)^2/E|s|^2."""
    for one in _listed(name):
        moments, size = noise(one), (one.score**2).sum(1)

        def error(c, one=one, size=size):
            return one.probability @ ((one.composite - c) ** 2 * size)

        least = minimize_scalar(error)
        squared = moments.gradient @ moments.gradient
        assert abs(least.fun - squared - moments.best) < 1e-12
        assert abs(least.x - moments.baseline) < 1e-6
        lean = one.probability @ ((one.composite - one.value) * size)
        assert np.isclose(
            moments.oracle - moments.best, lean**2 / (one.probability @ size), atol=1e-14
        )


def test_the_remainder_falls_as_the_square_of_the_group():
    """G (G-1) (error - a/G) is one number, 2b - a > 0."""
    moments = noise(_listed("tabular")[0])
    rest = [(moments.error(g) - moments.oracle / g) * g * (g - 1) for g in (2, 3, 10, 1000)]
    np.testing.assert_allclose(rest, 2 * moments.pairs - moments.oracle, rtol=1e-9)
    assert rest[0] > 0
