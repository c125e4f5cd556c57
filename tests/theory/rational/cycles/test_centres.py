"""Centres at every group size: their zeros, reflections and numbers, and models without one."""

from fractions import Fraction
from functools import cache
from math import sqrt

import jax
import numpy as np
import pytest
from flint import arb, fmpq

from grpo_checks.theory.arithmetic.enclose import exact
from grpo_checks.theory.convergence.jacobian import update_jacobian
from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.estimators.group_law import group_law
from grpo_checks.theory.evaluation.values import gradient
from grpo_checks.theory.instances.cycles.dice import (
    LAWS,
    LAWS_ALL,
    VECTORS,
    WEIGHTS,
    WEIGHTS_ALL,
    dice_all,
)
from grpo_checks.theory.instances.cycles.rank_cycle import PAYS, rank_cycle
from grpo_checks.theory.rational.cycles.centres import Model, centres
from grpo_checks.theory.rational.cycles.isolation import coefficients, isolated
from grpo_checks.theory.rational.cycles.symmetry import reflections
from grpo_checks.theory.updates.moments import expected_update

_expected_update, _update_jacobian, _gradient = (
    jax.jit(f) for f in (expected_update, update_jacobian, gradient)
)

PAID = sorted({Fraction(pay) for row in PAYS for pay in row})
SURE = [[[int(Fraction(pay) == x) for x in PAID] for pay in row] for row in PAYS]
MODELS = {
    "rank_cycle": Model(*map(exact, (["1/3"] * 3, SURE, [[str(x)] for x in PAID], [1]))),
    "dice": Model(*map(exact, ([1], [LAWS], VECTORS, WEIGHTS))),
    "dice_all": Model(*map(exact, ([1], [LAWS_ALL], VECTORS, WEIGHTS_ALL))),
}
GROUP_NORMALIZED = Estimator("group_normalized")
INSTANCES = {"rank_cycle": rank_cycle, "dice_all": dice_all}
PUBLISHED = {
    ("rank_cycle", 2): (0, 0.06415, 0.0200),
    ("rank_cycle", 3): (0.41304, 0.08993, 0.0146),
    ("rank_cycle", 4): (0.73369, 0.09490, 0.0108),
    ("rank_cycle", 8): (1.50018, 0.08469, 0.00428),
    ("dice_all", 2): (np.log(7 / 4), 0.00674, 0.00056),
    ("dice_all", 3): (-0.73009, 0.00779, 0.00127),
    ("dice_all", 4): (-0.36861, 0.00843, 0.00108),
    ("dice_all", 8): (2.82893, 0.00068, 0.0000218),
}
"""theta_1 - theta_2, frequency, |grad J|^2."""


@cache
def _listed(name, group_size, estimator=GROUP_NORMALIZED, eps=0):
    return centres(MODELS[name], estimator, fmpq(eps), group_size)


@pytest.mark.parametrize(("name", "group_size"), PUBLISHED)
def test_centres(name, group_size):
    """One each, of the published numbers, to the digits that those have, and enclosed to many."""
    (centre,) = _listed(name, group_size).centres
    frequency = centre.squared_frequency.sqrt()
    for ball, number in zip(
        (centre.difference, frequency, centre.squared_gradient),
        PUBLISHED[name, group_size],
        strict=True,
    ):
        assert float(arb(ball).rad()) < 1e-30
        assert float(ball) == pytest.approx(number, rel=8e-3, abs=6e-6)


@pytest.mark.parametrize(("name", "group_size"), [("rank_cycle", 4), ("dice_all", 8)])
def test_centres_of_the_instances(name, group_size):
    """There, by the moments of models, E[g] is 0, its Jacobian has the eigenvalues +-i frequency
    and 0, and |grad J|^2 is what it is."""
    (centre,) = _listed(name, group_size).centres
    instance = INSTANCES[name]()
    policy, mdp = instance.policy, instance.mdp
    start = np.array(instance.theta)
    start[0, :3] = float(centre.difference), 0, 0
    theta, law = jax.device_put(start), group_law(mdp, group_size, GROUP_NORMALIZED, room=8)
    assert np.abs(np.asarray(_expected_update(mdp, policy, theta, law))).max() < 1e-15
    slopes = np.asarray(_update_jacobian(mdp, policy, theta, law))[:3, :3]
    frequency = sqrt(float(centre.squared_frequency))
    imaginary = np.sort(np.linalg.eigvals(slopes).imag)
    np.testing.assert_allclose(imaginary, [-frequency, 0, frequency], rtol=1e-9, atol=1e-15)
    assert np.abs(np.linalg.eigvals(slopes).real).max() < 1e-14
    square = (np.asarray(_gradient(mdp, policy, theta)) ** 2).sum()
    assert square == pytest.approx(float(centre.squared_gradient), rel=1e-12)


