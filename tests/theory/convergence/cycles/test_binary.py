"""c_G by its definition; the curl itself is compared with exact laws by T1.own.binary."""

from math import comb, sqrt

import jax
import numpy as np
import pytest

from grpo_checks.theory.convergence.cycles.binary import success_factor, wedge

_factor = jax.jit(success_factor, static_argnums=1)
_slope = jax.jit(jax.grad(success_factor), static_argnums=1)


@pytest.mark.parametrize("group_size", [2, 3, 4, 8])
def test_factor_by_its_definition(group_size):
    counts = range(group_size + 1)
    for p in (0.1, 0.5, 0.8):
        law = [comb(group_size, k) * p**k * (1 - p) ** (group_size - k) for k in counts]
        spread = sum(x * sqrt(k * (group_size - k)) for k, x in zip(counts, law, strict=True))
        expected = spread / (group_size * p * (1 - p))
        factor = float(_factor(p, group_size))
        assert factor == pytest.approx(expected, rel=1e-14)


def test_factor_is_constant_for_two_and_three():
    slopes = [float(_slope(0.3, g)) for g in (2, 3, 4)]
    np.testing.assert_allclose(slopes[:2], 0, atol=1e-15)
    assert abs(slopes[2]) > 0.1


def test_wedge():
    """Of two vectors in the plane: their area, with a sign."""
    x, y = np.array([2.0, 1.0]), np.array([1.0, 3.0])
    np.testing.assert_array_equal(jax.jit(wedge)(x, y), [[0, 5], [-5, 0]])
