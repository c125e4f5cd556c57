"""The last step of some trainers, over the tokens of the batch, by verl's definition."""

import jax.numpy as jnp
import numpy as np
import pytest

from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.estimators.batch_advantages import BatchRewards, batch_advantages
from grpo_checks.theory.rules.presets import preset

VECTORS = jnp.array([[[1.0, 0.0], [0.0, 1.0]], [[1.0, 1.0], [0.0, 1.0]]])
LENGTHS = jnp.array([[1.0, 3.0], [2.0, 5.0]])
WEIGHTS = jnp.array([2.0, 1.0])


@pytest.mark.parametrize("name", ["verl-gdpo", "verl-reinforce++-baseline"])
def test_whitening_over_tokens(name):
    """Mean and variance over all tokens, with a divisor N - 1."""
    estimator = preset(name).rule.estimator
    rewards = BatchRewards(VECTORS @ WEIGHTS, VECTORS, WEIGHTS)
    plain = Estimator(estimator.name, estimator.ddof, estimator.eps)
    z = np.asarray(batch_advantages(rewards, plain))
    tokens = np.repeat(z.reshape(-1), np.asarray(LENGTHS, int).reshape(-1))
    expected = (z - tokens.mean()) / np.sqrt(tokens.var(ddof=1) + 1e-8)
    observed = batch_advantages(rewards._replace(lengths=LENGTHS), estimator)
    np.testing.assert_allclose(observed, expected, rtol=1e-14)
    episodes = batch_advantages(rewards, estimator)
    assert np.abs(np.asarray(episodes - observed)).max() > 0.1
