"""The response of std-normalised GRPO to a binary reward: closed forms, limits, enclosures."""

from fractions import Fraction
from math import sqrt

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import brentq

from theory.advantages import Estimator
from theory.binary import inverse_root, response, response_is_constant
from theory.group_law import group_law
from theory.instances.conflict import NORMALIZED_ZERO, conflict, exact_gradient, normalized_update
from theory.update import update_moments

GRID = [Fraction(i, 20) for i in range(21)]


def _inside(enclosure, value, tolerance=1e-14):
    assert enclosure.low <= enclosure.high
    assert enclosure.high - enclosure.low < Fraction(1, 10**30)
    assert abs(float(enclosure.low) - value) <= tolerance * max(1, abs(value))


@pytest.mark.parametrize("p", GRID)
def test_closed_forms(p):
    """c_2 = 1, c_3 = sqrt 2, c_4 = sqrt 3 - (2 sqrt 3 - 3) p (1-p), also at p = 0 and 1."""
    _inside(response(2, p), 1.0)
    _inside(response(3, p), sqrt(2))
    _inside(response(4, p), sqrt(3) - (2 * sqrt(3) - 3) * float(p * (1 - p)))


@pytest.mark.parametrize("group_size", [2, 3, 4, 5, 8, 16])
def test_supremum_and_symmetry(group_size):
    """sup c_G = sqrt(G-1) at the ends, minimum at 1/2; constant for G = 2 and 3 only."""
    _inside(response(group_size, Fraction(0)), sqrt(group_size - 1))
    values = [response(group_size, p) for p in GRID]
    assert values == values[::-1]
    assert min(v.low for v in values) == values[10].low
    assert response_is_constant(group_size) == (group_size <= 3)


def test_kappa_table():
    """kappa_G = sqrt(G-1)/c_G(1/2): published values to 1e-4."""
    table = {4: 1.0718, 5: 1.1596, 8: 1.4258, 16: 2.0024, 64: 4.0003}
    for g, kappa in table.items():
        assert abs(sqrt(g - 1) / float(response(g, Fraction(1, 2)).low) - kappa) < 1e-4


def test_enclosures_contain():
    """1/sqrt(n) lies strictly between the ends, unless n is a square."""
    for n in range(1, 50):
        low, high = inverse_root(n)
        assert low**2 * n <= 1 <= high**2 * n
        assert (low == high) == (int(sqrt(n)) ** 2 == n)


@pytest.mark.parametrize("group_size", [4, 8, 16])
def test_expected_update_on_conflict(group_size):
    """The rational formula, the float group law and automatic differentiation agree."""
    instance = conflict()
    for z in (Fraction(1, 5), Fraction(1, 3), Fraction(9, 10)):
        theta = jnp.array([np.log(float(z))])
        law = group_law(instance.mdp, group_size, Estimator("group_normalized"))
        moments = update_moments(instance.mdp, instance.policy, theta, law)
        assert abs(float(moments.mean[0]) - float(normalized_update(group_size, z).low)) < 1e-13
        assert abs(float(moments.gradient[0]) - float(exact_gradient(z))) < 1e-14


def test_named_zero_of_the_update():
    """NORMALIZED_ZERO is where E[g] vanishes for G = 8."""
    root = brentq(lambda x: float(normalized_update(8, Fraction(np.exp(x))).low), -2, 0)
    assert abs(root - NORMALIZED_ZERO) < 1e-6


def test_bad_input():
    """The value is named."""
    with pytest.raises(ValueError, match="p = 2"):
        response(4, Fraction(2))
    with pytest.raises(ValueError, match="group_size = 1"):
        response(1, Fraction(1, 2))
