"""Error levels are the limits inverted, and Holm's test keeps its level."""

from itertools import product

import numpy as np
import pytest
from scipy import stats

from grpo_checks.theory.convergence.confidence import drift_upper_limit, lower_limit, upper_limit
from grpo_checks.theory.convergence.error_levels import (
    attained,
    drift_level,
    holm,
    lower_level,
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
    assert level <= by_root * (1 + 1e-9) <= 1.0101 * level
    if level < 1:
        assert upper_limit(sample, level, -1.0, 2.0) == pytest.approx(bound, abs=1e-9)
    below = sample.mean() - shift
    if below > -1:
        mirrored = attained(lambda a: -lower_limit(sample, a, -1.0, 2.0), -below)
        observed = lower_level(sample, below, -1.0, 2.0)
        assert observed <= mirrored * (1 + 1e-9) <= 1.0101 * observed


@pytest.mark.parametrize("bound", [0.02, 0.1, 0.4])
def test_drift_level_is_the_limit_inverted(bound):
    """As above, for dependent steps."""
    numbers = (1000, 10.0, 60.0)
    level = drift_level(*numbers, bound, 1.0)
    by_root = attained(lambda a: drift_upper_limit(*numbers, a, 1.0), bound)
    assert level <= by_root * (1 + 1e-9) <= 1.0101 * level
    assert drift_level(*numbers, 0.005, 1.0) == 1


def test_edges():
    """No sample decides on the wrong side of its mean; the range itself needs no sample."""
    sample = np.array([0.2, 0.4])
    assert upper_level(sample, 0.25, 0.0, 1.0) == 1
    assert upper_level(sample, 1.0, 0.0, 1.0) == 0
    assert attained(lambda a: 2.0, 1.0) == 1


RARE, SEEDS, NOMINAL = 0.001, 1024, 2.4e-5


def _rare(level_of):
    """P(level <= a) for a = 2.4e-5, .001, .05: exactly, a sample being its number of ones."""
    counts = np.arange(12)
    chance = stats.binom.pmf(counts, SEEDS, RARE)
    rest = 1 - chance.sum()
    values = np.array([level_of(np.repeat([1.0, 0.0], [k, SEEDS - k])) for k in counts])
    return {a: chance[values <= a].sum() + rest for a in (NOMINAL, 0.001, 0.05)}


def _drift(sample, bound):
    return drift_level(SEEDS, sample.sum(), np.square(sample).sum(), bound, 1.0)


@pytest.mark.parametrize(
    "level_of",
    [
        lambda x: upper_level(x, RARE, 0.0, 1.0),
        lambda x: lower_level(x, RARE, 0.0, 1.0),
        lambda x: upper_level(-2 * x, -2 * RARE, -2.0, 2.0),
        lambda x: _drift(x, RARE),
        lambda x: attained(lambda a: upper_limit(x, a, 0.0, 1.0), RARE),
    ],
    ids=["upper", "lower", "a difference", "drift", "by root"],
)
def test_rare_events_do_not_deceive(level_of):
    """1024 seeds, success with chance .001: a level of at most a has chance at most a.

    All seeds agree in .359 of the samples. A constant sample has no error by Student's formula.
    """
    for a, chance in _rare(level_of).items():
        assert chance <= a


def test_the_count_of_deceptions_can_fail():
    """Student's level of the same samples, with 0 for a constant one, as it was used once."""

    def student(x):
        error = x.std(ddof=1) / np.sqrt(x.size)
        return stats.t.sf((RARE - x.mean()) / error, x.size - 1) if error else 0.0

    assert _rare(student)[NOMINAL] == pytest.approx(0.359, abs=5e-4)


def test_a_constant_sample_decides_little():
    """No success in n seeds: below a bound q with a level of at least (1 - q)^n, never 0."""
    for bound, n in ((0.001, 1024), (0.01, 1024), (0.3, 20)):
        assert upper_level(np.zeros(n), bound, 0.0, 1.0) >= (1 - bound) ** n
        assert lower_level(np.ones(n), 1 - bound, 0.0, 1.0) >= (1 - bound) ** n


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
    values = np.array([holm(list(row), 0.05) for row in draws])
    assert values[:, :3].any(1).sum() <= stats.binom.isf(1e-4, len(draws), 0.05)
    assert values[:, :3].any(1).mean() > 0.02
    assert values.sum() > (draws <= 0.01).sum()
