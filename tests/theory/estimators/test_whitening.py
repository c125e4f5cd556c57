"""The last step of some trainers, over the batch."""

import jax.numpy as jnp
import numpy as np

from grpo_checks.theory.estimators.advantages import Estimator, batch_advantages
from grpo_checks.theory.rules.presets import preset


def test_whitening_over_tokens():
    """verl's definition written out: mean and variance over all tokens, a divisor N - 1."""
    estimator = preset("verl-gdpo")
    vectors = jnp.array([[[1.0, 0.0], [0.0, 1.0]], [[1.0, 1.0], [0.0, 1.0]]])
    lengths = jnp.array([[1.0, 3.0], [2.0, 5.0]])
    plain = Estimator(estimator.name, estimator.ddof, estimator.eps)
    weights, composites = jnp.array([2.0, 1.0]), jnp.zeros((2, 2))
    z = np.asarray(batch_advantages(composites, vectors, weights, plain))
    tokens = np.repeat(z.reshape(-1), np.asarray(lengths, int).reshape(-1))
    expected = (z - tokens.mean()) / np.sqrt(tokens.var(ddof=1) + 1e-8)
    seen = batch_advantages(composites, vectors, weights, estimator, lengths=lengths)
    np.testing.assert_allclose(seen, expected, rtol=1e-14)
    episodes = batch_advantages(composites, vectors, weights, estimator)
    assert np.abs(np.asarray(episodes - seen)).max() > 0.1
