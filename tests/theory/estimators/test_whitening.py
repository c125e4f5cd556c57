"""The last step of some trainers, over the tokens of the batch, by verl's definition."""

from functools import partial

import jax
import numpy as np
import pytest

from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.estimators.batch_advantages import BatchRewards, batch_advantages
from grpo_checks.theory.rules.presets import preset

VECTORS = np.array([[[1.0, 0.0], [0.0, 1.0]], [[1.0, 1.0], [0.0, 1.0]]])
LENGTHS = np.array([[1.0, 3.0], [2.0, 5.0]])
WEIGHTS = np.array([2.0, 1.0])


@partial(jax.jit, static_argnums=2)
def _advantages(rewards, lengths, estimator):
    """Before the last step, with whitening over tokens, and over episodes."""
    plain = Estimator(estimator.name, estimator.ddof, estimator.eps)
    by_token = rewards._replace(lengths=lengths)
    requests = (rewards, plain), (by_token, estimator), (rewards, estimator)
    return [batch_advantages(*request) for request in requests]


@pytest.mark.parametrize("name", ["verl-gdpo", "verl-reinforce++-baseline"])
def test_whitening_over_tokens(name):
    """Mean and variance over all tokens, with a divisor N - 1."""
    estimator = preset(name).rule.estimator
    rewards = BatchRewards(VECTORS @ WEIGHTS, VECTORS, WEIGHTS)
    z, observed, episodes = map(np.asarray, _advantages(rewards, LENGTHS, estimator))
    tokens = np.repeat(z.reshape(-1), LENGTHS.astype(int).reshape(-1))
    expected = (z - tokens.mean()) / np.sqrt(tokens.var(ddof=1) + 1e-8)
    np.testing.assert_allclose(observed, expected, rtol=1e-14)
    assert np.abs(episodes - observed).max() > 0.1
