"""Estimates from rewards: by listing subsets, over all groups, by other libraries."""

from itertools import combinations, product
from math import comb

import numpy as np
import pytest

from grpo_checks.theory.logs import moments, responses
from grpo_checks.theory.logs.groups import grouped, levels
from grpo_checks.theory.logs.larger_groups import predicted_silence
from grpo_checks.theory.logs.limits import Estimate
from grpo_checks.theory.logs.silent import silent_shares

WEIGHTS = np.array([1.0, 0.5, 0.5])
EXACT = 1e-12
"""Sums of at most 1,000 products of numbers up to 1, in float64: 1,000 eps, and a margin of 4."""


def _log(rng, sizes=(5, 4, 1, 6, 4)):
    labels = np.repeat(np.arange(len(sizes)), sizes)
    rewards = rng.integers(0, 2, (labels.size, 3)).astype(float)
    return grouped(rewards, WEIGHTS, labels)


def _parts(groups, values):
    return np.split(values, groups.starts[1:])


@pytest.mark.parametrize("seed", range(3))
def test_silent_shares_are_those_of_all_subsets(seed):
    """Listed, with composites as fractions of 1/2: (1, 0, 0) and (0, 1, 1) are the same."""
    groups = _log(np.random.default_rng(seed))
    shares = silent_shares(groups, (2, 3, 5))
    for row, part in zip(shares, _parts(groups, groups.rewards @ WEIGHTS), strict=True):
        for g, share in zip((2, 3, 5), row, strict=True):
            subsets = [*combinations(part.tolist(), g)]
            if subsets:
                silent = sum(len({*s}) == 1 for s in subsets) / len(subsets)
                assert share == pytest.approx(silent, abs=EXACT)
            else:
                assert np.isnan(share)


def test_composites_are_equal_as_rationals():
    """.1 + .2 and .3 are one composite; so are sums that float32 rounds."""
    rewards = np.array([[1.0, 1, 0], [0, 0, 1]])
    for dtype in (np.float64, np.float32):
        weights = np.array([0.1, 0.2, 0.3], dtype).astype(float)
        assert levels(grouped(rewards, weights, np.zeros(2, int))).members.tolist() == [2]
    assert levels(grouped(rewards, np.array([0.1, 0.2, 0.301]), np.zeros(2, int))).members.size == 2


def _expected(statistic, p, n):
    """Mean of a statistic of one group of n draws of vectors with law p, over all groups."""
    table = np.array([*product((0.0, 1.0), repeat=2)])
    total = 0.0
    for draw in product(range(4), repeat=n):
        groups = grouped(table[list(draw)], np.array([1.0, 0.5]), np.zeros(n, int))
        total = total + np.prod(p[list(draw)]) * statistic(groups)
    return total


LAW = np.array([0.1, 0.3, 0.25, 0.35])


def test_estimates_are_unbiased():
    """Over all 4^n groups: p, p^2, covariance, variance, silence."""
    p = np.array([LAW[2] + LAW[3], LAW[1] + LAW[3]])

    def statistics(groups):
        x, y = groups.rewards.T
        mean, square = moments.group_means(groups, x)
        covariance = moments.covariances(groups, x, y)
        variance = moments.covariances(groups, y, y)
        return np.r_[mean, square, covariance, variance, silent_shares(groups, (2, 3))[0]]

    observed = _expected(statistics, LAW, 4)
    expected = [p[0], p[0] ** 2, LAW[3] - p[0] * p[1], p[1] * (1 - p[1])]
    # No two of the four composites are equal.
    expected += [(LAW**2).sum(), (LAW**3).sum()]
    np.testing.assert_allclose(observed, expected, atol=EXACT)


@pytest.mark.parametrize(("group_size", "n"), [(4, 4), (6, 4), (8, 9), (3, 2)])
def test_subset_response_is_unbiased_for_the_closed_form(group_size, n):
    """Over Bin(n, p), against the mean of (G-1)/G/(sd + eps) of a partner group, by its sum."""
    p, eps = 0.3, 1e-4
    k = np.arange(1, group_size)
    b = (
        (group_size - 1)
        / group_size
        / (np.sqrt(k * (group_size - k) / (group_size * (group_size - 1))) + eps)
    )
    weight = [comb(group_size - 2, j) * p**j * (1 - p) ** (group_size - 2 - j)
              for j in range(group_size - 1)]  # fmt: skip
    right = np.arange(n + 1)
    law = np.array([comb(n, r) * p**r * (1 - p) ** (n - r) for r in right])
    observed = law @ responses.subset_response(right, np.full(n + 1, n), group_size)
    # gammaln is right to a few eps of log C(9, 4).
    assert observed == pytest.approx(float(np.array(weight) @ b), rel=1e-12)
    short = responses.subset_response(np.array([1]), np.array([group_size - 3]), group_size)
    assert np.isnan(short).all()


def test_spread_is_beyond_binomial_noise():
    """Groups of one prompt have none on average; the estimate is the classical one of variance
    components: the variance of means less that within over n."""
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(400), 6)
    p = np.where(np.arange(400) % 2, 0.2, 0.8)
    x = (rng.random(2400) < p[labels]).astype(float)
    groups = grouped(x[:, None], np.ones(1), labels)
    answer = moments.rates(groups, x)
    table = x.reshape(400, 6)
    classical = table.mean(1).var(ddof=1) - table.var(1, ddof=1).mean() / 6
    # Ours has divisor n where the classical has n-1 for what groups are, fixed ones here.
    assert answer.spread.value == pytest.approx(classical * 399 / 400, rel=1e-9)
    assert answer.noise == pytest.approx(table.var(1, ddof=1).mean() / 6, rel=1e-9)
    assert answer.spread.low < 0.09 < answer.spread.high


def test_missing_rewards_are_left_out():
    """A row without a component counts for the others."""
    rewards = np.array([[1, np.nan], [0, 1], [1, 0], [np.nan, 1.0]])
    groups = grouped(rewards, np.array([1.0, 2.0]), np.zeros(4, int))
    np.testing.assert_array_equal(groups.composite, [1, 2, 1, 2])
    assert moments.group_means(groups, rewards[:, 0])[0] == pytest.approx(2 / 3)
    # Two rows have both: (0, 1) and (1, 0).
    assert moments.covariances(groups, *rewards.T)[0] == pytest.approx(-0.5)


def test_range_of_larger_groups_holds_the_truth():
    """s(g) of three prompts exactly: the range at 16, 32 and 64 holds s there, and is narrow."""
    p = np.array([0.1, 0.5, 0.95])

    def s(g):
        return float((p**g + (1 - p) ** g).mean())

    known = {g: Estimate(s(g), s(g) - 1e-6, s(g) + 1e-6) for g in range(1, 9)}
    for g in (16, 32, 64):
        answer = predicted_silence(known, g)
        assert answer.low <= s(g) <= answer.high
        assert answer.high - answer.low < 0.1
    assert predicted_silence(known, 8).high - s(8) < 1e-5
    known = {1: 1.0, 2: 0.1, 3: 0.3}
    impossible = {g: Estimate(x, x, x) for g, x in known.items()}
    assert predicted_silence(impossible, 4) == (0.15, 0.0, 0.3)