def test_ddof_and_eps_leave_a_centre():
    """As trainers have them."""
    known = _listed("rank_cycle", 4, Estimator("group_normalized", 1, 1e-4), fmpq(1, 10_000))
    assert len(known.centres) == 1
    assert 0.7 < float(known.centres[0].difference) < 0.8


@pytest.mark.parametrize("group_size", [3, 4, 8])
def test_dice_have_no_zero_on_the_line(group_size):
    """Certified: Bernstein coefficients of one sign."""
    known = _listed("dice", group_size)
    assert (known.centres, known.note) == ([], "no zero on the line of the reflection, certified")


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("estimator", ["leave_one_out", "mean_baseline"])
def test_gradients_have_no_centre(name, estimator):
    """The reflection is there; a multiple of grad J goes round nothing."""
    known = _listed(name, 3, Estimator(estimator))
    assert known.centres == []
    assert "line of the reflection" in known.note


def _all_reflections(model):
    columns = model.rewards.dot(model.weights)[:, None]
    return list(reflections(model.share, model.outcome, columns))


def test_reflections():
    """Answers 2 and 3 of `rank_cycle`, with prompts 1 and 2; B and C of `dice`."""
    assert _all_reflections(MODELS["rank_cycle"]) == [((0, 1, 2), (1, 0, 2))]
    assert _all_reflections(MODELS["dice"]) == [((0, 1, 2), (0,))]


def test_broken_reflections():
    """Other shares, another chance, another reward: none is left."""
    cycle, dice = MODELS["rank_cycle"], MODELS["dice"]
    unequal = cycle._replace(share=exact(["1/2", "1/4", "1/4"]))
    biased = dice._replace(outcome=dice.outcome.copy())
    biased.outcome[0, 1, 1:4:2] = [fmpq(7, 10), fmpq(3, 10)]
    graded = cycle._replace(rewards=cycle.rewards.copy())
    graded.rewards[1, 0] = fmpq(1, 16)
    for model in (unequal, biased, graded):
        assert _all_reflections(model) == []
        assert centres(model, GROUP_NORMALIZED, fmpq(0), 4).note.startswith("no exchange")


@pytest.mark.parametrize("name", INSTANCES)
@pytest.mark.parametrize("group_size", [2, 3, 8])
@pytest.mark.parametrize(
    "estimator",
    [
        GROUP_NORMALIZED,
        Estimator("group_normalized", 1, 1e-4),
        Estimator("leave_one_out"),
        Estimator("componentwise_normalized"),
    ],
)
def test_updates_are_reversed(name, group_size, estimator):
    """E[g](sigma theta) = -sigma E[g](theta), at a policy without symmetry."""
    instance = INSTANCES[name]()
    model, start = (instance.mdp, instance.policy), np.asarray(instance.theta)
    law = group_law(instance.mdp, group_size, estimator, room=8)
    swapped = start.copy()
    swapped[0, 1:3] = start[0, 2:0:-1]
    there, here = (np.asarray(_expected_update(*model, x, law))[0, :3] for x in (swapped, start))
    np.testing.assert_allclose(there, -here[[0, 2, 1]], atol=1e-16, rtol=1e-12)
    assert np.abs(here).max() > 1e-4


def test_isolated_zeros():
    """Of polynomials with zeros that are known: both near ones, none, one outside."""

    def polynomial(*zeros):
        return lambda z: np.prod([z - zero for zero in zeros])

    zeros = [fmpq(1, 3), fmpq(5, 14), fmpq(6, 7), fmpq(3, 2)]
    intervals = isolated(coefficients(polynomial(*zeros), 4))
    assert len(intervals) == 3
    for (low, high), zero in zip(intervals, zeros, strict=False):
        assert low < zero < high
    assert isolated(coefficients(lambda z: z * z - z + 1, 2)) == []
    assert isolated([fmpq(0), fmpq(1)]) == []


@pytest.mark.parametrize(
    "values", [[fmpq(0)] * 3, [arb(1), arb(0, 1e-9), arb(-1)], [fmpq(1), fmpq(-1), fmpq(1)]]
)
def test_undecided_zeros(values):
    """A polynomial that vanishes, a coefficient of unknown sign, a double zero."""
    assert isolated(values) is None
