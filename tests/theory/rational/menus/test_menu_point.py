"""Menus: enclosed sides of theorem 2 against floating point and against mpmath."""

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest
from flint import fmpq

from grpo_checks.experiments.claims.decomposition.gap import STATEMENT as GAP
from grpo_checks.experiments.claims.decomposition.kappa import CLAIM as KAPPA
from grpo_checks.experiments.points.decomposition import menus
from grpo_checks.experiments.points.decomposition.first_order_search import KAPPA_DOMAIN
from grpo_checks.theory.arithmetic.enclose import enclose
from grpo_checks.theory.convergence.decomposition_gap import certificate
from grpo_checks.theory.estimators.response import coefficients, kappa
from grpo_checks.theory.estimators.response import response as floating
from grpo_checks.theory.instances.menu import menu as model
from grpo_checks.theory.numbers.balls import ends

_certify = jax.jit(certificate)
_enclosed = enclose(lambda point: menus.certified(**point))
SHARP = {"group_size": 8, "calls": [["5/8", 0], ["3/8", "1/4"]], "odds": [1, 3], "slopes": [1]}


def _middle(number):
    low, high = ends(number)
    assert high - low < 1e-60
    return float(low)


def _drawn(seed):
    """Three calls with two components, whose chances are eighths."""
    rng = np.random.default_rng(seed)
    return {
        "group_size": int(rng.choice([2, 3, 4, 8])),
        "calls": [[f"{x}/8" for x in row] for row in rng.integers(0, 9, (3, 2))],
        "odds": rng.integers(1, 5, 3).tolist(),
        "weights": [f"{x}/4" for x in rng.integers(1, 9, 2)],
    }


@pytest.mark.parametrize("seed", range(12))
def test_the_certificate_is_enclosed(seed):
    """By backward induction on the model, in floating point: another computation."""
    document = _drawn(seed)
    point = KAPPA_DOMAIN.read(document)
    one, kappa_bound = _enclosed(point), enclose(lambda p: menus.kappa_sides(**p)[1])(point)
    success = jax.device_put(one.success.astype(float))
    mdp = model(2, document["calls"], document["weights"]).mdp
    certified = _certify(mdp, success, floating(success, document["group_size"]))
    decision = GAP.decide(document)
    assert decision.verdict == "holds"
    assert abs(_middle(one.gap[0]) - float(certified.gap[0])) < 1e-14
    assert abs(_middle(decision.bound) - float(certified.bound[0])) < 1e-13
    assert abs(_middle(menus._enclosed_kappas(point)[0]) - float(certified.kappa[0])) < 1e-13
    assert abs(_middle(kappa_bound) - float(certified.kappa_bound[0])) < 1e-13
    misaligned = abs(float(certified.misaligned[0])) > 1e-12
    assert menus.menu_of(point).aligned == (not misaligned)


@pytest.mark.parametrize(("ddof", "eps"), [(0, "0"), (1, "1/3")])
@pytest.mark.parametrize("size", [2, 4, 9])
def test_the_response_to_40_digits(size, ddof, eps):
    """Its mean over the count of successes of the others, by mpmath."""
    p, eps = fmpq(2, 7), fmpq(*map(int, eps.split("/")))
    responses = enclose(lambda p, e: floating(p, size, ddof, e))(p, eps)
    with mpmath.workdps(40):
        x, extra = mpmath.mpf(2) / 7, mpmath.mpf(int(eps.p)) / int(eps.q)
        expected = mpmath.mpf(0)
        for j in range(size - 1):
            k = j + 1
            sd = mpmath.sqrt(mpmath.mpf(k) * (size - k) / (size * (size - ddof)))
            chance = mpmath.binomial(size - 2, j) * x**j * (1 - x) ** (size - 2 - j)
            expected += chance * mpmath.mpf(size - 1) / size / (sd + extra)
        assert abs(mpmath.mpf(_middle(responses)) - expected) < 1e-15 * expected
        low, high = (mpmath.mpf(e.numerator) / e.denominator for e in ends(responses))
        assert low - 1e-38 <= expected <= high + 1e-38
    assert len(coefficients(size)) == size - 1


@pytest.mark.parametrize("size", [3, 4, 8, 64])
def test_the_limit_of_kappa(size):
    """The table of theory section 3."""
    point = KAPPA_DOMAIN.read({**SHARP, "group_size": size})
    assert abs(_middle(menus._enclosed_kappas(point)[1]) - kappa(size)) < 1e-13


def test_sharp_is_an_equality_and_no_more():
    """gap = bound at weight 1/4 on the better call and at 1/2; beyond it the bound is larger."""
    for odds, reached in (([1, 3], True), ([1, 1], True), ([3, 1], False)):
        decision = KAPPA.exact.decide({**SHARP, "odds": odds}, None)
        assert decision.verdict == "holds"
        assert (decision.note == "equal as polynomials in responses") == reached
        assert bool(decision.observed < decision.bound) == (not reached)


def test_slopes_are_a_first_order_point():
    """phi = 0 exactly, with weights h_k/c_k that balls enclose."""
    point = KAPPA_DOMAIN.read(SHARP)
    assert menus.not_first_order(**point) is None
    assert menus._enclosed_residual(point) == 0
    weights = _enclosed(point).weights
    ratio = weights[1] / weights[0]
    c = [float(x) for x in floating(jnp.array([7 / 16, 3 / 16]), 8)]
    assert abs(_middle(ratio) - c[0] / c[1]) < 1e-13


def test_the_gradient_vanishes_far_from_first_order_points():
    """`saturated` of theory section 3: |grad Jtilde| = 7.7e-9 at a logit gap of 20."""
    calls = {"calls": [[1, 0], [0, 1]], "weights": [1, 2], "group_size": 8}
    point = KAPPA_DOMAIN.read({**calls, "odds": [round(np.exp(20)), 1]})
    assert abs(np.sqrt(_middle(menus._enclosed_norm2(point))) - 7.7e-9) < 1e-10
    assert abs(_middle(_enclosed(point).gap[0]) - 1) < 1e-8


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"group_size": 1}, "group_size = 1: expected a whole number in 2..1000"),
        ({"group_size": "7/2"}, "group_size = '7/2': expected a whole number"),
        ({"group_size": 2000}, "group_size = 2000: expected a whole number in 2..1000"),
        ({"ddof": 2}, "ddof = 2: expected a whole number in 0..1"),
        ({"calls": [["5/8", 2], [0, 1]]}, r"calls\[0\]\[1\] = 2: expected a number in \[0, 1\]"),
        ({"calls": [["5/8", 0], [0]]}, "calls = .*: expected rows of one length"),
        ({"odds": [0, 0]}, r"odds = \[0, 0\]: expected numbers >= 0, not all 0"),
        ({"odds": [1]}, "odds: 1 of calls, expected 2 as in calls"),
        ({"slopes": [0]}, r"slopes\[0\] = 0: expected a number > 0"),
        ({"calls": [["5/8", "1/2"], ["3/8", "1/4"]]}, "slopes: the last would be -1"),
        ({"calls": [["5/8", 0], ["3/8", 0]]}, "differ in the last component"),
        ({"weights": [1]}, r"weights = \[1\]: expected 2 numbers"),
        ({"calls": None}, "calls = None: expected a list"),
    ],
)
def test_bad_documents_name_what_is_wrong(change, message):
    """The field, and what was expected."""
    with pytest.raises(ValueError, match=message):
        KAPPA_DOMAIN.read({**SHARP, **change})
