"""What decides a point without floating point: equality to 50 digits, the worst of several."""

from fractions import Fraction

import pytest
from flint import arb, fmpq

from grpo_checks.experiments.protocol.certificates import summary
from grpo_checks.experiments.protocol.verdict import Decision, agree, compare, worst
from grpo_checks.theory.numbers.balls import hull

ROOT = arb(2).sqrt()
"""Two ways to it enclose it to 75 digits."""


def _tiny(digits):
    return fmpq(1, 10**digits)


def _decided(verdict):
    return Decision(fmpq(1), fmpq(2), verdict)


@pytest.mark.parametrize("side", [-1, 1])
@pytest.mark.parametrize("digits", [5, 20, 45])
def test_balls_that_differ_are_told_apart(digits, side):
    """By 1e-20 of irrational numbers; two ways to the same one agree."""
    for x in (ROOT, arb(3) / 7, arb.pi()):
        assert agree(x + side * _tiny(digits), x).verdict == "refuted"
        assert agree(x * ROOT, x * 2 / ROOT).verdict == "holds"


def test_rationals_agree_exactly():
    """No digit is free where both sides are known exactly."""
    third = fmpq(1, 3)
    assert agree(third, fmpq(2, 6)).verdict == "holds"
    assert agree(third + _tiny(60), third).verdict == "refuted"
    assert agree(third, third + _tiny(60)).verdict == "refuted"


def test_wide_balls_decide_nothing():
    """Neither an inequality nor an equation: only what is certain counts."""
    wide = hull(fmpq(1), fmpq(3))
    assert agree(wide, fmpq(2)).verdict == "inconclusive"
    assert compare(wide, fmpq(2)).verdict == "inconclusive"
    assert compare(fmpq(2), wide).verdict == "inconclusive"
    assert compare(wide, 3 + _tiny(8)).verdict == "holds"
    assert compare(wide, 3 - _tiny(8)).verdict == "inconclusive"
    assert compare(wide, 1 - _tiny(8)).verdict == "refuted"
    assert compare(fmpq(2), fmpq(2)).verdict == "holds"
    assert compare(fmpq(2) + _tiny(60), fmpq(2)).verdict == "refuted"


@pytest.mark.parametrize("at", [0, 1, 2])
def test_the_worst_of_several(at):
    """One violation among what holds or is open is the decision, wherever it stands."""
    for other in ("holds", "inconclusive", "vacuous"):
        decisions = [_decided(other)] * 3
        decisions[at] = _decided("refuted")
        assert worst(decisions).verdict == "refuted"
    decisions = [_decided("holds")] * 3
    assert worst(decisions).verdict == "holds"
    decisions[at] = _decided("inconclusive")
    assert worst(decisions).verdict == "inconclusive"


def test_the_first_of_several_violations_is_shown():
    """With its own numbers."""
    first, second = compare(fmpq(3), fmpq(2)), compare(fmpq(9), fmpq(2))
    assert worst(iter([compare(fmpq(1), fmpq(2)), first, second])) is first


def test_a_row_has_the_bound_that_is_certain():
    """Both ends of what was observed, and the lower end of the bound."""
    decision = compare(hull(fmpq(1), fmpq(2)), hull(fmpq(3), fmpq(4)))
    assert decision.verdict == "holds"
    assert decision.numbers == pytest.approx((1.5, 1.0, 2.0, 3.0), abs=1e-8)


@pytest.mark.parametrize("x", [ROOT, -ROOT, arb.pi() / 10**9, -arb(1) / 3])
def test_stored_ends_enclose(x):
    """Rounded away from each other, to 12 digits; their squares and sums tell without balls."""
    low, high = map(Fraction, summary(compare(x, fmpq(5)))["observed"])
    assert low < high <= low + Fraction(2, 10**12)
    for end, beyond in ((low, -1), (high, 1)):
        ball = arb(fmpq(end.numerator, end.denominator))
        assert ball < x if beyond < 0 else ball > x
