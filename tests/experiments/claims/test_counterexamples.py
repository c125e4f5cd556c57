"""Counterexamples to other papers' claims a second time, and checks that can come out otherwise."""

from fractions import Fraction
from math import isclose, log

import numpy as np
import pytest
from helpers.quick_rows import quick_rows
from mpmath import mp, mpf

from grpo_checks.experiments.claims.literature import convergence as literature_convergence
from grpo_checks.experiments.claims.literature import iterates
from grpo_checks.experiments.claims.literature.correlation import limit as correlation_limit
from grpo_checks.experiments.claims.literature.correlation import pairs as correlation_pairs
from grpo_checks.experiments.models.instances import named
from grpo_checks.experiments.points.literature import convergence
from grpo_checks.experiments.protocol.claim import Scope

BITS = named("bits", components=2, success=(0.5, 0.9, 0.5, 0.5, 0.5, 0.5))


def test_the_whole_number_cycle_at_40_digits():
    """h(1/10) = 1/2 and h(1/2) = 1/10 for p_ref = 1/244, beta = 2/(3 ln 3), eps = 0."""
    with mp.workdps(40):
        beta = 2 / (3 * mp.log(3))
        for p, after in ((mpf(1) / 10, mpf(1) / 2), (mpf(1) / 2, mpf(1) / 10)):
            odds = mpf(1) / 243 * mp.exp(1 / (beta * mp.sqrt(p * (1 - p))))
            assert abs(odds / (1 + odds) - after) < mpf(10) ** -38
    (row, *_) = quick_rows("L.convergence")
    assert row.note.startswith("exact: h(1/10) = 1/2, h(1/2) = 1/10")
    assert isclose(row.parameters["beta"], 2 / (3 * log(3)))
    # From p_ref itself it converges: about another start the claim says nothing.
    assert row.verdict == "assumption unmet"


def test_numbers_outside_the_whole_cycle_are_refused():
    """No rational image: an error, not a rounded number."""
    for p in (Fraction(1, 3), Fraction(4, 5)):
        with pytest.raises(ArithmeticError, match=f"p = {p}"):
            literature_convergence.image_in_whole_numbers(p)


def test_convergence_is_refuted_with_certificates_only(monkeypatch):
    """Every cell has one, of either kind; without those of cycles, such cells are inconclusive."""
    rows = quick_rows("L.convergence")[1:]
    assert {row.verdict for row in rows} == {"holds", "refuted"}
    assert {row.evidence for row in rows} == {"certified"}
    monkeypatch.setattr(convergence, "trap", lambda model, path: None)
    rows = literature_convergence.rows(Scope("quick"), {})[1:]
    assert {row.verdict for row in rows} == {"holds", "inconclusive"}


def test_no_penalty_is_safe():
    """A pair that cycles below beta = 1, by its own iterates at 40 digits; smaller ones too."""
    with mp.workdps(40):
        p_ref, beta, eps = mpf(1) / 10**4, mpf(1) / 2, mpf(1) / 20
        start = p = mp.log(p_ref / (1 - p_ref))
        for _ in range(1000):
            p = start + _gain(p, beta, eps)
        ends = sorted(1 / (1 + mp.exp(-x)) for x in (p, start + _gain(p, beta, eps)))
    assert [round(float(x), 4) for x in ends] == [0.0045, 0.3452]
    rows = quick_rows("L.convergence")
    cycles = {r.parameters["beta"]: r for r in rows if r.verdict == "refuted"}
    assert cycles[0.5].parameters == {"reference": 1e-4, "beta": 0.5, "eps": 0.05}
    assert cycles[0.5].observed == pytest.approx(float(ends[1] - ends[0]), rel=1e-9)
    assert min(cycles) < 0.05


def _gain(log_odds, beta, eps):
    chance = 1 / (1 + mp.exp(-log_odds))
    return 1 / (beta * mp.sqrt(chance * (1 - chance) + eps))


def test_the_bandit_in_another_way():
    """Both answers listed: the best baseline leaves no variance at all."""
    p = Fraction(3, 4)
    (row,) = (r for r in quick_rows("L.baseline") if r.instance == "bandit")
    score = {1: (1 - p, p - 1), 0: (-p, p)}

    def error(c):
        values = {r: [(r - c) * s for s in score[r]] for r in (0, 1)}
        mean = [p * a + (1 - p) * b for a, b in zip(values[1], values[0], strict=True)]
        spread = [
            p * (a - m) ** 2 + (1 - p) * (b - m) ** 2
            for a, b, m in zip(values[1], values[0], mean, strict=True)
        ]
        return sum(spread)

    assert (row.observed, row.bound) == (error(p), error(1 - p)) == (3 / 32, 0)
    assert row.note == "exact: 3/32 with the value 3/4 as baseline, 0 with 1/4"
    assert (row.verdict, row.evidence) == ("refuted", "certified")


def test_pairs_agree_with_the_group_law():
    """G = 2 in rational arithmetic against float64."""
    rows = correlation_pairs.rows(Scope("quick"), {})
    correlations = correlation_limit.exact_correlations(BITS, 2)["componentwise_normalized"][0]
    np.testing.assert_allclose(correlations**2, [row.observed for row in rows], rtol=1e-12)
    assert {row.evidence for row in rows} == {"certified"}


def test_gradient_ascent_can_disagree(monkeypatch):
    """A recurrence that is off by a thousandth in log-odds is outside Pinsker's bound."""
    spec, true = named("conflict", components=1, start=-1.0), iterates._amplify
    assert {row.verdict for row in iterates.ascent_rows(spec, 0.5, 1e-4)} == {"holds"}
    monkeypatch.setattr(iterates, "_amplify", lambda *numbers: true(*numbers) + 1e-3)
    # Of the first prompt; the second is so near to certain success that p hardly moves.
    assert iterates.ascent_rows(spec, 0.5, 1e-4)[0].verdict == "refuted"
