"""The counterexamples to T1.bias, checked in a second way."""

import numpy as np
import pytest
from flint import arb, fmpq
from helpers.choice_instance import full_gradient
from scipy.special import comb, expit

from grpo_checks.experiments.claims.stationarity import bias as t1_bias
from grpo_checks.experiments.models.instances import named
from grpo_checks.experiments.points.stationarity.bias import NORMALIZED, fair_model
from grpo_checks.experiments.protocol.claim import Scope
from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.estimators.response import coefficients
from grpo_checks.theory.instances.conflict import MAXIMISER, NORMALIZED_ZERO
from grpo_checks.theory.numbers.balls import ends, magnitude, rational
from grpo_checks.theory.rational.choices import update as choice_update
from grpo_checks.theory.rational.choices.choice import parse_choice
from grpo_checks.theory.rational.choices.update import Update, groups, update
from grpo_checks.theory.rational.lines import update as line_update
from grpo_checks.theory.rational.lines.conflict import conflict_line
from grpo_checks.theory.rational.lines.update import gradient_multiple
from grpo_checks.theory.rational.menus.response import response


def _update(document, group_size):
    return update(parse_choice(fair_model(document)), group_size, NORMALIZED).mean[0]


def test_the_gamble_in_numbers():
    """grad J = 0 while E[g] = 1/20 at G = 2, .0610 at G = 3, for the first action's logit."""
    assert not any(full_gradient(parse_choice(fair_model(t1_bias.GAMBLE))))
    assert _update(t1_bias.GAMBLE, 2) == fmpq(1, 20)
    low, high = ends(_update(t1_bias.GAMBLE, 3))
    assert 0.06097 < low <= high < 0.06098


def test_a_fair_gamble_is_no_counterexample(monkeypatch):
    """The check can come out the other way: with two values only, E[g] vanishes with grad J."""
    flip = {"down": 1, "up": 1}
    monkeypatch.setattr(
        t1_bias, "GAMBLE", {"mean": "1/2", "fair": [{"odds": 1, **flip}, {"odds": 2, **flip}]}
    )
    assert _update(t1_bias.GAMBLE, 2) == 0
    assert t1_bias._gamble_row(2, NORMALIZED).verdict == "holds"


def test_verdict_per_group_size():
    """True for G = 2 and 3, refuted from 4 on, with a floor that grows with G."""
    every = [r for r in t1_bias.rows(Scope("quick"), {}) if r.instance == "conflict"]
    rows = [r for r in every if r.parameters["eps"] == 0]
    verdicts = {r.parameters["group_size"]: r.verdict for r in rows}
    assert verdicts == {2: "holds", 3: "holds", **dict.fromkeys((4, 8, 16, 64), "refuted")}
    trainers = {r.parameters["group_size"]: r.verdict for r in every if r not in rows}
    assert trainers == {3: "holds", 8: "refuted"}
    assert {r.evidence for r in every} == {"certified"}
    floors = [r.lower for r in rows]
    assert floors == sorted(floors)
    assert all(r.upper - r.lower < 1e-6 * r.upper for r in rows if r.verdict == "refuted")


def test_an_instance_is_not_mixed_with_another():
    """The gamble is no row of `conflict`."""
    rows = t1_bias.rows(Scope("quick", named("conflict", components=1)), {})
    assert {r.instance for r in rows} == {"conflict"}


def test_an_uncertified_sign_decides_nothing(monkeypatch):
    """If no sign can be certified there is no verdict."""
    monkeypatch.setattr(t1_bias, "update", lambda *_: Update((arb(0, 1),), arb(0)))
    with pytest.raises(ArithmeticError, match="change of sign"):
        t1_bias.stationary_gradient(8)


def _wrong_groups(kinds, group_size):
    """Groups with the first kind one time too often, where it is not alone."""
    for chance, counts in groups(kinds, group_size):
        yield chance * (1 + (0 < counts[0] < group_size) * fmpq(counts[0], 10)), counts


@pytest.mark.parametrize("size", [2, 3])
def test_small_groups_are_computed(monkeypatch, size):
    """Where groups come with wrong chances, E[g] is no multiple of grad J, and G = 3 is refuted."""
    assert t1_bias._conflict_row(size, NORMALIZED).verdict == "holds"
    for place in (line_update, choice_update):
        monkeypatch.setattr(place, "groups", _wrong_groups)
    choice_update._prompt_updates.cache_clear()
    verdict = t1_bias._conflict_row(size, NORMALIZED).verdict
    choice_update._prompt_updates.cache_clear()
    # At G = 2 there is one mixed group: E[g] stays a multiple.
    assert verdict == ("holds" if size == 2 else "refuted")


@pytest.mark.parametrize(("ddof", "eps"), [(0, 0.0), (1, 0.0), (0, 0.5), (1, 1e-4)])
@pytest.mark.parametrize("size", [2, 3, 4])
def test_the_multiple_is_the_response(size, ddof, eps):
    """c_G of the closed form, where that does not depend on p; exactly, by listing groups."""
    estimator = Estimator("group_normalized", ddof, eps)
    multiple = gradient_multiple(conflict_line(), size, estimator)
    assert (multiple is None) == (size == 4)
    if multiple is not None:
        expected = response(size, fmpq(2, 7), ddof, rational("eps", eps))
        assert magnitude(multiple.number() - expected) < fmpq(1, 10**60)


def test_the_end_of_a_run_is_no_floor_on_its_way():
    """Expected updates on `conflict` at G = 8 from 0: past the maximiser of J, grad J nearly 0."""
    b, ways, j = coefficients(8), comb(6, np.arange(7)), np.arange(7)
    x, squares = 0.0, []
    for _ in range(1000):
        p, q = expit(x), expit(-2 * x)
        slopes = np.array([p * (1 - p), -2 * q * (1 - q)]) / 2
        squares.append(slopes.sum() ** 2)
        x += np.sqrt(8 / 1000) * (slopes @ [(ways * c**j * (1 - c) ** (6 - j)) @ b for c in (p, q)])
    assert min(squares) < 1e-8 < squares[-1]
    assert squares[-1] == pytest.approx(0.000144249, rel=1e-5)
    assert x == pytest.approx(NORMALIZED_ZERO, abs=1e-5)
    assert NORMALIZED_ZERO < MAXIMISER < 0
