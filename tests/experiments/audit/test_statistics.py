"""Sampled cells: decided by Holm, their power as planned, their false alarms counted."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from grpo_checks.experiments.audit import alarms
from grpo_checks.experiments.audit.alarms import (
    boundary_levels,
    count_alarms,
    sharp_alarms,
    slope_alarms,
)
from grpo_checks.experiments.audit.power import power, sampled, seeds_needed, smallest_excess
from grpo_checks.experiments.claims.catalogue import find
from grpo_checks.experiments.claims.stationarity import rate as t1_rate
from grpo_checks.experiments.ledger.ledger import PAPER
from grpo_checks.experiments.models.instances import named
from grpo_checks.experiments.protocol.claim import FAMILY_WISE_ERROR, Levels, Row, Scope
from grpo_checks.experiments.runs.judging import settled
from grpo_checks.theory.convergence.confidence import lower_limit

SMALL = Scope("quick", named("conflict", components=1))


def _row(verdict, levels):
    return Row("T", "i", {"seeds": 9}, 0.5, 0.4, 0.6, 0.55, verdict, levels=levels)


def test_holm_settles_what_simultaneous_limits_leave_open():
    """Three certain cells leave the whole level to the fourth, in either direction."""
    sure, open_ = _row("holds", Levels(1e-9, 1.0)), Levels(0.0009, 1.0)
    assert [r.verdict for r in settled([sure] * 3 + [_row("inconclusive", open_)])] == ["holds"] * 4
    weak = settled([sure] * 3 + [_row("inconclusive", open_._replace(weak=True))])
    assert weak[-1].verdict == "vacuous"
    false = _row("refuted", Levels(1.0, 1e-9))
    more = settled([false, _row("inconclusive", Levels(1.0, 0.0009))])
    assert [row.verdict for row in more] == ["refuted"] * 2
    still = settled([_row("inconclusive", Levels(1.0, 0.0009)), _row("holds", Levels(1e-9, 1.0))])
    assert still[0].verdict == "inconclusive"
    assert settled([_row("inconclusive", None)])[0].verdict == "inconclusive"


@pytest.mark.parametrize("cells", [1, 3])
@pytest.mark.parametrize("direction", ["holds", "refuted"])
def test_holm_settles_at_its_level_alone(direction, cells):
    """Alone a cell needs the level of the claim, of several open ones the first its share of it."""
    for share, verdict in ((0.9, direction), (1.1, "inconclusive"), (9.0, "inconclusive")):
        level = share * FAMILY_WISE_ERROR / cells
        levels = Levels(**{"holds": 1.0, "refuted": 1.0, direction: level})
        others = [_row("inconclusive", Levels(1.0, 1.0))] * (cells - 1)
        assert settled([*others, _row("inconclusive", levels)])[-1].verdict == verdict


@pytest.mark.parametrize("verdict", ["holds", "refuted", "vacuous", "assumption unmet"])
def test_holm_leaves_what_is_decided(verdict):
    """Levels change nothing where limits decide; those of both directions decide nothing."""
    for levels in (Levels(1e-9, 1.0), Levels(1.0, 1e-9), Levels(1e-9, 1e-9)):
        (row,) = settled([_row(verdict, levels)])
        assert (row.verdict, row.note) == (verdict, "")
    assert settled([_row("inconclusive", Levels(1e-9, 1e-9))])[0].verdict == "inconclusive"


def test_what_stays_open_says_its_price():
    """Half-width 0.1 at 9 seeds, slack 0.05: four times as many; a window by its nearer edge."""
    levels = Levels(1.0, 1.0)
    (row,) = settled([_row("inconclusive", levels)])
    assert row.note == "about 36 seeds would settle it"
    (near,) = settled([replace(_row("inconclusive", levels), extra={"window_low": 0.475})])
    assert near.note == "about 144 seeds would settle it"
    (edge,) = settled([replace(_row("inconclusive", levels), observed=0.55, note="why")])
    assert edge.note == "why; no practical number of seeds would settle it"


def test_power_is_what_the_table_says():
    """A scaled Beta law at the smallest excess is found in at least 90 % of the draws; at a third
    of it in fewer than half, so that the figure is not an empty promise."""
    rng, seeds, bound, cells = np.random.default_rng(1), 256, 0.3, 4
    level = FAMILY_WISE_ERROR / cells
    draw = lambda mean, n: mean * rng.beta(8, 24, (n, seeds)) / 0.25  # noqa: E731
    (sample,) = draw(0.1, 1)
    lower = lower_limit(sample, level, 0.0, 2.0)
    cell = {"observed": sample.mean(), "lower": lower, "bound": bound, "seeds": seeds}
    (excess,) = smallest_excess(pd.DataFrame([cell]), level)
    for factor, least, most in ((1.0, 0.9, 1.0), (1 / 3, 0.0, 0.5)):
        every = draw(bound * (1 + factor * excess), 150)
        total = sum(lower_limit(x, level, 0.0, 2.0) > bound for x in every)
        assert total >= stats.binom.ppf(1e-4, 150, least)
        assert total <= stats.binom.isf(1e-4, 150, most)
    (needed,) = seeds_needed(pd.DataFrame([cell]), level, excess)
    assert needed == pytest.approx(seeds, abs=1)


def test_power_of_the_stored_rows():
    """Every claim with seeds and limits is in the table; fewer seeds find less."""
    rows = pd.read_csv(PAPER / "rows.csv", low_memory=False)
    table = power(rows)
    assert {"T1.rate", "T1.path", "T1.slope", "T2.potential"} <= set(table["claim"])
    cells = sampled(rows[rows["claim"] == "T1.rate"])
    every = {x: seeds_needed(cells, 1e-5, x) for x in (0.1, 0.01)}
    assert (every[0.01] > 50 * every[0.1]).all()


@pytest.fixture(scope="module")
def results():
    """Ten reseeded runs of one cell of T1.rate: a single compilation."""
    kept = []
    original = alarms.boundary_levels

    def keep(observed):
        kept.extend(observed)
        return original(observed)

    patch = pytest.MonkeyPatch()
    patch.setattr(alarms, "boundary_levels", keep)
    cells = t1_rate.grid(SMALL)[:1]
    patch.setattr(t1_rate, "grid", lambda scope: cells)
    counted = count_alarms(find("T1.rate"), SMALL, 10, FAMILY_WISE_ERROR)
    patch.undo()
    return counted, kept


def test_alarms_are_within_their_level(results):
    """At the level of the claim and at its boundary; other seeds give other numbers."""
    counted, every = results
    assert counted.within_level
    assert counted.as_json()["runs"] == 10
    means = [np.mean(next(iter(one.values()))["squared_gradient"]) for one in every]
    assert len(set(means)) == 10


def test_the_count_can_fail(results, monkeypatch):
    """With a truth that is off by a fifth every run alarms."""
    _, every = results
    monkeypatch.setattr(alarms.np, "mean", lambda x, **k: 0.8 * np.asarray(x).mean(**k))
    levels = boundary_levels(every)
    monkeypatch.undo()
    refuted, holds = sharp_alarms(levels, alarms.SHARP_LEVEL)
    assert (refuted, holds) == (10, 0)


def test_slopes_alarm_at_their_level():
    """Limits around the slope of all runs."""
    assert slope_alarms(10) <= stats.binom.isf(1e-3, 10, alarms.SHARP_LEVEL)


def test_alarms_of_other_claims_are_refused():
    """Only those on the runs of T1.rate."""
    with pytest.raises(ValueError, match=r"claim = 'T2\.gap'"):
        count_alarms(find("T2.gap"), SMALL, 1, FAMILY_WISE_ERROR)
