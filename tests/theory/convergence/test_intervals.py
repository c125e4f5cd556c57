"""Confidence limits: their error, by exact sums over all samples, and their size."""

from functools import cache
from itertools import product

import numpy as np
import pytest
from scipy.stats import binom, multinomial

from grpo_checks.theory.convergence.confidence import (
    DRIFT_BETS,
    drift_penalty,
    drift_upper_limit,
    lower_limit,
    samples_needed,
    upper_limit,
)

SIZES = [5, 20, 64]
LEVELS = [0.05, 0.001]
# Where a limit just misses: the chance of missing jumps as p passes one of the limits.
CHANCES = [0.003, 0.02, 0.1, 0.3, 0.5, 0.8, 0.97]
BAD = float("nan")


@cache
def _limits(n, level):
    """The upper limit for each number k of ones among n."""
    return np.array(
        [upper_limit(np.repeat([1.0, 0.0], [k, n - k]), level, 0.0, 1.0) for k in range(n + 1)]
    )


def _misses(limits, p):
    """P(limit < p) for a Bernoulli(p) sample, exactly."""
    n = len(limits) - 1
    return binom.pmf(np.arange(n + 1), n, p)[limits < p].sum()


def _worst(limits):
    """The largest chance of missing: it is reached just above one of the limits."""
    ps = np.concatenate([CHANCES, limits[limits < 1] + 1e-9])
    return max(_misses(limits, p) for p in ps)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("n", SIZES)
def test_upper_limit_covers(n, level):
    """At most ``level``, for every p: no asymptotics."""
    limits = _limits(n, level)
    assert _worst(limits) <= level
    assert (np.diff(limits) >= 0).all()


def test_too_high_a_level_is_caught():
    """The check of coverage can fail: at twenty times the level, and already at ten times it."""
    for n, factor in product(SIZES, (10, 20)):
        assert _worst(_limits(n, factor * 0.001)) > 0.001


@pytest.mark.parametrize("law", [(0.05, 0.9, 0.05), (0.2, 0.3, 0.5), (0.5, 0.45, 0.05)])
def test_upper_limit_covers_three_values(law):
    """Bernoulli samples are not known to be the worst: sum over the counts of 0, 1/2 and 1."""
    n, mean, missed = 20, law[1] / 2 + law[2], 0.0
    for zeros, halves in product(range(n + 1), repeat=2):
        if (ones := n - zeros - halves) >= 0:
            counts = [zeros, halves, ones]
            sample = np.repeat([0.0, 0.5, 1.0], counts)
            missed += multinomial.pmf(counts, n, law) * (upper_limit(sample, 0.05, 0.0, 1.0) < mean)
    assert 0 < missed <= 0.05


@pytest.mark.parametrize(("low", "width"), [(0.0, 3.0), (-5.0, 0.25), (2.0, 1e-6), (-1e4, 1e5)])
def test_range_only_scales(low, width):
    """A claim's units must not decide it."""
    sample = np.random.default_rng(0).beta(2, 3, 30)
    for limit in (upper_limit, lower_limit):
        scaled = limit(low + width * sample, 0.01, low, low + width)
        expected = low + width * limit(sample, 0.01, 0.0, 1.0)
        np.testing.assert_allclose((scaled - expected) / width, 0, atol=1e-9)


def test_limits_enclose_the_sample_mean():
    """Also in samples of one, constant ones, and ones that touch the ends of the range."""
    rng = np.random.default_rng(1)
    for sample in [*rng.random((20, 7)), np.ones(1), np.zeros(3), np.full(9, 0.3), np.eye(9)[0]]:
        low, high = lower_limit(sample, 0.05, 0.0, 1.0), upper_limit(sample, 0.05, 0.0, 1.0)
        assert 0 <= low <= sample.mean() <= high <= 1
        assert high - low > 0.1
        assert lower_limit(1 - sample, 0.05, 0.0, 1.0) == pytest.approx(1 - high, abs=1e-9)
        assert upper_limit(sample, 0.001, 0.0, 1.0) >= high
    assert upper_limit(np.ones(50), 0.05, 0.0, 1.0) == 1
    assert upper_limit(np.full(5, 0.7), 0.05, 0.7, 0.7) == 0.7


