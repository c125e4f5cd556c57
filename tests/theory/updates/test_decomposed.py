"""Jtilde: its gradient is the decomposed update, and its smoothness is b_1 L."""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers.small_models import binary_instance

from grpo_checks.theory.convergence.smoothness import smoothness, squared_gradient_bound
from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.estimators.group_law import group_law
from grpo_checks.theory.instances.bits import bits
from grpo_checks.theory.instances.conflict import conflict
from grpo_checks.theory.instances.random import random_instance
from grpo_checks.theory.instances.tools.coding import coding
from grpo_checks.theory.updates.moments import expected_update
from grpo_checks.theory.updates.potential import (
    check_binary,
    largest_potential,
    potential_value,
    steepest_response,
)

INSTANCES = {
    "coding": coding(5),
    "conflict": conflict(2, start=0.4),
    "correlated": bits(3, 0.5, 0.3),
    "random": binary_instance(3, seed=2),
}
OPTIONS = [Estimator("componentwise_normalized", d, e) for d, e in ((0, 0.0), (1, 1e-4), (0, 0.5))]


@pytest.mark.parametrize("estimator", OPTIONS, ids=str)
@pytest.mark.parametrize("name", INSTANCES)
def test_the_decomposed_update_is_a_gradient(name, estimator):
    """E[g] = grad Jtilde: any policy class, dependence, eps and ddof (autodiff of F_G)."""
    _, mdp, policy, theta, *_ = INSTANCES[name]
    theta = theta + jnp.asarray(np.random.default_rng(1).normal(size=theta.shape))
    for size in (2, 5):
        law = group_law(mdp, size, estimator, room=5)
        update = jax.jit(expected_update)(mdp, policy, theta, law)
        slope = jax.jit(jax.grad(lambda t, g=size: potential_value(mdp, policy, t, g, estimator)))(
            theta
        )
        np.testing.assert_allclose(update, slope, atol=1e-12)
        assert float(jnp.abs(slope).max()) > 1e-3


@cache
def _steepness(name, size):
    """Largest |Hess Jtilde|/(b_1 L) and |grad|^2 over its bound, at 200 points near and far."""
    instance, estimator = INSTANCES[name], OPTIONS[0]
    _, mdp, policy, theta, *_ = instance
    rng = np.random.default_rng(size)
    spread = np.exp(rng.uniform(np.log(0.1), np.log(5), (200, 1)))
    points = jnp.asarray(spread * rng.normal(size=(200, theta.size)))

    def f(flat):
        return potential_value(mdp, policy, flat.reshape(theta.shape), size, estimator)

    hessian, slope = jax.jit(jax.vmap(lambda x: (jax.hessian(f)(x), jax.grad(f)(x))))(points)
    norm = np.abs(np.linalg.eigvalsh(np.asarray(hessian))).max()
    b = steepest_response(size, estimator)
    squared = float(jnp.square(slope).sum(1).max())
    bound = b**2 * float(squared_gradient_bound(mdp, policy))
    return norm / (b * float(smoothness(mdp, policy))), squared / bound


@pytest.mark.parametrize("size", [2, 4, 16])
@pytest.mark.parametrize("name", ["conflict", "random"])
def test_smoothness_of_the_potential(name, size):
    """No violation of the two bounds, which are within two orders of magnitude."""
    curvature, squared = _steepness(name, size)
    assert 0.01 < curvature <= 1
    assert 1e-4 < squared <= 1


def test_values():
    """0 <= Jtilde <= R_max F_G(1); graded rewards are refused."""
    _, mdp, policy, theta, *_ = INSTANCES["coding"]
    low = potential_value(mdp, policy, theta, 8, OPTIONS[0])
    assert 0 < float(low) < float(largest_potential(mdp, 8, OPTIONS[0]))
    check_binary(mdp)
    with pytest.raises(ValueError, match=r"reward = 0.5: expected 0 or 1"):
        check_binary(random_instance(3).mdp)
