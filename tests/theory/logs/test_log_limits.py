"""Limits hold their level, ratios are those of NumPy, trends are seen and not invented."""

from math import log

import numpy as np
import pytest

from grpo_checks.theory.convergence.confidence import DRIFT_BETS
from grpo_checks.theory.logs import drift, in_advantage
from grpo_checks.theory.logs.groups import grouped
from grpo_checks.theory.logs.limits import mean_estimate

EXACT = 1e-12
"""Sums of at most 1,000 products of numbers up to 1, in float64: 1,000 eps, and a margin of 4."""


def test_limits_of_the_mean_hold_their_level_under_a_moving_policy():
    """2,000 adapted sequences whose chance follows their past: at most 5 % are missed.

    Bin(2,000, .05) exceeds 131 with a chance below 1e-3; the limits are no wider than five times
    the standard error.
    """
    rng, missed = np.random.default_rng(1), 0
    n, width = 200, []
    chance, x = np.full(2000, 0.3), np.zeros((2000, n))
    target = np.zeros(2000)
    for i in range(n):
        x[:, i] = rng.random(2000) < chance
        target += chance / n
        chance = np.clip(chance + 0.02 * (2 * x[:, i] - 1), 0.05, 0.95)
    for row, truth in zip(x, target, strict=True):
        answer = mean_estimate(row)
        missed += not answer.low <= truth <= answer.high
        width.append(answer.high - answer.low)
    assert missed <= 131
    assert np.mean(width) < 10 * 0.5 / np.sqrt(n)


def test_limits_by_their_definition():
    """Loops over values and bets: mean c + min over b of (mean y + (ln(30/.025)/b + (-ln(1-b)-b)/b
    sum y^2)/n), y = x - c, c the mean of 1/2 and what came before."""
    x = np.random.default_rng(2).random(40)
    centre = [(0.5 + x[:i].sum()) / (i + 1) for i in range(40)]
    y = [a - c for a, c in zip(x, centre, strict=True)]
    ends = []
    for sign in (1, -1):
        best = min(
            sign * sum(y) / 40
            + (log(len(DRIFT_BETS) / 0.025) + (-log(1 - b) - b) * sum(v * v for v in y)) / (40 * b)
            for b in map(float, DRIFT_BETS)
        )
        ends.append(sum(centre) / 40 + sign * best)
    answer = mean_estimate(x)
    assert answer.high == pytest.approx(min(1, ends[0]), rel=1e-12)
    assert answer.low == pytest.approx(max(0, ends[1]), rel=1e-12)


def _parts(groups, values):
    return np.split(values, groups.starts[1:])


def test_correlations_by_numpy():
    """Of rows less their group's mean; shares add up to 1."""
    rewards = np.random.default_rng(5).integers(0, 2, (180, 3)).astype(float)
    groups = grouped(rewards, np.array([1.0, 0.5, 0.5]), np.repeat(np.arange(30), 6))
    advantages = groups.composite - np.repeat([p.mean() for p in _parts(groups, groups.composite)],
                                              groups.sizes)  # fmt: skip
    answer = in_advantage.listened(groups, advantages)
    assert sum(a.share.value for a in answer) == pytest.approx(1, abs=EXACT)
    for k, a in enumerate(answer):
        r = np.concatenate([p - p.mean() for p in _parts(groups, groups.rewards[:, k])])
        expected = np.corrcoef(r, advantages)[0, 1]
        assert a.correlation.value == pytest.approx(expected, abs=EXACT)
        assert a.correlation.low < expected < a.correlation.high


def test_jackknife_of_a_mean_is_the_usual_error():
    """For a ratio that is a mean the limits are Student's."""
    x = np.random.default_rng(0).normal(1, 2, 50)
    answer = in_advantage.jackknifed(np.stack([x, np.ones(50)], 1), lambda s: s[..., 0] / s[..., 1])
    # The quantile t(.975, 49), from a table.
    assert answer.high - answer.value == pytest.approx(2.00958 * x.std(ddof=1) / 50**0.5, rel=1e-5)


def test_trend_holds_its_level_and_sees_a_trend():
    """p-values under no trend are at least uniform: 200 runs, Bin(200, .05) > 21 has 1e-3."""
    rng, step = np.random.default_rng(0), np.repeat(np.arange(10), 6)
    p = [drift.trend(rng.random(60), step, seed).p_value for seed in range(200)]
    assert sum(x <= 0.05 for x in p) <= 21
    moved = drift.trend(step / 10 + 0.1 * rng.random(60), step)
    assert moved.p_value == 1 / 1000
    assert moved.slope == pytest.approx(0.9, abs=0.05)
    many = np.tile(np.arange(10), 1000)
    assert drift.trend(many * 0.01 + rng.random(10_000), many).p_value < 1e-6
    assert drift.trend(np.ones(9), np.arange(9)) == (0.0, 1.0)
