"""T2.benefit: rows that could come out either way, and no step that is taken from e."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from helpers.choice_instance import four_answers

from grpo_checks.experiments.claims.benefit.claim import CLAIM, map_row, step_row
from grpo_checks.experiments.claims.benefit.map import Benefit, measure
from grpo_checks.experiments.claims.benefit.races import Race, race
from grpo_checks.experiments.claims.benefit.rows import N_STEPS, race_row, start
from grpo_checks.experiments.claims.catalogue import find
from grpo_checks.experiments.models.instances import named
from grpo_checks.experiments.points.decomposition.benefit import (
    ESTIMATORS,
    STATEMENT,
    STEPS,
    efficiencies,
    gains,
)
from grpo_checks.experiments.protocol.claim import Scope, overall
from grpo_checks.experiments.runs.judging import settled, unmet_rows
from grpo_checks.experiments.runs.tables import report
from grpo_checks.theory.arithmetic.enclose import enclose
from grpo_checks.theory.numbers.balls import ends

SPEC, SIZE = start(2, 0.75, 0.4, 1 / 3), 4
# The same policy: chances 4/20, 1/20, 10/20, 5/20 of (0,0), (0,1), (1,0), (1,1).
DOCUMENT = four_answers((4, 1, 10, 5))


def _race(sample, lead=0.01, turned_to=None):
    leads = np.full((2, N_STEPS + 1), lead)
    if turned_to is not None:
        leads[1, 5:] = turned_to
    return Race(np.asarray(sample), 2.0, leads, np.array([1.0, 1.0]), 1.0)


def _row(*args, **options):
    (row,) = settled([race_row(SPEC, SIZE, _race(*args, **options), 0.001)], 0.001)
    return row


RNG = np.random.default_rng(0)
CLEAR = RNG.normal(0.2, 0.05, 4096).clip(-2, 2)


@pytest.mark.parametrize(("sample", "expected"), [(CLEAR, "holds"), (-CLEAR, "refuted")])
def test_a_race_may_end_either_way(sample, expected):
    """Decomposed is ahead by e; then joint, of the mirrored race."""
    assert _row(sample).verdict == expected
    assert _row(-sample, lead=-0.01).verdict == expected


@pytest.mark.parametrize("sample", [CLEAR, -CLEAR, np.zeros(9)])
def test_the_assumption_is_checked_on_won_and_lost_races_alike(sample):
    """Where e turns a race says nothing, whoever won; nor does one without a favourite."""
    for row in (_row(sample, turned_to=-1e-9), _row(sample, turned_to=0.0), _row(sample, lead=0.0)):
        assert row.verdict == "assumption unmet"
    assert "from step 5 of 16" in _row(sample, turned_to=-1e-9).note


def test_what_seeds_do_not_settle_is_inconclusive():
    """Noise; a rare event that no seed met; differences too small for their range."""
    for sample in (RNG.normal(0, 0.3, 1024).clip(-2, 2), np.zeros(1024), np.full(1024, 0.001)):
        row = _row(sample)
        assert row.verdict == "inconclusive"
        assert "would settle it" in row.note
        assert min(row.levels[:2]) > 0.001
        assert row.lower < 0 < row.upper


def test_a_difference_of_j_has_its_range():
    """max J - min J = 2 on two components; both runs end inside."""
    outcome = race(start(2, 0.8, 0.5, 0.3), 2, 3, 16)
    assert outcome.reach == 2.0
    assert outcome.difference.shape == (16,)
    assert np.abs(outcome.difference).max() <= outcome.reach
    assert outcome.lead.shape == (2, 4)
    assert outcome.lead[0, 0] == pytest.approx(outcome.lead[1, 0], rel=1e-12)
    assert outcome.step == 1.0


def test_exact_numbers_agree_with_balls_within_their_rounding():
    """e and the gain at every step of the grid, against listed groups in ball arithmetic."""
    measured = measure([SPEC], SIZE)
    point = STATEMENT.domain.read({**DOCUMENT, "group_size": SIZE})
    e, gained = (enclose(lambda p, f=f: f(**p))(point) for f in (efficiencies, gains))
    off = 4 * float(measured.rounding[0]) * 2
    assert 0 < off < 1e-10
    for i in range(len(ESTIMATORS)):
        assert measured.efficiency[0, i] == pytest.approx(float(ends(e[i])[0]), abs=1e-13)
        assert measured.efficiency[0, i] <= measured.squared_gradient[0]
        for s in range(len(STEPS)):
            low, high = map(float, ends(gained[i, s]))
            assert low - off <= measured.gain[0, i, s] <= high + off


def _counted(benefit, specs):
    return Counter(map_row(s, 8, benefit, i).verdict for i, s in enumerate(specs))


def test_a_wrong_e_is_seen():
    """With a denominator times 3 one update is always ahead by e: no longer do all cells hold.

    When steps were taken from e they did. e itself ranks about half of the cells wrongly.
    """
    specs = [start(2, 0.8, r, c) for r in (1.0, 0.5, 0.2) for c in (-0.9, -0.3, 0.3, 0.9)]
    measured = measure(specs, 8)
    right = _counted(measured, specs)
    assert right["refuted"] >= 3
    assert right["holds"] >= 3
    for i in (0, 1):
        efficiency = measured.efficiency.copy()
        efficiency[:, i] /= 3
        assert _counted(measured._replace(efficiency=efficiency), specs)["refuted"] >= 1


def test_ties_are_no_evidence():
    """Of e, or of the gains, to within the rounding error."""
    ties = Benefit(
        efficiency=np.array([[0.1, 0.1 + 1e-15], [0.1, 0.2]]),
        squared_gradient=np.array([0.25, 0.25]),
        gain=np.array([[[0.1, 0.3], [0.1, 0.2]], [[0.1, 0.3], [0.3 + 1e-15, 0.2]]]),
        distinct=np.ones((2, 2)),
        rounding=np.full(2, 1e-13),
    )
    notes = [map_row(SPEC, SIZE, ties, i) for i in range(2)]
    assert [row.verdict for row in notes] == ["assumption unmet"] * 2
    assert "e is equal" in notes[0].note
    assert "tie" in notes[1].note


def test_equal_steps_speak_where_they_say_most_against_e():
    """The step at which the update that is ahead by e lags most; ties at some steps are none."""
    gains = np.array([[[0.1, 0.3, 0.5], [0.1, 0.2, 0.1]], [[0.1, 0.3, 0.5], [0.1, 0.4, 0.4]]])
    measured = Benefit(
        efficiency=np.array([[0.2, 0.1]] * 2),
        squared_gradient=np.full(2, 0.25),
        gain=gains,
        distinct=np.ones((2, 2)),
        rounding=np.full(2, 1e-13),
    )
    first, second = (step_row(SPEC, SIZE, measured, i) for i in range(2))
    assert (first.verdict, first.extra["as_e"], first.extra["against_e"]) == ("holds", 2, 0)
    assert (second.observed, second.bound, second.verdict) == (0.4, 0.3, "refuted")
    assert (second.extra["as_e"], second.extra["against_e"]) == (1, 1)


def test_one_model_may_agree_with_a_claim_that_is_false():
    """Asked of one model: exact rows only; no exit status of 1 because they hold there."""
    scope = Scope("quick", SPEC)
    row, equal = CLAIM.rows(scope, {})
    assert {row.verdict, equal.verdict} <= {"holds", "refuted"}
    assert row.rounding > 0
    for verdict in ("holds", "refuted"):
        tables = report([CLAIM], [[replace(row, verdict=verdict)]], on_model=True)
        assert tables.as_expected
    assert not report([CLAIM], [[replace(row, verdict="holds")]]).as_expected
    assert overall(["refuted", "holds"]) == CLAIM.expected


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        (named("coding", components=2), "expected one"),
        (start(4, 0.5, 1.0, 0.0), "too many to list"),
    ],
)
def test_models_without_an_exact_gain_are_not_judged(spec, why):
    """Several decisions, or too many groups."""
    (row,) = unmet_rows(find("T2.benefit"), Scope("quick", spec))
    assert row.verdict == "assumption unmet"
    assert why in row.note
