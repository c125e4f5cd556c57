"""Jtilde: its gradient is the decomposed update, and its smoothness is b_1 L."""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers.small_models import binary_instance

from grpo_checks.theory.convergence.smoothness import smoothness, squared_gradient_bound
from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.estimators.group_law import GroupLaw, group_law
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


@cache
def _updates_and_slopes(name):
    """E[g] and grad Jtilde by (estimator, G), all in one program."""
    _, mdp, policy, theta, *_ = INSTANCES[name]
    requests = [(e, size) for e in OPTIONS for size in (2, 5)]
    laws = [group_law(mdp, size, e, "counts", 5) for e, size in requests]
    # What the estimator is, tables of count vectors say alone.
    named = [GroupLaw(OPTIONS[0], law.group_size, law.member, law.table) for law in laws]
    stacked = jax.device_put(jax.tree.map(lambda *leaves: np.stack(leaves), *named))

    @jax.jit
    def both(t):
        values = lambda x: [potential_value(mdp, policy, x, g, e) for e, g in requests]  # noqa: E731
        slopes = jax.jacrev(lambda x: jnp.stack(values(x)))(t)
        return jax.vmap(lambda law: expected_update(mdp, policy, t, law))(stacked), slopes

    pairs = both(theta + jax.device_put(np.random.default_rng(1).normal(size=theta.shape)))
    return dict(zip(requests, zip(*map(np.asarray, pairs), strict=True), strict=True))


@pytest.mark.parametrize("estimator", OPTIONS, ids=str)
@pytest.mark.parametrize("name", INSTANCES)
def test_the_decomposed_update_is_a_gradient(name, estimator):
    """E[g] = grad Jtilde: any policy class, dependence, eps and ddof (autodiff of F_G)."""
    for size in (2, 5):
        update, slope = _updates_and_slopes(name)[estimator, size]
        np.testing.assert_allclose(update, slope, atol=1e-12)
        assert np.abs(slope).max() > 1e-3


SIZES = 2, 4, 16


@cache
def _curvatures(name):
    """Largest |Hess Jtilde| and |grad|^2 of each G, at 80 points near and far."""
    _, mdp, policy, theta, *_ = INSTANCES[name]
    rng = np.random.default_rng(2)
    spread = np.exp(rng.uniform(np.log(0.1), np.log(5), (80, 1)))
    points = jax.device_put(spread * rng.normal(size=(80, theta.size)))

    def values(flat):
        at = flat.reshape(theta.shape)
        return jnp.stack([potential_value(mdp, policy, at, g, OPTIONS[0]) for g in SIZES])

    both = jax.jacfwd(lambda x: (jax.jacrev(values)(x),) * 2, has_aux=True)
    hessians, slopes = map(np.asarray, jax.jit(jax.vmap(both))(points))
    norms = np.abs(np.linalg.eigvalsh(hessians)).max((0, 2))
    return dict(zip(SIZES, zip(norms, np.square(slopes).sum(2).max(0), strict=True), strict=True))


@cache
def _bounds(name):
    """L and the bound on |grad J|^2."""
    _, mdp, policy, *_ = INSTANCES[name]
    both = jax.jit(lambda m: (smoothness(m, policy), squared_gradient_bound(m, policy)))(mdp)
    return tuple(map(float, both))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", ["conflict", "random"])
def test_smoothness_of_the_potential(name, size):
    """No violation of the two bounds, which are within two orders of magnitude."""
    (curvature, squared), (L, steepest) = _curvatures(name)[size], _bounds(name)
    b = steepest_response(size, OPTIONS[0])
    assert 0.01 < curvature / (b * L) <= 1
    assert 1e-4 < squared / (b**2 * steepest) <= 1


def test_values():
    """0 <= Jtilde <= R_max F_G(1); graded rewards are refused."""
    _, mdp, policy, theta, *_ = INSTANCES["coding"]
    low = jax.jit(lambda t: potential_value(mdp, policy, t, 8, OPTIONS[0]))(theta)
    assert 0 < float(low) < float(largest_potential(mdp, 8, OPTIONS[0]))
    check_binary(mdp)
    with pytest.raises(ValueError, match=r"reward = 0.5: expected 0 or 1"):
        check_binary(random_instance(3).mdp)
