"""The law of pass rates over prompts: likelier than others, and the truth where counts are many."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import softmax

from grpo_checks.theory.logs.groups import grouped
from grpo_checks.theory.logs.mixture import _log_likelihood, counts_of, likeliest_mixture


def _counts(rng, rates, n, groups):
    p = rates[rng.integers(0, len(rates), groups)]
    return rng.binomial(n, p), np.full(p.shape, n)


def test_weights_are_the_likeliest():
    """EM against a general optimiser of the same likelihood over the kept atoms."""
    rng = np.random.default_rng(0)
    right, size = _counts(rng, np.array([[0.2, 0.9], [0.7, 0.5]]), 8, 300)
    mixture = likeliest_mixture(right, size, 6)
    like = np.exp(_log_likelihood(right.astype(float), size.astype(float), mixture.rates))

    def loss(x):
        return -np.log(like @ softmax(x)).mean()

    best = minimize(loss, np.log(mixture.share)).fun
    # 300 rounds of EM on all atoms, of which a few were then dropped.
    assert -np.log(like @ mixture.share).mean() == pytest.approx(best, abs=2e-2)
    assert mixture.share.sum() == pytest.approx(1, abs=1e-12)
    assert len(mixture.share) <= 6


def test_many_draws_tell_the_prompts():
    """Two kinds of prompts, 400 draws each: their rates and shares within three sd."""
    rng = np.random.default_rng(1)
    rates = np.array([[0.1], [0.6]])
    mixture = likeliest_mixture(*_counts(rng, rates, 400, 200), 50)
    high = mixture.rates[:, 0] > 0.35
    for side, rate in ((~high, 0.1), (high, 0.6)):
        mean = mixture.share[side] @ mixture.rates[side, 0] / mixture.share[side].sum()
        assert mean == pytest.approx(rate, abs=3 * 0.5 / np.sqrt(400 * 60))
        assert mixture.share[side].sum() == pytest.approx(0.5, abs=3 * 0.5 / np.sqrt(200))


def test_prompts_that_never_vary():
    """Rates 0 and 1 are atoms: their likelihood has no logarithm of 0."""
    right = np.array([[0], [8], [4]])
    mixture = likeliest_mixture(right, np.full((3, 1), 8), 8)
    assert np.isfinite(mixture.rates).all()
    assert np.isfinite(mixture.share).all()
    assert mixture.share @ mixture.rates[:, 0] == pytest.approx(0.5, abs=0.02)


def test_counts():
    """Missing rewards are no members."""
    rewards = np.array([[1, np.nan], [0, 1], [1, 1.0]])
    right, size = counts_of(grouped(rewards, np.ones(2), np.array([0, 0, 1])))
    assert right.tolist() == [[1, 1], [1, 1]]
    assert size.tolist() == [[2, 1], [1, 1]]
