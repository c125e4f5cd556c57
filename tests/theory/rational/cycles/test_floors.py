"""Floors on rings, against the least value on a fine grid and published numbers."""

import numpy as np
import pytest
from flint import arb, fmpq

from grpo_checks.theory.rational.cycles.floors import Circle
from grpo_checks.theory.rational.cycles.ring import Ring, least_on, policy

START = [fmpq(13, 15), fmpq(-2, 15), fmpq(-11, 15)]
RANK_CYCLE = Circle([fmpq(1, 3)] * 3, [fmpq(7, 20), fmpq(13, 20), fmpq(1, 20)], START)
DICE = Circle([fmpq(-1, 8)] * 3, [fmpq(3, 5), fmpq(9, 20), fmpq(3, 4)], START)
UNEQUAL = Circle([fmpq(1, 8), fmpq(1, 2), fmpq(1, 4)], [fmpq(0), fmpq(1), fmpq(1, 3)], START)


def _grid_least(circle, reach, name, n=1200):
    """On a grid of (theta_1, theta_2), in NumPy."""
    w = np.array([float(x.p) / float(x.q) for x in circle.weights])
    ring = circle.ring(fmpq(reach))
    low, high = float(ring.low), float(ring.high)
    a, b, c, d = ring.rectangle
    first, second = np.meshgrid(np.linspace(a, b, n), np.linspace(c, d, n))
    theta = np.stack([first, second, -first - second], -1)
    phi = np.exp(-theta) @ w
    theta = theta[(low <= phi) & (phi <= high)]
    pi = np.exp(theta) / np.exp(theta).sum(1, keepdims=True)
    one, two, three = (float(x.p) / float(x.q) for x in circle.wins)
    s = np.array([[0, one, -three], [-one, 0, two], [three, -two, 0]])
    v = np.array([float(x.p) / float(x.q) for x in circle.values])
    fields = {"E[g]": pi * (pi @ s.T), "grad J": pi * (v - (pi @ v)[:, None])}
    return float((fields[name] ** 2).sum(1).min())


@pytest.mark.parametrize("circle", [RANK_CYCLE, DICE, UNEQUAL])
@pytest.mark.parametrize("name", ["E[g]", "grad J"])
def test_floor_is_just_below_the_least_value(circle, name):
    """Below what a grid shows, and not far."""
    floor, least = float(circle.floor(name, fmpq(4))), _grid_least(circle, 4, name)
    assert (0.6 if circle is UNEQUAL else 0.97) * least < floor <= least


@pytest.mark.parametrize(
    ("circle", "reach", "update", "gradient"),
    [(RANK_CYCLE, 4, 0.00148, 0.0041), (RANK_CYCLE, 10, 0.0012, 0.0022), (DICE, 10, 2e-4, 9.5e-4)],
)
def test_published_constants(circle, reach, update, gradient):
    """At least those that were derived by hand, to two digits."""
    assert circle.floor("E[g]", fmpq(reach)) >= update - 1e-6
    assert circle.floor("grad J", fmpq(reach)) >= gradient


@pytest.mark.parametrize(("circle", "floor"), [(RANK_CYCLE, 4e-4), (DICE, 1e-4)])
def test_floor_of_sampled_runs(circle, floor):
    """E|grad J|^2 at c = 1, drawn prompts; at large c Markov leaves next to nothing."""
    assert circle.floor("grad J, sampled", fmpq(1)) >= floor
    assert 0 < circle.floor("grad J, sampled", fmpq(4)) < floor / 1000


def test_start_of_a_ring():
    """Phi_0 = e^(-13/15) + e^(2/15) + e^(11/15), here times 1/3."""
    start = RANK_CYCLE.ring(fmpq(1)).low
    assert (
        abs(3 * start * (fmpq(2, 15).__class__(1)) - sum(np.exp([-13 / 15, 2 / 15, 11 / 15])))
        < 1e-14
    )


def test_ring_with_a_zero_has_no_floor():
    """A run that starts at the zero of E[g] stays there; one of grad J is not seen either."""
    still = RANK_CYCLE._replace(theta=[fmpq(0)] * 3)
    assert not still.floor("E[g]", fmpq(1)) > 0
    assert still.floor("grad J", fmpq(1)) > 0


def test_empty_ring():
    """Phi is nowhere below its minimum."""
    ring = Ring([fmpq(1)] * 3, fmpq(0), arb(2))
    assert least_on(ring, lambda pi: pi[0]) == arb.pos_inf()


def test_policy_of_a_box():
    """Contains the softmax of each of its points."""
    box = [arb(0).union(arb(1)), arb(-1).union(arb(0)), arb(0)]
    for t in ([0, -1, 0], [1, 0, 0], [0.3, -0.2, 0]):
        odds = np.exp(t)
        for ball, p in zip(policy(box), odds / odds.sum(), strict=True):
            assert ball.contains(arb(float(p)))
