"""Distances of laws in rational numbers and balls, against mpmath, SciPy and whole powers."""

import numpy as np
import pytest
from flint import fmpq
from helpers.listed_layers import law, variation
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import rel_entr

from grpo_checks.theory.numbers.logs import Logs, binary_divergence, divergence

HALF, TENTH = fmpq(1, 2), fmpq(1, 10)
LAWS = st.lists(st.integers(1, 30), min_size=3, max_size=3)


@given(LAWS, LAWS)
def test_distances_in_floats(first, second):
    """TV and KL by NumPy and SciPy."""
    p, q = law(first), law(second)
    a, b = (np.array([float(x) for x in side]) for side in (p, q))
    assert float(variation(p, q)) == pytest.approx(np.abs(a - b).sum() / 2)
    assert float(divergence(p, q).value) == pytest.approx(rel_entr(a, b).sum(), abs=1e-12)


def test_what_is_excluded_is_infinitely_far():
    """A law that shows what the other never does; the other way is finite."""
    p, q = law([1, 1, 2]), law([1, 3, 0])
    assert divergence(p, q) is None
    assert float(divergence(q, p).value) == pytest.approx(float(fmpq(3, 4)) * np.log(3))


def test_whole_powers():
    """exp(10 kl(1/2 ‖ 1/10)) = 5^10/9^5, by hand; no power 3 is rational."""
    nats = binary_divergence(HALF, TENTH)
    assert nats.denominator == 2
    assert nats.power(10) == fmpq(5**10, 9**5)
    assert nats.power(3) is None


def test_equality_is_decided():
    """ln 4 + ln 9 = 2 ln 6, which no ball can say; a number changed by a hair is not equal."""
    one, two = fmpq(1), fmpq(2)
    equal = Logs(((one, fmpq(4)), (one, fmpq(9)), (-two, fmpq(6))))
    assert equal.value == 0
    for hair in (fmpq(1, 100), fmpq(1, 10**40)):
        assert Logs(((one, fmpq(4)), (one, fmpq(9)), (-two, 6 + hair))).value < 0
