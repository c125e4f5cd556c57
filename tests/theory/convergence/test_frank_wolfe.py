"""Exact ascent on Jtilde: where it ends, and that its residual proves it."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.interpolate import BPoly
from scipy.optimize import minimize

from grpo_checks.theory.convergence.decomposition_gap import certificate
from grpo_checks.theory.convergence.frank_wolfe import climb, first_root, pure
from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.estimators.response import coefficients, response_values
from grpo_checks.theory.evaluation.optimum import optimal_values
from grpo_checks.theory.evaluation.values import component_values
from grpo_checks.theory.instances.menu import menu
from grpo_checks.theory.instances.random import random_instance
from grpo_checks.theory.instances.tools.coding import coding
from grpo_checks.theory.instances.tools.search import search
from grpo_checks.theory.mdp.padding import blank, filled, padded, policy_values, shape_of
from grpo_checks.theory.numbers.bernstein import bernstein

DECOMPOSED = Estimator("componentwise_normalized")
MODELS = [
    coding().mdp,
    search().mdp,
    menu().mdp,
    *[random_instance(3, seed=s, levels=2).mdp for s in range(5)],
]
SHAPE = shape_of(MODELS)
TEMPLATE = blank(SHAPE)


@jax.jit
def _ascend(arrays, start, coefficients):
    """Where ascent ends, its certificate, J*_q, and what bounds the gap."""
    model = filled(TEMPLATE, arrays)
    respond = partial(bernstein, coefficients)
    end = climb(model, respond, pure(start), 1e-13, 500)
    success = end.mixture.success
    observed = certificate(model, success, respond(success))
    return end, observed, optimal_values_of(model), observed.kappa_bound


_start = jax.jit(lambda arrays, probs: policy_values(filled(TEMPLATE, arrays), probs))


def optimal_values_of(model):
    """J*_q of a padded model, whose reward classes are not its own."""
    from grpo_checks.theory.evaluation.optimum import best_values

    return best_values(model, model.reward @ model.weights)


@pytest.mark.parametrize("number", range(len(MODELS)))
@pytest.mark.parametrize("size", [4, 64])
def test_ascent_arrives_and_proves_it(number, size):
    """phi <= 1e-10 from interior starts, shares are probabilities, the bound holds there."""
    arrays = padded(MODELS[number], SHAPE)
    probs = np.asarray(arrays.legal) * np.random.default_rng(number).random(arrays.legal.shape)
    probs /= np.maximum(probs.sum(1, keepdims=True), 1e-300)
    start = _start(arrays, probs)
    end, observed, _, bound = _ascend(arrays, start, response_values(size, DECOMPOSED, 62))
    assert np.asarray(observed.first_order).max() < 1e-10
    share = np.asarray(end.mixture.share)
    np.testing.assert_allclose(share.sum(1), 1, atol=1e-13)
    assert (share >= 0).all()
    assert (np.asarray(observed.gap) <= np.asarray(bound) + 1e-10).all()


@pytest.mark.parametrize("number", range(len(MODELS)))
def test_padding_changes_no_value(number):
    """J*_q of the padded model is that of the model."""
    mdp = MODELS[number]
    arrays = padded(mdp, SHAPE)
    zeros = np.zeros((SHAPE.prompts, SHAPE.components))
    best = np.asarray(_ascend(arrays, zeros, np.ones(63))[2])
    q = mdp.prompt_distribution.size
    np.testing.assert_allclose(best[:q], jax.jit(optimal_values)(mdp), atol=1e-13)


def test_policy_values_are_component_values():
    """By backward induction on a padded model, and by a forward sweep on the model itself."""
    instance = coding()
    theta = jax.device_put(np.random.default_rng(0).normal(size=instance.theta.shape))
    probs = jax.jit(lambda t: instance.policy.probs(t))(theta)
    backward, forward = (jax.jit(f)(instance.mdp, probs) for f in (policy_values, component_values))
    np.testing.assert_allclose(backward, forward, atol=1e-14)


def test_maximiser_inside_an_edge_is_scipys():
    """On `menu` with G = 8: against SLSQP over mixtures of calls, Jtilde by scipy's polynomials."""
    curve = BPoly(coefficients(8)[:, None], [0, 1]).antiderivative()
    mdp = MODELS[2]
    calls = np.asarray(mdp.tool_transition)[0] @ np.asarray(mdp.reward)[0, :, 0]
    start = np.zeros((SHAPE.prompts, SHAPE.components))
    start[:, :2] = calls.mean(0)
    end, *_ = _ascend(padded(mdp, SHAPE), start, response_values(8, DECOMPOSED, 62))
    best = minimize(
        lambda x: -curve(x @ calls) @ np.asarray(mdp.weights),
        np.full(4, 0.25),
        bounds=[(0, 1)] * 4,
        constraints={"type": "eq", "fun": lambda x: x.sum() - 1},
        options={"ftol": 1e-15, "maxiter": 500},
    )
    np.testing.assert_allclose(np.asarray(end.mixture.success)[0, :2], best.x @ calls, atol=1e-6)


def test_first_root():
    """cos on [0, 3] and [0, 1]: its root, or the end where there is none."""
    observed = jax.jit(lambda x: first_root(jnp.cos, x))(np.array([3.0, 1.0]))
    np.testing.assert_allclose(observed, [np.pi / 2, 1.0], atol=1e-12)