def test_limit_adapts_to_the_variance():
    """In low-variance samples it approaches the mean as 1/n, where Hoeffding's does as 1/sqrt n."""
    excess = [
        upper_limit(np.tile([0.49, 0.51], n // 2), 0.05, 0.0, 1.0) - 0.5 for n in (10, 100, 1000)
    ]
    assert excess[0] > 5 * excess[1] > 25 * excess[2]
    assert 0 < excess[2] < np.sqrt(np.log(20) / 2000) / 10


def _drifting(n, after_zero, after_one):
    """P(i ones before the last step, the one before it is j) of a chain that starts at 0."""
    law = np.zeros((n + 1, 2))
    law[0, 0] = 1
    chance = np.array([after_zero, after_one])
    for _ in range(n - 1):
        following = np.zeros_like(law)
        following[1:, 1] = (law @ chance)[:-1]
        following[:, 0] = law @ (1 - chance)
        law = following
    return law


def _drift_misses(n, chance, level, penalty):
    """P(limit < average conditional mean), exactly; the means depend on what came before."""
    law, missed = _drifting(n, *chance), 0.0
    for ones, last, now in product(range(n), (0, 1), (0, 1)):
        average = chance[0] + (chance[1] - chance[0]) * ones / n
        k = ones + now
        limit = drift_upper_limit(n, float(k), float(penalty * k), level, 1.0)
        p = chance[last] if now else 1 - chance[last]
        missed += law[ones, last] * p * (limit < average)
    return missed


@pytest.mark.parametrize("chance", [(0.1, 0.3), (0.3, 0.1), (0.5, 0.5)])
def test_drift_limit_covers_dependent_steps(chance):
    """Steps of one run are neither independent nor alike; without its penalty the limit fails."""
    assert 0 < _drift_misses(200, chance, 0.05, 1) <= 0.05
    assert _drift_misses(200, chance, 0.05, 0) > 0.05


def test_the_penalty_of_a_step_is_the_smallest():
    """exp(-b y - penalty) <= 1 - b y for all y <= 1, equal at 1: no bet gains by expectation."""
    for y in (*np.linspace(-50, 1, 400), 1e-3, -1e-3):
        assert (
            np.exp(-DRIFT_BETS * y - drift_penalty(y**2, 1.0)) <= 1 - DRIFT_BETS * y + 1e-14
        ).all()
    largest = 3.0
    np.testing.assert_allclose(
        np.exp(-DRIFT_BETS - drift_penalty(largest**2, largest)), 1 - DRIFT_BETS, rtol=1e-12
    )


def test_drift_limit_scales_and_tightens():
    """In units of the largest value; with many steps it is close to the mean."""
    plain = drift_upper_limit(400, 100.0, 100.0, 0.01, 1.0)
    assert drift_upper_limit(400, 700.0, 4900.0, 0.01, 7.0) == pytest.approx(7 * plain)
    assert 0.25 < plain < 0.4
    assert 0.25 < drift_upper_limit(40_000, 10_000.0, 10_000.0, 0.01, 1.0) < 0.27


@pytest.mark.parametrize(("p", "slack"), [(0.1, 0.05), (0.5, 0.1), (0.01, 0.01), (0.9, 0.05)])
def test_planned_samples_suffice_and_half_do_not(p, slack):
    """A plan that is far off wastes runs, or leaves a cell inconclusive."""
    n = samples_needed(slack, np.sqrt(p * (1 - p)), 1 - p, 0.001)
    for size, low, high in ((n, 0.5, 1.1), (n // 2, 1.0, 2.0)):
        k = round(p * size)
        excess = upper_limit(np.repeat([1.0, 0.0], [k, size - k]), 0.001, 0.0, 1.0) - k / size
        assert low < excess / slack < high


@pytest.mark.parametrize(
    ("limit", "arguments", "named"),
    [
        (upper_limit, (np.array([0.5, 1.5]), 0.05, 0.0, 1.0), r"in \[0.5, 1.5\]"),
        (upper_limit, (np.array([-2.0]), 0.05, 0.0, 1.0), r"in \[-2.0, -2.0\]"),
        (lower_limit, (np.array([2.0]), 0.05, 0.0, 1.0), r"in \[2.0, 2.0\].*in \[0.0, 1.0\]"),
        (upper_limit, (np.array([0.5, BAD]), 0.05, 0.0, 1.0), "nan"),
        (upper_limit, (np.array([]), 0.05, 0.0, 1.0), "sample = 0 values"),
        (upper_limit, (np.array([0.5]), 0.0, 0.0, 1.0), "level = 0.0"),
        (upper_limit, (np.array([0.5]), 1.0, 0.0, 1.0), "level = 1.0"),
        (lower_limit, (np.array([0.5]), BAD, 0.0, 1.0), "level = nan"),
        (upper_limit, (np.array([0.5]), 0.05, 0.0, np.inf), "inf"),
        (drift_upper_limit, (0, 0.0, 0.0, 0.05, 1.0), "count = 0"),
        (drift_upper_limit, (5, 1.0, 1.0, 0.05, 0.0), "largest = 0.0"),
        (drift_upper_limit, (5, 1.0, 1.0, 1.5, 1.0), "level = 1.5"),
        (drift_upper_limit, (5, BAD, 1.0, 0.05, 1.0), "total = nan"),
        (samples_needed, (0.0, 1.0, 1.0, 0.05), "slack = 0.0"),
    ],
)
def test_bad_input_is_named(limit, arguments, named):
    """A limit of nonsense would be compared with a bound, and decide a claim."""
    with pytest.raises(ValueError, match=named):
        limit(*arguments)
