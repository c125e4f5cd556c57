"""Error levels are the limits inverted, and Holm's test keeps its level."""

from itertools import product

import numpy as np
import pytest
from scipy import stats

from theory.intervals import drift_upper_limit, lower_limit, upper_limit
from theory.levels import (
    attained,
    drift_level,
    holm,
    lower_level,
    student_level,
    upper_level,
)

RNG = np.random.default_rng(0)
SAMPLES = [RNG.beta(2, 8, 60) * 3 - 1, RNG.uniform(-1, 2, 20), np.full(12, 0.25)]


@pytest.mark.parametrize("sample", SAMPLES)
@pytest.mark.parametrize("shift", [0.05, 0.3, 1.0])
def test_levels_are_the_limits_inverted(sample, shift):
    """In closed form and by root finding; the limit at that level is the bound."""
    bound = sample.mean() + shift
    level = upper_level(sample, bound, -1.0, 2.0)
    by_root = attained(lambda a: upper_limit(sample, a, -1.0, 2.0), bound)
    assert level == pytest.approx(by_root, rel=1e-5)
    if level < 1:
        assert upper_limit(sample, level, -1.0, 2.0) == pytest.approx(bound, abs=1e-9)
    below = sample.mean() - shift
    if below > -1:
        mirrored = attained(lambda a: -lower_limit(sample, a, -1.0, 2.0), -below)
        assert lower_level(sample, below, -1.0, 2.0) == pytest.approx(mirrored, rel=1e-5)


@pytest.mark.parametrize("bound", [0.02, 0.1, 0.4])
def test_drift_level_is_the_limit_inverted(bound):
    """As above, for dependent steps."""
    numbers = (1000, 10.0, 60.0)
    level = drift_level(*numbers, bound, 1.0)
    by_root = attained(lambda a: drift_upper_limit(*numbers, a, 1.0), bound)
    assert level == pytest.approx(by_root, rel=1e-5)
    assert drift_level(*numbers, 0.005, 1.0) == 1


def test_edges():
    """No sample decides on the wrong side of its mean; the range itself needs no sample."""
    sample = np.array([0.2, 0.4])
    assert upper_level(sample, 0.25, 0.0, 1.0) == 1
    assert upper_level(sample, 1.0, 0.0, 1.0) == 0
    assert attained(lambda a: 2.0, 1.0) == 1
    assert student_level(0.0, 0.0, 5) == 1
    assert student_level(1.0, 0.0, 5) == 0
    assert student_level(2.0, 1.0, 31) == pytest.approx(stats.t.sf(2.0, 31))


def test_holm_by_hand_and_against_its_closure():
    """The textbook example, and the closed test of all subsets by Bonferroni."""
    assert holm([0.01, 0.04, 0.03, 0.005], 0.05) == [True, False, False, True]
    assert holm([], 0.05) == []
    for levels in RNG.uniform(0, 0.06, (200, 4)):
        subsets = [s for s in product((False, True), repeat=4) if any(s)]
        local = {s: min(levels[list(s)]) <= 0.05 / sum(s) for s in subsets}
        closed = [all(ok for s, ok in local.items() if s[i]) for i in range(4)]
        assert holm(list(levels), 0.05) == closed


def test_holm_keeps_its_level_and_beats_bonferroni():
    """Three true and two false hypotheses: any true one is rejected in at most 5 % of the draws."""
    draws = RNG.uniform(size=(4000, 5))
    draws[:, 3:] = stats.norm.sf(stats.norm.isf(draws[:, 3:]) + 2.5)
    found = np.array([holm(list(row), 0.05) for row in draws])
    assert found[:, :3].any(1).sum() <= stats.binom.isf(1e-4, len(draws), 0.05)
    assert found[:, :3].any(1).mean() > 0.02
    assert found.sum() > (draws <= 0.01).sum()
