"""Models made from pass rates: moments, ranges and gradients by closed forms."""

from itertools import combinations

import jax
import numpy as np
import pytest

from grpo_checks.theory.evaluation.values import gradient, reward_law
from grpo_checks.theory.instances.rates.correlated import correlated_law, extreme_law, vectors
from grpo_checks.theory.instances.rates.pass_rates import PassRates, pass_rates

# Sums of 64 numbers of at most 1, in float64.
ROUNDING = 64 * np.finfo(float).eps


def _moments(law, components):
    table = vectors(components)
    mean = law @ table
    centred = table - mean
    return mean, np.einsum("v,vk,vl->kl", law, centred, centred)


@pytest.mark.parametrize(
    ("success", "correlation"),
    [((0.2, 0.6), 0.3), ((0.2, 0.6), -0.5), ((0.3, 0.3, 0.3), 0.9), ((0.2, 0.5, 0.7, 0.9), -0.05),
     ((0.0, 0.4, 1.0, 0.6), 0.2)],
)  # fmt: skip
def test_law_has_the_moments_that_were_asked_for(success, correlation):
    """By their definition; a component that never varies has no correlation."""
    success = np.array(success)
    law = correlated_law(success, correlation)
    mean, covariance = _moments(law, success.size)
    assert law.min() >= 0
    # The polished vertex solves a system of up to 23 equations: its condition is below 1e3.
    np.testing.assert_allclose(mean, success, atol=1e3 * ROUNDING)
    sd = np.sqrt(success * (1 - success))
    for k, j in combinations(range(success.size), 2):
        assert covariance[k, j] == pytest.approx(correlation * sd[k] * sd[j], abs=1e3 * ROUNDING)


def test_two_components_have_frechet_limits():
    """p_11 lies between max(0, p + q - 1) and min(p, q)."""
    p, q = 0.2, 0.6
    sd = np.sqrt(p * (1 - p) * q * (1 - q))
    assert extreme_law(np.array([p, q]), 1)[0] == pytest.approx((min(p, q) - p * q) / sd, rel=1e-12)
    assert extreme_law(np.array([p, q]), -1)[0] == pytest.approx(-p * q / sd, rel=1e-12)


@pytest.mark.parametrize(("components", "least"), [(3, -1 / 3), (4, -1 / 3), (5, -1 / 5)])
def test_least_correlation_of_fair_coins(components, least):
    """A sum of K fair coins has a variance of 1/4 at least if K is odd, 0 if it is even."""
    end, _ = extreme_law(np.full(components, 0.5), -1)
    assert end == pytest.approx(least, rel=1e-12)
    assert extreme_law(np.full(components, 0.5), 1)[0] == pytest.approx(1, rel=1e-12)


def test_what_is_impossible_names_the_range():
    """And rates that are none are refused."""
    with pytest.raises(ValueError, match=r"correlation = 0.9: expected a number in \(-0.61.*0.40"):
        correlated_law(np.array([0.2, 0.6]), 0.9)
    with pytest.raises(ValueError, match=r"success = 1.5: expected a rate in \[0, 1\]"):
        correlated_law(np.array([1.5]), 0.0)
    with pytest.raises(ValueError, match="success = 7 rates"):
        correlated_law(np.full(7, 0.5), 0.0)


KNOWN = PassRates(
    np.array([[0.2, 0.6], [0.5, 0.0], [0.9, 0.3]]), np.array([0.3, 0.0, -0.1]),
    np.array([0.5, 0.25, 0.25]), (1.0, 0.5),
)  # fmt: skip


def _law_and_gradient(instance):
    mdp, policy, theta = instance.mdp, instance.policy, instance.theta
    both = jax.jit(lambda m, f, t: (reward_law(m, f.probs(t)), gradient(m, f, t)))
    law, slope = both(mdp, policy, theta)
    return np.asarray(law), np.asarray(slope)


def test_model_has_the_rates():
    """E r_k of each prompt by the model's own reward law; what has no chance has none there."""
    instance = pass_rates(KNOWN)
    law, _ = _law_and_gradient(instance)
    rates = law @ np.asarray(instance.mdp.class_vector)
    np.testing.assert_allclose(rates, KNOWN.success, atol=ROUNDING * 16)


def test_shared_parameters_move_all_prompts():
    """dJ/dtheta_k = sum_q rho_q sum_l w_l cov_q(r_k, r_l), an exponential family's derivative."""
    instance = pass_rates(KNOWN, shared=True)
    _, slope = _law_and_gradient(instance)
    expected = np.zeros(2)
    for p, r, share in zip(KNOWN.success, KNOWN.correlation, KNOWN.share, strict=True):
        _, covariance = _moments(correlated_law(p, r), 2)
        expected += share * covariance @ np.array(KNOWN.weights)
    # theta holds logits through a factor of 1e6 and back.
    np.testing.assert_allclose(slope[1:], expected, rtol=1e-12)
    assert abs(slope[0]) < 1e-5


def test_too_many_prompts_are_refused():
    """Before any array is made."""
    many = np.linspace(0.1, 0.9, 201)[:, None]
    with pytest.raises(ValueError, match=r"prompts = 201 with different rates: expected 1..200"):
        pass_rates(PassRates(many, np.zeros(201), np.full(201, 1 / 201), (1.0,)))
