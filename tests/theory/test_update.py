"""Exact moments of the update against all groups of whole episodes, closed forms, and theory.md."""

from functools import cache
from itertools import product
from math import comb, sqrt

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import oracles
import pytest

from theory.advantages import Estimator
from theory.exact import gradient
from theory.group_law import group_law
from theory.instances.conflict import MAXIMISER, conflict
from theory.instances.random import random_instance
from theory.model import TAMDP
from theory.policy import Tabular
from theory.update import _by_group_law, prompt_moments, update_moments

PLAIN = [Estimator("mean_baseline"), Estimator("leave_one_out")]
ESTIMATORS = PLAIN + [Estimator("group_normalized", d, e) for d in (0, 1) for e in (0.0, 1e-4)]
SETTINGS = list(product(ESTIMATORS, (None, 2)))
TINY = {"width": 1, "tools": 1, "answers": 2, "depth": 1, "components": 2}
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
_each = eqx.filter_jit(prompt_moments)


@pytest.mark.parametrize(("name", "size"), [("tabular", 2), ("tabular", 6), ("log-linear", 5)])
def test_u_statistic_agrees_with_the_group_law(name, size):
    """Two derivations that share only the reward law and the score moments."""
    _, mdp, policy, *_ = instance = INSTANCES[name]
    arguments = mdp, policy, jnp.asarray(_theta(instance)), size, PLAIN[1]
    direct, listed = _each(*arguments), eqx.filter_jit(_by_group_law)(*arguments)
    _close(direct.mean, listed.mean)
    _close(direct.variance, listed.variance)
    _close(direct.gradient, listed.gradient)


def _c(size, p, estimator):
    """c_G(p) of theory section 1, term by term."""
    ks = np.arange(1, size)
    sd = np.sqrt(ks * (size - ks) / (size * (size - estimator.ddof)))
    terms = [comb(size - 2, j) * p**j * (1 - p) ** (size - 2 - j) for j in range(size - 1)]
    return np.array(terms).T @ ((1 - 1 / size) / (sd + estimator.eps))


@pytest.mark.parametrize("estimator", ESTIMATORS[2:], ids=str)
@pytest.mark.parametrize("size", [2, 3, 4, 8])
def test_binary_rewards_have_a_closed_form(size, estimator):
    """E[g] = c_G(p) grad p, with the constants that theory.md prints for eps = 0, ddof = 0."""
    for x in (-2.0, -0.3, 0.0, 0.7):
        _, mdp, policy, theta, *_ = conflict(start=x)
        p = 1 / (1 + np.exp(np.array([-x, 2 * x])))
        slope = np.array([1, -2]) * p * (1 - p)
        moments = _each(mdp, policy, theta, size, estimator)
        _close(moments.mean[:, 0], _c(size, p, estimator) * slope)
        if estimator == Estimator("group_normalized") and size <= 4:
            c4 = sqrt(3) - (2 * sqrt(3) - 3) * p * (1 - p)
            _close(moments.mean[:, 0], {2: 1, 3: sqrt(2), 4: c4}[size] * slope)


def test_normalised_conflict_has_another_stationary_point():
    """At the maximum of J: stationary for G = 2 and 3, where c_G is constant, and not above."""
    _, mdp, policy, theta, *_ = conflict(start=MAXIMISER)
    for size in (2, 3, 4, 8):
        moments = _each(mdp, policy, theta, size, Estimator("group_normalized"))
        _close(moments.gradient.mean(0), [0])
        mean = abs(float(moments.mean.mean()))
        assert mean < 1e-12 if size <= 3 else mean > 1e-3


_update = eqx.filter_jit(update_moments)


def _model(**changes):
    """One state, answers A and B, one prompt."""
    arrays = {
        "prompt_distribution": [1],
        "initial_distribution": [[1]],
        "depth": [0],
        "tool_transition": [],
        "legal": [[True, True]],
        "weights": [1],
    }
    mdp = TAMDP(**{**arrays, **changes})
    return mdp, Tabular(mdp), Tabular(mdp).zeros()


def test_three_values_bias_a_single_decision():
    """A pays 2/5, B pays 1 with chance 2/5: nothing to choose between them, yet B is unlearnt.

    Answers pay for certain, so B is a tool call whose response, win or lose, leaves one answer.
    """
    model = _model(
        initial_distribution=[[1, 0, 0]],
        depth=[0, 1, 1],
        tool_transition=[[[0, "2/5", "3/5"]], [[0] * 3], [[0] * 3]],
        legal=[[True, True], [False, True], [False, True]],
        reward=[[[["2/5"]], [[1]], [[0]]]],
    )
    for size, expected in ((2, -0.05), (3, -0.0610)):
        moments = _update(*model, size, Estimator("group_normalized"))
        _close(moments.gradient, np.zeros(6))
        _close(moments.mean, [expected, -expected, 0, 0, 0, 0], atol=1e-12 if size == 2 else 5e-5)


def test_equal_rationals_make_a_silent_group():
    """.1 + .2 and .3 differ as floats; normalised, the difference would be an advantage of 1."""
    weights = [0.1, 0.2, 0.3]
    assert 0.1 + 0.2 != 0.3
    mdp, policy, theta = _model(reward=[[[[1, 1, 0], [0, 0, 1]]]], weights=weights)
    assert mdp.class_composite.size == 2
    for estimator in (ESTIMATORS[1], ESTIMATORS[2], ESTIMATORS[5]):
        moments = _update(mdp, policy, theta, 3, estimator)
        assert (moments.mean == 0).all()
        assert moments.variance == 0
        law = group_law(jnp.array([0.5, 0.5]), mdp.class_composite, 3, estimator)
        assert all((x == 0).all() for x in law)


def test_best_group_size_on_conflict():
    """T1.budget: at a fixed number of episodes G* = 1 + sqrt((2b-a)/f), 2.46 at x = -1/2."""
    model = conflict(start=-0.5)[1:4]
    each = {g: _each(*model, g, PLAIN[1]) for g in (2, 3, 8)}
    rho, slope = model[0].prompt_distribution, each[2].gradient[:, 0]
    f = float(rho @ slope**2 - (rho @ slope) ** 2)
    b = float(rho @ each[2].variance)
    a = 6 * float(rho @ each[3].variance) - 2 * b
    assert round(1 + sqrt((2 * b - a) / f), 2) == 2.46
    cost = 8 * float(_update(*model, 8, PLAIN[1], 1).variance)
    _close(cost, 8 * f + a + (2 * b - a) / 7)


@pytest.mark.parametrize(("classes", "size", "needed"), [(8, 17, 245157), (3, 700, 245350)])
def test_too_many_groups_are_refused(classes, size, needed):
    """The message names the cost; the alternative is to run out of memory."""
    law = jnp.full(classes, 1 / classes)
    message = f"group_size = {size} with {classes} reward classes: {needed} count vectors"
    with pytest.raises(ValueError, match=message):
        group_law(law, jnp.arange(float(classes)), size, ESTIMATORS[2])
