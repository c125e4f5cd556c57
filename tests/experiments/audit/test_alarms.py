"""False alarms of sampled verdicts: counted, and the count can fail."""

import numpy as np
import pytest
from scipy import stats

from grpo_checks.experiments.audit.alarms import boundary, counts
from grpo_checks.experiments.audit.alarms.boundary import (
    boundary_levels,
    excluding,
    frequency_alarms,
    mean_limits,
    sharp_alarms,
)
from grpo_checks.experiments.audit.alarms.counts import SHARP_LEVEL, count_alarms
from grpo_checks.experiments.claims.catalogue import find
from grpo_checks.experiments.claims.stationarity import rate as t1_rate
from grpo_checks.experiments.models.instances import named
from grpo_checks.experiments.protocol.claim import Scope
from grpo_checks.experiments.runs import slopes

SMALL = Scope("quick", named("conflict", components=1))


@pytest.fixture(scope="module")
def results():
    """Ten reseeded runs of one cell of T1.rate: a single compilation."""
    kept = []
    original = boundary_levels

    def keep(observed, level):
        kept.extend(observed)
        return original(observed, level)

    patch = pytest.MonkeyPatch()
    patch.setattr(counts, "boundary_levels", keep)
    cells = t1_rate.grid(SMALL)[:1]
    patch.setattr(t1_rate, "grid", lambda scope: cells)
    # Runs are shorter, as many as ever.
    patch.setitem(slopes.LENGTHS["reward"], "quick", (10, 100))
    patch.setattr(boundary, "N_STEPS", 4)
    counted = count_alarms(find("T1.rate"), SMALL, 10)
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
    monkeypatch.setattr(boundary.np, "mean", lambda x, **k: 0.8 * np.asarray(x).mean(**k))
    levels = boundary_levels(every, SHARP_LEVEL)
    monkeypatch.undo()
    refuted, holds = sharp_alarms(levels, SHARP_LEVEL)
    assert (refuted, holds) == (10, 0)


def test_slopes_alarm_at_their_level(results):
    """Limits around the slope of all runs."""
    assert results[0].slope_alarms <= stats.binom.isf(1e-3, 10, SHARP_LEVEL)


def test_races_alarm_at_their_level(results):
    """Limits around the mean of all; around a mean half the reach off they all alarm."""
    assert max(results[0].race_alarms, results[0].races_refuted) <= 1
    parts = 0.1 * np.random.default_rng(0).normal(size=(5, 512)).clip(-9, 9)
    limits = mean_limits(parts, SHARP_LEVEL, 1.0)
    assert (excluding(0.0, limits), excluding(0.5, limits)) == (0, 5)


def test_frequencies_alarm_at_their_level():
    """An exact sum below the level, and near it, since counts are many; against draws."""
    refuted, holds = frequency_alarms(2000, 0.05, SHARP_LEVEL)
    assert 0.8 * SHARP_LEVEL < min(refuted, holds) <= max(refuted, holds) <= SHARP_LEVEL
    drawn = np.random.default_rng(0).binomial(2000, 0.05, 20_000)
    ends = [stats.binomtest(int(k), 2000).proportion_ci(0.9, "exact") for k in range(60, 141)]
    low = np.array([e.low for e in ends])[np.clip(drawn, 60, 140) - 60]
    share = (low > 0.05).mean()
    assert abs(share - refuted) < 5 * np.sqrt(SHARP_LEVEL / 20_000)


def test_alarms_of_other_claims_are_refused():
    """Only those on the runs of T1.rate."""
    with pytest.raises(ValueError, match=r"claim = 'T2\.gap'"):
        count_alarms(find("T2.gap"), SMALL, 1)
