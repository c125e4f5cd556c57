"""Exact moments of one update: prompts swept or drawn, every estimator, closed forms."""

from functools import cache
from itertools import product
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers import group_oracles, oracles

from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.estimators.group_law import group_law
from grpo_checks.theory.evaluation.values import gradient
from grpo_checks.theory.instances.conflict import conflict
from grpo_checks.theory.instances.random import random_instance
from grpo_checks.theory.updates.moments import combine, expected_update, moments_at
from grpo_checks.theory.updates.policy_law import policy_law

PLAIN = [Estimator("mean_baseline"), Estimator("leave_one_out")]
NORMALIZED = [Estimator("group_normalized", 1, 1e-4), Estimator("componentwise_normalized")]
ESTIMATORS = PLAIN + NORMALIZED
SETTINGS = list(product(ESTIMATORS, (None, 2)))
TINY: dict[str, Any] = {"width": 1, "tools": 1, "answers": 2, "depth": 1, "components": 2}
INSTANCES = {
    "tabular": random_instance(seed=1, prompts=2, **TINY),
    "log-linear": random_instance(seed=2, prompts=3, separable=False, features=2, **TINY),
    "conflict": conflict(start=0.3),
}


def _close(ours, oracle, atol=1e-12):
    np.testing.assert_allclose(ours, oracle, atol=atol, rtol=0)


def _theta(instance):
    return instance.theta + np.random.default_rng(3).normal(size=instance.theta.shape)


def _model(name):
    _, mdp, policy, *_ = instance = INSTANCES[name]
    return mdp, policy, jax.device_put(_theta(instance))


@jax.jit
def _moments(mdp, policy, theta, laws):
    at = policy_law(mdp, policy, theta)
    groups = {e: moments_at(mdp, at, law) for e, law in zip(ESTIMATORS, laws, strict=True)}
    return [combine(mdp.prompt_distribution, groups[e], b) for e, b in SETTINGS]


@cache
def _exact(name, group_size):
    """Full sweep (None) and B drawn prompts, for every estimator."""
    model = _model(name)
    laws = [group_law(model[0], group_size, e, room=3) for e in ESTIMATORS]
    return dict(zip(SETTINGS, _moments(*model, laws), strict=True))


@cache
def _groups(name, size, estimator):
    options = size, estimator.name, estimator.ddof, estimator.eps
    return [group_oracles.group_updates(e, *options) for e in oracles.list_episodes(*_model(name))]


def _both(first, second):
    """The law of the sum of two independent listed outcomes."""
    (p, x), (q, y) = first, second
    return (p[:, None] * q).reshape(-1), (x[:, None] + y).reshape(-1, x.shape[1])


CASES = list(product(INSTANCES, (2, 3)))


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=str)
@pytest.mark.parametrize(("name", "size"), CASES)
def test_moments_are_sums_over_groups_of_episodes(name, size, estimator):
    """Mean and variance on the full sweep, and of prompts drawn from rho."""
    rho, ours = np.asarray(INSTANCES[name].mdp.prompt_distribution), _exact(name, size)
    groups = _groups(name, size, estimator)
    values = [oracles.moments(*g) for g in groups]
    mean, variance = rho @ [m for m, _ in values], rho**2 @ [v for _, v in values]
    assert variance > 1e-3
    _close(ours[estimator, None].mean, mean)
    _close(ours[estimator, None].variance, variance)
    drawn = np.concatenate([r * p for r, (p, _) in zip(rho, groups, strict=True)])
    mean, variance = oracles.moments(drawn, np.concatenate([x for _, x in groups]))
    _close(ours[estimator, 2].mean, mean)
    _close(ours[estimator, 2].variance, variance / 2)


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=str)
@pytest.mark.parametrize("size", [2, 3])
def test_moments_are_sums_over_whole_batches(size, estimator):
    """As above, without using that groups are independent: every pair of groups is listed."""
    ours, rho = _exact("conflict", size), np.array([0.5, 0.5])
    (p, x), (q, y) = _groups("conflict", size, estimator)
    sweep = oracles.moments(*_both((p, rho[0] * x), (q, rho[1] * y)))
    one = np.concatenate([rho[0] * p, rho[1] * q]), np.concatenate([x, y]) / 2
    for b, (mean, variance) in ((None, sweep), (2, oracles.moments(*_both(one, one)))):
        _close(ours[estimator, b].mean, mean)
        _close(ours[estimator, b].variance, variance)


@pytest.mark.parametrize(("name", "size"), CASES)
def test_plain_estimators_follow_the_gradient(name, size):
    """leave_one_out is unbiased, mean_baseline shrinks by 1 - 1/G; autodiff says of what."""
    slope = np.asarray(eqx.filter_jit(gradient)(*_model(name))).reshape(-1)
    for (estimator, _), moments in _exact(name, size).items():
        _close(moments.gradient, slope)
        _close(moments.squared_gradient, slope @ slope)
        factor = {"mean_baseline": 1 - 1 / size, "leave_one_out": 1}.get(estimator.name)
        if factor is not None:
            _close(moments.mean, factor * slope)
            _close(moments.squared_bias, (1 - factor) ** 2 * slope @ slope)


@jax.jit
def _prompts(mdp, policy, theta, laws):
    at = policy_law(mdp, policy, theta)
    return [moments_at(mdp, at, law) for law in laws]


ENGINES = "auto", "counts", "lattice"


@pytest.mark.parametrize(("name", "size"), [("tabular", 2), ("tabular", 6), ("log-linear", 5)])
def test_u_statistic_agrees_with_both_engines(name, size):
    """Derivations that share only the reward law and the score moments."""
    model = _model(name)
    laws = [group_law(model[0], size, e, n, room=6) for e in PLAIN for n in ENGINES]
    moments = iter(_prompts(*model, laws))
    for direct, counted, listed in zip(moments, moments, moments, strict=True):
        for other in (counted, listed):
            _close(direct.mean, other.mean)
            _close(direct.variance, other.variance)
            _close(direct.gradient, other.gradient)


@jax.jit
def _field(mdp, policy, theta, law):
    update = lambda t: expected_update(mdp, policy, t, law)  # noqa: E731
    return update(theta), jax.jacfwd(update)(theta)


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=str)
def test_expected_update_by_one_product(estimator):
    """One vector-Jacobian product gives the mean; it has theta's shape and a finite Jacobian."""
    mdp, policy, theta = _model("tabular")
    field, jacobian = _field(mdp, policy, theta, group_law(mdp, 3, estimator))
    assert field.shape == theta.shape
    _close(field.reshape(-1), _exact("tabular", 3)[estimator, None].mean)
    assert bool(jnp.isfinite(jacobian).all())
