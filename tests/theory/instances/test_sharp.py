"""The family on which the gap equals its bound, and the instances around it."""

from fractions import Fraction

import jax
import numpy as np
import pytest
from scipy.interpolate import BPoly

from grpo_checks.theory.convergence.decomposition_gap import certificate
from grpo_checks.theory.estimators.response import coefficients, kappa, response
from grpo_checks.theory.instances.menu import menu
from grpo_checks.theory.instances.outcomes import joint_law, outcomes
from grpo_checks.theory.instances.sharp import sharp_point

NAMES = ("first_order", "gap", "bound", "kappa", "kappa_bound")


@jax.jit
def _certify(mdp, success, weights):
    certified = certificate(mdp, success, weights)
    return {name: getattr(certified, name) for name in NAMES}


def _numbers(mdp, success, size):
    """Of the one prompt."""
    certified = _certify(mdp, success, response(success, size))
    return {name: float(np.asarray(value)[0]) for name, value in certified.items()}


@pytest.mark.parametrize("high", [False, True])
@pytest.mark.parametrize("size", [4, 8, 64])
def test_gap_equals_both_bounds(size, high):
    """To 1e-9, by backward induction on the model, and by the closed form."""
    point = sharp_point(size, high=high)
    success = jax.device_put(np.array(point.success)[None])
    certified = _numbers(point.instance.mdp, success, size)
    assert certified["first_order"] < 1e-14
    for bound in (certified["bound"], certified["kappa_bound"]):
        assert abs(certified["gap"] / bound - 1) < 1e-9
    assert abs(certified["gap"] - point.gap) < 1e-15
    assert abs(certified["kappa"] - point.kappa) < 1e-12
    assert 0 < point.mixture <= 0.5


def test_kappa_comes_as_close_to_its_supremum_as_wished():
    """As d falls; G = 8."""
    ratios = [sharp_point(8, Fraction(1, d)).kappa / kappa(8) for d in (10, 100, 1000, 100_000)]
    assert ratios == sorted(ratios)
    assert 1 - 1e-4 < ratios[-1] < 1


def test_one_end_is_a_maximum_and_the_other_is_not():
    """Second derivative of Jtilde along the segment: training stays at the low end only."""
    slope = BPoly(coefficients(8)[:, None], [0, 1]).derivative()
    for high, sign in ((False, -1), (True, 1)):
        point = sharp_point(8, high=high)
        bend = np.asarray(point.instance.mdp.weights) @ slope(point.success)
        assert np.sign(bend) == sign


@pytest.mark.parametrize(
    ("size", "closeness", "message"),
    [
        (3, Fraction(1, 1000), "group_size = 3: expected at least 4"),
        (8, Fraction(1, 2), r"closeness = 1/2: expected a number in \[1/100000, 1/6\]"),
        (8, Fraction(0), "closeness = 0"),
    ],
)
def test_sharp_refuses(size, closeness, message):
    """Where the family says nothing."""
    with pytest.raises(ValueError, match=message):
        sharp_point(size, closeness)


def test_menu_refuses():
    """Chances outside [0, 1], and fewer components than calls have."""
    with pytest.raises(ValueError, match=r"calls\[0, 1\] = 2.0: expected a chance in \[0, 1\]"):
        menu(2, ((0, 2), (1, 0)))
    with pytest.raises(ValueError, match=r"calls = array of shape .*: expected at least one row"):
        menu(1)


def test_idle_components_change_nothing():
    """A third component that no call moves leaves gap and bound as they are."""
    for components in (2, 3):
        mdp = menu(components).mdp
        success = jax.device_put(np.array([[0.3, 0.1, 0.5][:components]]))
        observed = _numbers(mdp, success, 8)
        if components == 2:
            expected = observed
        for name in ("gap", "bound", "kappa", "kappa_bound"):
            assert observed[name] == pytest.approx(expected[name], rel=1e-7, abs=1e-14)


@pytest.mark.parametrize("coupling", [-0.9, -0.3, 0.0, 0.5, 0.99])
def test_joint_law_has_the_asked_marginals(coupling):
    """And a correlation that is the asked share of the extreme one (Frechet)."""
    p = np.array([0.7, 0.2])
    law = joint_law(p, coupling)
    vectors = np.array([(0, 0), (0, 1), (1, 0), (1, 1)])
    np.testing.assert_allclose(law @ vectors, p, atol=1e-15)
    assert abs(law.sum() - 1) < 1e-15
    extreme = max(p.sum() - 1, 0) if coupling < 0 else p.min()
    np.testing.assert_allclose(law[3] - p.prod(), abs(coupling) * (extreme - p.prod()), atol=1e-15)


def test_joint_law_of_three():
    """Marginals of three components, coupled."""
    p = np.array([0.8, 0.4, 0.4])
    vectors = np.array(list(np.ndindex(2, 2, 2)))
    np.testing.assert_allclose(joint_law(p, 0.6) @ vectors, p, atol=1e-15)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"components": 7}, "components = 7: expected 1..6"),
        ({"success": 0.0}, "success = 0.0"),
        ({"ratio": 3.0}, r"ratio \* success = 1.5"),
        ({"coupling": 1.0}, "coupling = 1.0"),
        ({"components": 3, "coupling": -0.1}, "coupling = -0.1: .* at least 0 for 3 components"),
    ],
)
def test_outcomes_refuses(options, message):
    """Every dial names its range."""
    with pytest.raises(ValueError, match=message):
        outcomes(**options)
