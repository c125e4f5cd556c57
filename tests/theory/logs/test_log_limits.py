"""Limits hold their level, ratios are those of NumPy, trends are seen and not invented."""

from fractions import Fraction
from math import comb, log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grpo_checks.theory.convergence.confidence import DRIFT_BETS
from grpo_checks.theory.estimators.response import coefficients
from grpo_checks.theory.logs import drift, in_advantage, moments, responses, silent
from grpo_checks.theory.logs.groups import grouped
from grpo_checks.theory.logs.limits import mean_estimate

UNIT = st.one_of(st.floats(0, 1), st.integers(0, 64).map(lambda k: k / 64))
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


@given(st.lists(st.tuples(UNIT, UNIT), min_size=2, max_size=12))
def test_what_rounding_may_do_to_moments(rows):
    """Mean product of two members, and covariance, beside fractions; a mean stays in [0, 1]."""
    n, pairs = len(rows), [tuple(map(Fraction, row)) for row in rows]
    (x, y), values = zip(*pairs, strict=True), np.array(rows)
    groups = grouped(values, np.ones(2), np.zeros(n, int))
    (mean,), (product,) = moments.group_means(groups, values[:, 0])
    expected = (sum(x) ** 2 - sum(a * a for a in x)) / (n * (n - 1))
    assert 0 <= mean <= 1
    assert abs(Fraction(float(product)) - expected) <= Fraction(moments.product_error(groups))
    (covariance,) = moments.covariances(groups, *values.T)
    expected = (sum(a * b for a, b in pairs) - sum(x) * sum(y) / n) / (n - 1)
    error = Fraction(moments.covariance_error(groups))
    assert abs(Fraction(float(covariance)) - expected) <= error


def test_shares_that_rounding_puts_above_1():
    """n members that all differ are n shares of 1/n, whose sum is refused unless rounding may."""
    beyond = []
    for n in range(2, 60):
        groups = grouped(np.arange(float(n))[:, None], np.ones(1), np.zeros(n, int))
        shares = silent.silent_shares(groups, (1,))[:, 0]
        error = silent.share_error(groups)
        assert abs(shares[0] - 1) <= error
        assert mean_estimate(shares, error=error).value <= 1
        with pytest.raises(ValueError, match="expected them in"):
            mean_estimate(np.array([1 + 2 * error]), error=error)
        beyond.append(shares[0] > 1)
    assert any(beyond)


def test_what_rounding_may_do_to_responses():
    """Hypergeometric sums beside fractions, and larger groups whose members all succeed."""
    b = np.asarray(coefficients(8, 1, 1e-4))
    size = np.repeat(np.arange(6, 40), 3)
    right = np.random.default_rng(0).binomial(size, 0.4)
    error = responses.response_error(size, b)
    for value, r, n in zip(responses.subset_response(right, size, 8), right, size, strict=True):
        r, n = int(r), int(n)
        ways = [comb(r, j) * comb(n - r, 6 - j) for j in range(7)]
        exact = sum(w * Fraction(float(x)) for w, x in zip(ways, b, strict=True)) / comb(n, 6)
        assert abs(Fraction(float(value)) - exact) <= Fraction(error)
    assert error < 1e-9 * np.ptp(b)
