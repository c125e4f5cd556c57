"""c_G and its potential: closed forms, limits, the group law, automatic differentiation."""

from math import sqrt

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flint import fmpq

from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.estimators.group_law import group_law
from grpo_checks.theory.estimators.response import (
    MAX_GROUP,
    coefficients,
    kappa,
    potential,
    response,
)
from grpo_checks.theory.instances.bits import bits
from grpo_checks.theory.numbers.balls import ends
from grpo_checks.theory.rational.menus import response as response_balls

BIT, GRID = bits(1).mdp, jax.device_put(np.linspace(0, 1, 41))
OPTIONS = [(0, 0.0), (1, 0.0), (0, 0.3), (1, 1e-4)]
KAPPA = {2: 1, 3: 1, 4: 1.0718, 5: 1.1596, 8: 1.4258, 16: 2.0024, 64: 4.0003}

_moments = jax.jit(lambda law, p: law.moments(p))


def test_closed_forms():
    """c_2 = 1, c_3 = sqrt 2, c_4 = sqrt 3 - (2 sqrt 3 - 3) p (1-p), at p = 0 and 1 too."""
    p = np.asarray(GRID)
    known = {2: 1.0, 3: sqrt(2), 4: sqrt(3) - (2 * sqrt(3) - 3) * p * (1 - p)}
    for size, expected in known.items():
        assert np.abs(np.asarray(response(GRID, size)) - expected).max() < 1e-14


@pytest.mark.parametrize("size", [2, 3, 4, 8, 16, 64])
def test_against_enclosures(size):
    """The same sum in balls: 0, 1 and everything between; its potential too."""
    for p in (fmpq(0), fmpq(1, 7), fmpq(1, 2), fmpq(99, 100), fmpq(1)):
        at = jnp.asarray(float(p))
        for model, sure in (
            (response, response_balls.response),
            (potential, response_balls.potential),
        ):
            low, high = ends(sure(size, p))
            value = float(model(at, size))
            assert float(low) * (1 - 1e-13) <= value <= float(high) * (1 + 1e-13)


@pytest.mark.parametrize(("ddof", "eps"), OPTIONS)
@pytest.mark.parametrize("size", [2, 3, 4, 8])
def test_against_the_group_law(size, ddof, eps):
    """h(1) - h(0) = c_G(p): what a success is worth more than a failure."""
    law = group_law(BIT, size, Estimator("group_normalized", ddof, eps), room=8)
    for p in (0.1, 0.5, 0.9):
        mean = np.asarray(_moments(law, np.array([1 - p, p])).mean)
        expected = float(response(jnp.asarray(p), size, ddof, eps))
        assert abs(float(mean[1] / p - mean[0] / (1 - p)) - expected) < 1e-12


def test_shape_and_limits():
    """Convex, symmetric, largest at the ends; 1/sqrt(p(1-p)) for large groups; ddof is a factor."""
    for size in (4, 8, 64):
        c = np.asarray(response(GRID, size))
        np.testing.assert_allclose(c, c[::-1], rtol=1e-12)
        assert (np.diff(c, 2) > -1e-12).all()
        assert abs(c[0] - sqrt(size - 1)) < 1e-14 * size
        unbiased = np.asarray(response(GRID, size, 1))
        np.testing.assert_allclose(unbiased, c * sqrt((size - 1) / size), rtol=1e-13)
    inner = np.linspace(0.2, 0.8, 7)
    root, at = np.sqrt(inner * (1 - inner)), jax.device_put(inner)
    off = [np.abs(np.asarray(response(at, g)) * root - 1).max() for g in (50, 400)]
    assert off[1] < off[0] / 6 < 0.1


@pytest.mark.parametrize(("ddof", "eps"), OPTIONS)
def test_the_potential_has_this_slope(ddof, eps):
    """F_G(0) = 0 and F_G' = c_G by automatic differentiation; 2 arcsin sqrt p for large G."""
    for size in (2, 5, 64):
        slope = jax.vmap(jax.grad(lambda p, g=size: potential(p, g, ddof, eps)))(GRID)
        np.testing.assert_allclose(slope, response(GRID, size, ddof, eps), rtol=1e-11)
        assert float(potential(jnp.asarray(0.0), size, ddof, eps)) == 0
    if not eps:
        # From the middle: near p = 0, where 1/sqrt(p(1-p)) is infinite, convergence is slow.
        inner = np.linspace(0.2, 0.8, 7)
        at, half = (potential(x, MAX_GROUP, ddof) for x in jax.device_put((inner, 0.5)))
        arcsine = 2 * np.arcsin(np.sqrt(inner)) - np.pi / 2
        assert np.abs(np.asarray(at) - float(half) - arcsine).max() < 2e-3


def test_kappa():
    """The table of theory section 3, and its supremum over all policies."""
    for size, expected in KAPPA.items():
        assert abs(kappa(size) - expected) < 1e-4
        c = np.asarray(response(GRID, size))
        assert abs(c.max() / c.min() - kappa(size)) < 1e-12


@pytest.mark.parametrize("size", [1, MAX_GROUP + 1])
def test_bad_group_sizes(size):
    """Too small to be relative, too large for float64."""
    with pytest.raises(ValueError, match=f"group_size = {size}"):
        coefficients(size)
