"""xi(n): its defining sum in rational numbers, published values, size, refusals."""

from fractions import Fraction
from math import comb, pi, sqrt

import numpy as np
import pytest

from grpo_checks.theory.generalization.maurer_constant import plain, xi
from grpo_checks.theory.numbers.counts import check_tasks


def _by_definition(n):
    return sum(
        comb(n, k) * Fraction(k, n) ** k * (1 - Fraction(k, n)) ** (n - k) for k in range(n + 1)
    )


@pytest.mark.parametrize(
    ("n", "value"),
    [
        (1, Fraction(2)),
        (2, Fraction(5, 2)),
        (3, Fraction(26, 9)),
        (4, Fraction(103, 32)),
        (5, Fraction(2194, 625)),
    ],
)
def test_small_values(n, value):
    """The published fractions, by the definition and by the sum that is used."""
    assert _by_definition(n) == value
    assert xi(n) == pytest.approx(float(value), rel=1e-15)


def test_hundred():
    """Published to 13 digits, and the definition at n = 100 and 300."""
    assert xi(100) == pytest.approx(13.209960630216, abs=1e-12)
    for n in (100, 300):
        assert xi(n) == pytest.approx(float(_by_definition(n)), rel=1e-14)


@pytest.mark.parametrize("n", [10**4, 10**5, 10**6])
def test_large(n):
    """Ramanujan's expansion of 1 + Q(n): sqrt(pi n/2) + 2/3 + sqrt(pi/(288 n)) ... to O(1/n^2)."""
    expansion = sqrt(pi * n / 2) + 2 / 3 + sqrt(pi / 2 / n) / 12 - 4 / (135 * n)
    expansion += sqrt(pi / 2 / n**3) / 288
    assert xi(n) == pytest.approx(expansion, rel=1e-11)


def test_between_sqrt_n_and_twice_that():
    """sqrt n <= xi(n) <= 2 sqrt n."""
    for n in [*range(1, 200), 10**6]:
        assert np.sqrt(n) <= xi(n) <= plain(n)


@pytest.mark.parametrize("n", [0, -3, 2.5, 10**9, None])
def test_bad_input(n):
    """The value is named."""
    with pytest.raises(ValueError, match=f"n = {n!r}"):
        check_tasks(n)
