"""Exact moments of the update against all groups of whole episodes."""

from functools import cache
from itertools import product
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import oracles
import pytest

from theory.advantages import Estimator
from theory.exact import gradient
from theory.group_law import group_law
from theory.instances.conflict import conflict
from theory.instances.random import random_instance
from theory.update import _by_group_law, prompt_moments, update_moments

PLAIN = [Estimator("mean_baseline"), Estimator("leave_one_out")]
ESTIMATORS = PLAIN + [Estimator("group_normalized", d, e) for d in (0, 1) for e in (0.0, 1e-4)]
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


@eqx.filter_jit
def _moments(mdp, policy, theta, group_size):
    return [update_moments(mdp, policy, theta, group_size, e, b) for e, b in SETTINGS]


@cache
def _exact(name, group_size):
    """Full sweep (None) and B drawn prompts, for every estimator."""
    _, mdp, policy, *_ = instance = INSTANCES[name]
    moments = _moments(mdp, policy, jnp.asarray(_theta(instance)), group_size)
    return dict(zip(SETTINGS, moments, strict=True))


@cache
def _listed(name):
    instance = INSTANCES[name]
    return oracles.list_episodes(instance.mdp, instance.policy, _theta(instance))


def _both(first, second):
    """The law of the sum of two independent listed outcomes."""
    (p, x), (q, y) = first, second
    return (p[:, None] * q).reshape(-1), (x[:, None] + y).reshape(-1, x.shape[1])


CASES = [*product(INSTANCES, (2, 3)), ("tabular", 4)]


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=str)
@pytest.mark.parametrize(("name", "size"), CASES)
def test_moments_are_sums_over_groups_of_episodes(name, size, estimator):
    """Mean and variance on the full sweep, and of prompts drawn from rho."""
    rho, ours = np.asarray(INSTANCES[name].mdp.prompt_distribution), _exact(name, size)
    options = estimator.name, estimator.ddof, estimator.eps
    groups = [oracles.group_updates(p, size, *options) for p in _listed(name)]
    each = [oracles.moments(*g) for g in groups]
    mean, variance = rho @ [m for m, _ in each], rho**2 @ [v for _, v in each]
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
    options = size, estimator.name, estimator.ddof, estimator.eps
    (p, x), (q, y) = (oracles.group_updates(e, *options) for e in _listed("conflict"))
    sweep = oracles.moments(*_both((p, rho[0] * x), (q, rho[1] * y)))
    one = np.concatenate([rho[0] * p, rho[1] * q]), np.concatenate([x, y]) / 2
    for b, (mean, variance) in ((None, sweep), (2, oracles.moments(*_both(one, one)))):
        _close(ours[estimator, b].mean, mean)
        _close(ours[estimator, b].variance, variance)


@pytest.mark.parametrize(("name", "size"), CASES)
def test_plain_estimators_follow_the_gradient(name, size):
    """leave_one_out is unbiased, mean_baseline shrinks by 1 - 1/G; autodiff says of what."""
    _, mdp, policy, *_ = instance = INSTANCES[name]
    slope = np.asarray(_gradient(mdp, policy, jnp.asarray(_theta(instance)))).reshape(-1)
    for (estimator, _), moments in _exact(name, size).items():
        _close(moments.gradient, slope)
        _close(moments.squared_gradient, slope @ slope)
        factor = {"mean_baseline": 1 - 1 / size, "leave_one_out": 1}.get(estimator.name)
        if factor is not None:
            _close(moments.mean, factor * slope)
            _close(moments.squared_bias, (1 - factor) ** 2 * slope @ slope)


_gradient = eqx.filter_jit(gradient)


@pytest.mark.parametrize(("name", "size"), [("tabular", 2), ("tabular", 6), ("log-linear", 5)])
def test_u_statistic_agrees_with_the_group_law(name, size):
    """Two derivations that share only the reward law and the score moments."""
    _, mdp, policy, *_ = instance = INSTANCES[name]
    arguments = mdp, policy, jnp.asarray(_theta(instance)), size, PLAIN[1]
    direct, listed = (
        eqx.filter_jit(prompt_moments)(*arguments),
        eqx.filter_jit(_by_group_law)(*arguments),
    )
    _close(direct.mean, listed.mean)
    _close(direct.variance, listed.variance)
    _close(direct.gradient, listed.gradient)


@pytest.mark.parametrize(("classes", "size", "needed"), [(8, 17, 245157), (3, 700, 245350)])
def test_too_many_groups_are_refused(classes, size, needed):
    """The message names the cost; the alternative is to run out of memory."""
    law = jnp.full(classes, 1 / classes)
    message = f"group_size = {size} with {classes} reward classes: {needed} count vectors"
    with pytest.raises(ValueError, match=message):
        group_law(law, jnp.arange(float(classes)), size, ESTIMATORS[2])
