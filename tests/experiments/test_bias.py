"""The counterexamples to T1.bias, checked in a second way."""

from fractions import Fraction

import pytest

from experiments.claim import Scope
from experiments.claims import t1_bias
from theory.binary import Enclosure


def test_the_gamble_in_numbers():
    """grad J = 0 while E[g] = 1/20 at G = 2, .0610 at G = 3, for the first action's logit."""
    assert t1_bias.gamble_gradient() == 0
    assert t1_bias.gamble_update(2) == (Fraction(1, 20), Fraction(1, 20))
    low, high = t1_bias.gamble_update(3)
    assert 0.06097 < float(low) <= float(high) < 0.06098


def test_a_fair_gamble_is_no_counterexample(monkeypatch):
    """The check can come out the other way: with two values only, E[g] vanishes with grad J."""
    half, fair = Fraction(1, 2), ((Fraction(1, 4), 0), (Fraction(1, 4), 1))
    outcomes = tuple((p, Fraction(r), s) for s in (half, -half) for p, r in fair)
    monkeypatch.setattr(t1_bias, "GAMBLE", outcomes)
    assert t1_bias.gamble_gradient() == 0
    assert t1_bias.gamble_update(2) == (0, 0)
    assert t1_bias._gamble_row(2).verdict == "holds"


def test_verdict_per_group_size():
    """True for G = 2 and 3, refuted from 4 on, with a floor that grows with G."""
    rows = [r for r in t1_bias.rows(Scope("quick"), {}) if r.instance == "conflict"]
    verdicts = {r.parameters["group_size"]: r.verdict for r in rows}
    assert verdicts == {2: "holds", 3: "holds", **dict.fromkeys((4, 8, 16, 64), "refuted")}
    floors = [r.lower for r in rows]
    assert floors == sorted(floors)
    assert all(r.upper - r.lower < 1e-3 * r.upper for r in rows if r.verdict == "refuted")


def test_an_uncertified_sign_decides_nothing(monkeypatch):
    """If no sign can be certified there is no verdict."""
    wide = Enclosure(Fraction(-1), Fraction(1))
    monkeypatch.setattr(t1_bias, "normalized_update", lambda g, z: wide)
    with pytest.raises(ArithmeticError, match="group_size = 8"):
        t1_bias.stationary_gradient(8)
