"""The double integral against listing the counts of the others, and paths with a known end."""

from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from grpo_checks.theory.convergence.cycles.group_field import advantage_table, payoffs
from grpo_checks.theory.convergence.cycles.group_integral import (
    expected_advantages,
    integrand,
    nodes,
)
from grpo_checks.theory.convergence.cycles.long_run import long_run
from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.instances.cycles.random_composites import random_composite

QUADRATURE = 1e-9
"""Gauss-Legendre of 12 points over intervals where the integrand falls by a factor exp(-9 x^2)."""


@pytest.mark.parametrize(("group_size", "values"), [(2, 8), (8, 5), (16, 4)])
def test_the_integral_gives_what_the_counts_give(group_size, values):
    rng = np.random.default_rng(group_size)
    rewards = jax.device_put(np.sort(rng.choice(25, values, replace=False)).astype(float))
    estimator = Estimator("group_normalized")
    at = nodes(group_size, 24)

    @jax.jit
    def both(law):
        table = advantage_table(rewards[:, None], jnp.ones(1), estimator, group_size)
        # One action for each value: its payoff is what a member with that value expects.
        listed = payoffs(jnp.ones(1), jnp.eye(values)[None], table, group_size, law)
        return listed, expected_advantages(integrand(at, rewards, group_size), law, group_size)

    for concentration in (0.1, 1.0, 10.0):
        law = jax.device_put(rng.dirichlet(np.full(values, concentration)))
        listed, integral = map(np.asarray, both(law))
        assert np.abs(integral - listed).max() < QUADRATURE * np.abs(listed).max()


def test_a_path_has_the_length_that_was_asked_for():
    """Along a constant field: 3 windows of 4 steps of 1/8."""
    towards = jnp.array([3.0, -3.0])
    path = long_run(lambda at: towards + 0 * at, jnp.zeros(2), 0.125, 4, 3)
    ends = np.arange(1, 4)[:, None] * 0.5 * np.array([1, -1]) / np.sqrt(2)
    np.testing.assert_allclose(path.theta, ends, rtol=1e-14)
    chance = 1 / (1 + np.exp(-2 * np.concatenate([[0], ends[:, 0]])))
    np.testing.assert_allclose(path.extent, np.diff(chance), rtol=1e-13)


def test_a_circle_is_followed_and_closes():
    turn = jnp.array([[0.0, 1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    steps = 200
    pace = 2 * np.pi / steps
    path = long_run(lambda at: turn @ at, jnp.array([1.0, 0.0, 0.0]), pace, steps, 1)
    # The fourth-order method is off by pace^5/120 a step.
    np.testing.assert_allclose(path.theta[0], [1, 0, 0], atol=steps * pace**5 / 60)


def test_random_models_are_what_the_sampler_says():
    drawn = [random_composite(i) for i in range(200)]
    again = random_composite(7)
    np.testing.assert_array_equal(again.outcome, drawn[7].outcome)
    kinds = {(len(m.weights), m.outcome.shape[1], len(m.share), m.coupled) for m in drawn}
    assert len(kinds) == 2 * 4 * 2 * 2
    chances = []
    for model in drawn:
        np.testing.assert_array_equal(model.outcome.sum(-1), 1)
        eighths = model.outcome @ model.rewards * 8
        np.testing.assert_array_equal(eighths, eighths.round())
        chances += [Fraction(x) for x in (eighths / 8).reshape(-1)]
    assert {*chances} == {Fraction(n, 8) for n in range(9)}


def test_components_are_independent_unless_they_are_coupled():
    for coupled in (False, True):
        models = [m for m in map(random_composite, range(40)) if m.coupled == coupled]
        assert any(not _independent(m) for m in models) == coupled


def _independent(model):
    right, chance = model.rewards == 1, (model.outcome @ model.rewards)[:, :, None]
    factors = np.where(right[None, None], chance, 1 - chance)
    return np.array_equal(factors.prod(-1), model.outcome)
