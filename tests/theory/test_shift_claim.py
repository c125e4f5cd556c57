"""Rational arithmetic behind T3.shift and T3.klorder: enclosures, published fractions, refusals."""

from fractions import Fraction
from math import log as float_log
from math import sqrt as float_sqrt

import mpmath
import pytest
from scipy.stats import binom

from theory.binary import Enclosure
from theory.certified import log, sqrt
from theory.shift_claim import binary_kl_power, failure, kl_power, shift_terms

DELTA = Fraction(1, 20)


@pytest.mark.parametrize(
    "x",
    [
        Fraction(1, 10),
        Fraction(2, 3),
        Fraction(4, 3),
        Fraction(400),
        Fraction(7, 10**9),
        Fraction(1),
    ],
)
def test_logarithm_is_enclosed(x):
    """At 60 digits, to 1e-25 of its size."""
    low, high = log(x)
    with mpmath.workdps(60):
        true = mpmath.log(mpmath.mpf(x.numerator) / x.denominator)
        ends = [mpmath.mpf(e.numerator) / e.denominator for e in (low, high)]
        assert ends[0] <= true <= ends[1]
        assert ends[1] - ends[0] < 1e-25 * max(1, abs(true))


def test_root_is_enclosed():
    """Of an interval: the ends squared contain it."""
    low, high = sqrt(Enclosure(Fraction(2), Fraction(21, 10)))
    assert low**2 <= 2
    assert high**2 >= Fraction(21, 10)
    assert float(low) == pytest.approx(float_sqrt(2))


def test_published_failure_probabilities():
    """371293/3200000 at n = 5 and 1 - 2.7e-49 at n = 100, as fractions, without doubt."""
    found = failure(5, Fraction(7, 20), DELTA)
    assert found.certain == found.possible == Fraction(371293, 3200000)
    found = failure(100, Fraction(1, 10), DELTA)
    assert found.certain == found.possible
    assert float(1 - found.certain) == pytest.approx(2.7e-49, rel=0.02)


@pytest.mark.parametrize(("n", "hard"), [(5, "7/20"), (20, "1/10"), (50, "1/3")])
@pytest.mark.parametrize("rooted", [True, False])
def test_failure_in_floats(n, hard, rooted):
    """The same sum with SciPy's binomial and math.log."""
    hard, delta = Fraction(hard), float(DELTA)
    h = float(hard)
    sample = float_sqrt(float_log(2 * float_sqrt(n) / delta) / (2 * n))
    shift = float_sqrt(float_log(1 / h) / (2 * n if rooted else 2))
    expected = sum(binom.pmf(k, n, h) for k in range(n + 1) if k / n + sample + shift < 1)
    assert float(failure(n, hard, DELTA, rooted).certain) == pytest.approx(expected, abs=1e-14)
    terms = shift_terms(n, hard, DELTA, rooted)
    assert float(terms.sample.low) == pytest.approx(sample)
    assert float(terms.shift.low) == pytest.approx(shift)


def test_powers_of_kl():
    """exp(10 kl(1/2 ‖ 1/10)) = 5^10/9^5, by hand; in floats for three types."""
    half, tenth = Fraction(1, 2), Fraction(1, 10)
    assert binary_kl_power(half, tenth, 10) == Fraction(5**10, 9**5)
    p, q = ([Fraction(x, 10) for x in law] for law in ((5, 3, 2), (2, 2, 6)))
    exact = sum(float(a) * float_log(a / b) for a, b in zip(p, q, strict=True))
    assert float_log(kl_power(p, q, 10)) / 10 == pytest.approx(exact)


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: failure(0, Fraction(1, 3), DELTA), "n = 0"),
        (lambda: failure(5, Fraction(4, 3), DELTA), "hard = 4/3"),
        (lambda: failure(5, Fraction(1, 3), Fraction(0)), "delta = 0"),
        (lambda: kl_power([Fraction(1, 2)] * 2, [Fraction(1, 3)] * 2, 2), "q = "),
        (lambda: kl_power([Fraction(1, 2)] * 2, [Fraction(1, 2)] * 2, 3), "power = 3"),
        (lambda: log(Fraction(0)), "x = 0"),
        (lambda: sqrt(Enclosure(Fraction(-1), Fraction(1))), "x = -1"),
    ],
)
def test_bad_input(call, named):
    """The field and the value are named."""
    with pytest.raises(ValueError, match=named):
        call()
