"""Certificates of cycles: enclosures that contain, and traps only where there are cycles."""

from fractions import Fraction

import numpy as np
import pytest
from mpmath import mp, mpf
from scipy.special import expit, logit

from theory.binary import Enclosure
from theory.trap import Recurrence, exponential, image, square_root, trap

NUMBERS = [Fraction(0), Fraction(1, 3), Fraction(1, 2), Fraction(22, 7), Fraction(1999, 10)]
TRAPPED = Recurrence(Fraction(1, 1000), Fraction(3), Fraction(1, 10**5))
SETTLED = [
    Recurrence(Fraction(1, 2), Fraction(1), Fraction(1, 100)),
    Recurrence(Fraction(1, 10), Fraction(1), Fraction(1, 100)),
    Recurrence(Fraction(1, 1000), Fraction(10), Fraction(0)),
    # Runs into certain success: gains beyond any exponential.
    Recurrence(Fraction(1, 2), Fraction(1, 25), Fraction(0)),
]


def _contains(enclosure, value):
    low, high = (mpf(x.numerator) / x.denominator for x in enclosure)
    assert low <= value <= high
    assert high - low <= mpf(10) ** -40 * max(1, value)


@pytest.mark.parametrize("x", NUMBERS)
def test_enclosures_contain(x):
    """exp and sqrt at 80 digits, with narrow enclosures."""
    with mp.workdps(80):
        exactly = mpf(x.numerator) / x.denominator
        _contains(exponential(x), mp.exp(exactly))
        _contains(square_root(x), mp.sqrt(exactly))


@pytest.mark.parametrize("eps", [Fraction(0), Fraction(1, 50)])
def test_image_of_an_interval_contains_the_images(eps):
    """Of points inside, also across 1/2, where h has its minimum."""
    of = Recurrence(Fraction(1, 100), Fraction(2), eps)
    for low, high in ((0.02, 0.3), (0.3, 0.8), (0.7, 0.95)):
        found = image(of, Enclosure(Fraction(low), Fraction(high)))
        p = np.linspace(low, high, 101)
        h = expit(logit(0.01) + 1 / (2 * np.sqrt(p * (1 - p) + float(eps))))
        assert float(found.low) <= h.min() + 1e-15
        assert h.max() - 1e-15 <= float(found.high)
        assert abs(h.min() - found.low) < 1e-3


def test_a_trap_is_where_the_orbit_goes():
    """Both intervals hold the orbit's points at the right times, in float64."""
    found = trap(TRAPPED)
    p, beta, eps = map(float, TRAPPED)
    start, seen = logit(p), []
    for _ in range(found.entered + 1):
        p = expit(start + 1 / (beta * np.sqrt(p * (1 - p) + eps)))
        seen.append(p)
    assert found.first.low <= seen[-2] <= found.first.high
    assert found.second.low <= seen[-1] <= found.second.high
    assert 0.6 < float(found.distance) < abs(seen[-1] - seen[-2])


@pytest.mark.parametrize("of", SETTLED)
def test_no_trap_where_the_sequence_settles(of):
    """The certificate can fail."""
    assert trap(of) is None


@pytest.mark.parametrize(
    ("of", "named"),
    [
        (TRAPPED._replace(reference=Fraction(1)), "reference = 1"),
        (TRAPPED._replace(beta=Fraction(0)), "beta = 0"),
        (TRAPPED._replace(eps=Fraction(-1)), "eps = -1"),
    ],
)
def test_bad_parameters(of, named):
    """The value is named."""
    with pytest.raises(ValueError, match=named):
        trap(of)
    with pytest.raises(ValueError, match="x = 201"):
        exponential(Fraction(201))
