"""Certificates of the recurrence's fate: enclosures that contain, and no certificate too many."""

import numpy as np
import pytest
from flint import arb, fmpq
from mpmath import mp, mpf
from scipy.special import expit, logit

from grpo_checks.theory.numbers.balls import ends
from grpo_checks.theory.rational.menus.trap import (
    Recurrence,
    chance,
    image,
    log_odds,
    orbit,
    rises,
    settles,
    slope,
    trap,
)

TRAPPED = Recurrence(fmpq(1, 1000), fmpq(3), fmpq(1, 10**5))
CERTAIN = Recurrence(fmpq(1, 1000), fmpq(1, 25), fmpq(0))
WHOLE = Recurrence(fmpq(1, 244), fmpq(2, 3) / arb(3).log(), fmpq(0))
SETTLED = [
    Recurrence(fmpq(1, 2), fmpq(1), fmpq(1, 100)),
    Recurrence(fmpq(1, 10), fmpq(1), fmpq(1, 100)),
    Recurrence(fmpq(1, 1000), fmpq(10), fmpq(0)),
    # Runs into certain success: gains beyond any exponential.
    Recurrence(fmpq(1, 2), fmpq(1, 25), fmpq(0)),
    CERTAIN,
]


def _h(recurrence, p):
    """At 80 digits, from the definition."""
    reference, beta, eps = (mpf(int(x.p)) / int(x.q) for x in recurrence)
    odds = reference / (1 - reference) * mp.exp(1 / (beta * mp.sqrt(p * (1 - p) + eps)))
    return odds / (1 + odds)


@pytest.mark.parametrize("recurrence", [TRAPPED, SETTLED[0], SETTLED[2]])
def test_the_orbit_at_80_digits(recurrence):
    """Five steps, contained in narrow balls."""
    with mp.workdps(80):
        p = mpf(int(recurrence.reference.p)) / int(recurrence.reference.q)
        for at in orbit(recurrence, steps=5):
            low, high = (mpf(x.numerator) / x.denominator for x in ends(chance(at)))
            assert low - mpf(10) ** -75 <= p <= high + mpf(10) ** -75
            assert high - low < mpf(10) ** -60
            p = _h(recurrence, p)


@pytest.mark.parametrize("eps", [fmpq(0), fmpq(1, 50)])
def test_image_of_a_ball_contains_the_images(eps):
    """Of points inside, also across 1/2, where h has its minimum; and slopes of chords."""
    recurrence = Recurrence(fmpq(1, 100), fmpq(2), eps)
    for low, high in ((-3.0, -2.6), (-0.2, 0.3), (0.7, 1.1)):
        ball = arb((low + high) / 2, (high - low) / 2)
        mapped, steep = image(recurrence, ball), slope(recurrence, ball)
        x = np.linspace(low, high, 101)
        after = logit(0.01) + 1 / (2 * np.sqrt(expit(x) * expit(-x) + float(eps)))
        assert float(mapped.lower()) <= after.min() + 1e-12
        assert after.max() - 1e-12 <= float(mapped.upper())
        chords = np.diff(after) / np.diff(x)
        assert float(steep.lower()) <= chords.min() + 1e-9
        assert chords.max() - 1e-9 <= float(steep.upper())


def test_a_trap_is_where_the_orbit_goes():
    """Both balls hold the orbit's points at the right times, in float64."""
    observed = trap(TRAPPED, orbit(TRAPPED))
    p, beta, eps = map(float, TRAPPED)
    start, seen = logit(p), []
    for _ in range(observed.entered + 1):
        p = expit(start + 1 / (beta * np.sqrt(p * (1 - p) + eps)))
        seen.append(p)
    for ball, at in zip((observed.first, observed.second), seen[-2:], strict=True):
        low, high = ends(chance(ball))
        assert low - 1e-12 <= at <= high + 1e-12
    assert 0.6 < float(observed.distance) <= abs(seen[-1] - seen[-2]) + 1e-12


@pytest.mark.parametrize("recurrence", SETTLED)
def test_no_trap_where_the_sequence_converges(recurrence):
    """And a certificate that it does: exactly one of the two kinds, or both of convergence."""
    path = orbit(recurrence)
    assert trap(recurrence, path) is None
    assert rises(path) or settles(recurrence, path)


def test_no_convergence_where_there_is_a_trap():
    """The certificates exclude each other."""
    path = orbit(TRAPPED)
    assert not rises(path)
    assert not settles(TRAPPED, path)


def test_the_whole_number_cycle_depends_on_the_start():
    """From 1/10 it alternates with 1/2 for ever; from p_ref = 1/244 it rises to certain success."""
    near = orbit(WHOLE, fmpq(1, 10))
    assert all(
        (chance(at) - p).abs_upper() < 1e-40
        for at, p in zip(near[:6], (fmpq(1, 10), fmpq(1, 2)) * 3, strict=True)
    )
    assert float(trap(WHOLE, near).distance) > 0.39
    assert rises(orbit(WHOLE))
    assert trap(WHOLE, orbit(WHOLE)) is None


def test_fixed_points_repel_hard_prompts_only():
    """At the largest p_ref, 1 - 2p = 1/sqrt 2: the slope there is -1; nowhere steeper from 1/99."""
    p = (1 - fmpq(1, 2) * arb(2).sqrt()) / 2
    beta = 1 / (2 * arb(2).sqrt() * (p * (1 - p)).sqrt())
    at = log_odds(p)
    edge = chance(at - 1 / (beta * (p * (1 - p)).sqrt()))
    recurrence = Recurrence(edge, beta, fmpq(0))
    assert (image(recurrence, at) - at).abs_upper() < 1e-60
    assert (slope(recurrence, at) + 1).abs_upper() < 1e-60
    assert fmpq(1, 100) < edge < fmpq(1005, 100000)
    for k in range(1, 100):
        p = fmpq(k, 200)
        gain = log_odds(p) - log_odds(fmpq(1, 99))
        beta = 1 / (gain * arb(p * (1 - p)).sqrt())
        assert not gain > 0 or slope(Recurrence(fmpq(1, 99), beta, fmpq(0)), log_odds(p)) > -1


@pytest.mark.parametrize(
    ("recurrence", "named"),
    [
        (TRAPPED._replace(reference=fmpq(1)), "reference = 1"),
        (TRAPPED._replace(beta=fmpq(0)), "beta = 0"),
        (TRAPPED._replace(eps=fmpq(-1)), "eps = -1"),
    ],
)
def test_bad_parameters(recurrence, named):
    """The value is named."""
    with pytest.raises(ValueError, match=named):
        orbit(recurrence)
    with pytest.raises(ValueError, match="start = 2"):
        orbit(TRAPPED, fmpq(2))
