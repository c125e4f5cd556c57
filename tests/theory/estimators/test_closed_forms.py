"""Exact moments of the update where they can be had by hand, and the numbers of theory.md."""

from math import comb, sqrt

import equinox as eqx
import jax
import numpy as np
import pytest

from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.estimators.group_counts import CountTable
from grpo_checks.theory.estimators.group_law import GroupLaw, group_law
from grpo_checks.theory.instances.conflict import MAXIMISER, conflict
from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.mdp.policy import Tabular
from grpo_checks.theory.updates.moments import prompt_moments, update_moments

UNBIASED = Estimator("leave_one_out")
NORMALIZED = [Estimator("group_normalized", d, e) for d in (0, 1) for e in (0.0, 1e-4)]
_prompts = jax.jit(prompt_moments)
_updates = eqx.filter_jit(update_moments)


def _law(mdp, size, estimator, engine="auto"):
    """Of up to eight; tables of count vectors under one name, since they alone say what it is."""
    law = group_law(mdp, size, estimator, engine, 8)
    named = NORMALIZED[0] if isinstance(law.table, CountTable) else estimator
    return GroupLaw(named, law.group_size, law.member, law.table)


def _each(mdp, policy, theta, size, estimator):
    return _prompts(mdp, policy, theta, _law(mdp, size, estimator))


def _update(mdp, policy, theta, size, estimator, prompts=None):
    return _updates(mdp, policy, theta, _law(mdp, size, estimator), prompts)


def _close(ours, expected, atol=1e-12):
    np.testing.assert_allclose(ours, expected, atol=atol, rtol=0)


def _c(size, p, estimator):
    """c_G(p) of theory section 1, term by term."""
    ks = np.arange(1, size)
    sd = np.sqrt(ks * (size - ks) / (size * (size - estimator.ddof)))
    terms = [comb(size - 2, j) * p**j * (1 - p) ** (size - 2 - j) for j in range(size - 1)]
    return np.array(terms).T @ ((1 - 1 / size) / (sd + estimator.eps))


@pytest.mark.parametrize("estimator", NORMALIZED, ids=str)
@pytest.mark.parametrize("size", [2, 3, 4, 8])
def test_binary_rewards_have_a_closed_form(size, estimator):
    """E[g] = c_G(p) grad p, with the constants that theory.md prints for eps = 0, ddof = 0."""
    for x in (-2.0, -0.3, 0.0, 0.7):
        _, mdp, policy, theta, *_ = conflict(start=x)
        p = 1 / (1 + np.exp(np.array([-x, 2 * x])))
        slope = np.array([1, -2]) * p * (1 - p)
        moments = _each(mdp, policy, theta, size, estimator)
        _close(moments.mean[:, 0], _c(size, p, estimator) * slope)
        if estimator == NORMALIZED[0] and size <= 4:
            c4 = sqrt(3) - (2 * sqrt(3) - 3) * p * (1 - p)
            _close(moments.mean[:, 0], {2: 1, 3: sqrt(2), 4: c4}[size] * slope)


def test_normalised_conflict_has_another_stationary_point():
    """At the maximum of J: stationary for G = 2 and 3, where c_G is constant, and not above."""
    _, mdp, policy, theta, *_ = conflict(start=MAXIMISER)
    for size in (2, 3, 4, 8):
        moments = _each(mdp, policy, theta, size, NORMALIZED[0])
        _close(moments.gradient.mean(0), [0])
        mean = abs(float(moments.mean.mean()))
        assert mean < 1e-12 if size <= 3 else mean > 1e-3


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
        moments = _update(*model, size, NORMALIZED[0])
        _close(moments.gradient, np.zeros(6))
        _close(moments.mean, [expected, -expected, 0, 0, 0, 0], atol=1e-12 if size == 2 else 5e-5)


_law_moments = jax.jit(lambda law, chances: law.moments(chances))


def test_equal_rationals_make_a_silent_group():
    """.1 + .2 and .3 differ as floats; normalised, the difference would be an advantage of 1.

    In groups of 7, since 7 times .3 over 7 is not .3 either.
    """
    weights = [0.1, 0.2, 0.3]
    assert 0.1 + 0.2 != 0.3
    mdp, policy, theta = _model(reward=[[[[1, 1, 0], [0, 0, 1]]]], weights=weights)
    assert mdp.class_composite.size == 2
    for estimator in (UNBIASED, NORMALIZED[0], NORMALIZED[3]):
        moments = _update(mdp, policy, theta, 7, estimator)
        assert not np.asarray(moments.mean).any()
        assert float(moments.variance) == 0
        for engine in ("counts", "lattice"):
            values = _law_moments(_law(mdp, 7, estimator, engine), np.array([0.5, 0.5]))
            assert all((np.asarray(x) == 0).all() for x in values[:3])


def test_best_group_size_on_conflict():
    """T1.budget: at a fixed number of episodes G* = 1 + sqrt((2b-a)/f), 2.46 at x = -1/2."""
    model = conflict(start=-0.5)[1:4]
    values = {g: _each(*model, g, UNBIASED) for g in (2, 3, 8)}
    rho, slope = model[0].prompt_distribution, values[2].gradient[:, 0]
    f = float(rho @ slope**2 - (rho @ slope) ** 2)
    b = float(rho @ values[2].variance)
    a = 6 * float(rho @ values[3].variance) - 2 * b
    assert round(1 + sqrt((2 * b - a) / f), 2) == 2.46
    cost = 8 * float(_update(*model, 8, UNBIASED, 1).variance)
    _close(cost, 8 * f + a + (2 * b - a) / 7)
