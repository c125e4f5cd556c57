"""Identity and bridges between joint and decomposed surrogates, in fractions and in floats."""

from fractions import Fraction

import jax.numpy as jnp
import numpy as np
import pytest

from theory.bridge import Group, rational_root, scaled_misalignment, surrogates
from theory.surrogate_gap import surrogate_gap

HALF, ONE = Fraction(1, 2), Fraction(1)
OPPOSED = Group(
    [[Fraction(0), ONE], [ONE, Fraction(0)]],
    [Fraction(3, 4), Fraction(1, 4)],
    [Fraction(9, 10), Fraction(11, 10)],
)
EQUAL = Group([[Fraction(0)] * 2, [ONE] * 2], [ONE, ONE], OPPOSED.ratios)


def test_the_counterexample_in_numbers():
    """theory section 3: joint 1/10, decomposed 1/20, Delta 0; the true bound is 1/10."""
    assert surrogates(OPPOSED) == (Fraction(1, 10), Fraction(1, 20), 0, Fraction(1, 10))
    assert scaled_misalignment(OPPOSED) == [0, 0]


def test_the_corrected_bridge_is_reached():
    """Two equal components of weight 1: difference and bound are both 1/10."""
    found = surrogates(EQUAL)
    assert found.difference == found.bridge == Fraction(1, 10)


def test_eps_breaks_the_identity():
    """Which is exact at eps = 0 only: the check can fail."""
    assert surrogates(OPPOSED, eps=Fraction(1, 10)).misalignment > 0


def test_the_other_divisor():
    """ddof = 1 on a group of four whose scales are rational: the bound holds there too."""
    rewards = [[Fraction(x)] for x in (0, 0, 0, 1)]
    group = Group(rewards, [Fraction(2)], [Fraction(x, 10) for x in (8, 9, 11, 12)])
    found = surrogates(group, ddof=1)
    assert found.difference <= found.bridge
    with pytest.raises(ValueError, match="variance = 3/4: expected the square of a rational"):
        surrogates(group)


@pytest.mark.parametrize("square", [Fraction(2), Fraction(-1)])
def test_irrational_scales_are_refused(square):
    """Rather than rounded."""
    with pytest.raises(ValueError, match="expected the square of a rational"):
        rational_root(square)


def test_silent_groups_are_refused():
    """sd = 0 has no joint advantage."""
    with pytest.raises(ValueError, match="expected sd > 0"):
        surrogates(OPPOSED._replace(weights=[ONE, ONE]))


@pytest.mark.parametrize("group", [OPPOSED, EQUAL])
def test_floats_agree_with_fractions(group):
    """The vectorised form, made of the advantages that training uses."""
    floats = [np.array([[float(x) for x in row] for row in group.rewards])]
    floats += [np.array([float(x) for x in part]) for part in (group.weights, group.ratios)]
    rewards, weights, ratios = map(jnp.asarray, floats)
    found, exact = surrogate_gap(rewards, rewards @ weights, weights, ratios, 0), surrogates(group)
    assert abs(float(found.difference) - float(exact.difference)) < 1e-15
    assert abs(float(found.bridge) - float(exact.bridge)) < 1e-15
    assert float(found.misalignment) < 1e-15
    assert bool(found.speaks)
