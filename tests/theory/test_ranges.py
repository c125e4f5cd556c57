"""Ranges of an update: no policy and no sample exceeds them, and they are not idle."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from binary_model import binary_instance

from theory.advantages import Estimator
from theory.chances import Chances
from theory.episodes import action_cdf
from theory.group_law import group_law
from theory.grpo import Training, sample_batch, sampled_update
from theory.instances.conflict import conflict
from theory.ranges import update_ranges
from theory.update import update_moments

INSTANCES = {"conflict": conflict(2), "binary": binary_instance(2, seed=4)}
ESTIMATORS = [
    Estimator("mean_baseline"),
    Estimator("leave_one_out"),
    Estimator("group_normalized", 1, 1e-4),
    Estimator("componentwise_normalized"),
]
SIZE, POINTS = 4, 64


def _points(theta):
    rng = np.random.default_rng(0)
    spread = np.exp(rng.uniform(np.log(0.1), np.log(4), (POINTS, *[1] * theta.ndim)))
    return jnp.asarray(spread * rng.normal(size=(POINTS, *theta.shape)))


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda e: e.name)
@pytest.mark.parametrize("prompts", [None, 2])
@pytest.mark.parametrize("name", INSTANCES)
def test_variance_and_norm_stay_within(name, prompts, estimator):
    """Exact V at 64 policies near and far, and |g| of a sampled batch at each of them."""
    _, mdp, policy, theta, *_ = INSTANCES[name]
    law, chances = group_law(mdp, SIZE, estimator), Chances(mdp)
    training = Training(estimator, SIZE, prompts=prompts)
    ranges = update_ranges(mdp, policy, SIZE, estimator, prompts)

    @jax.jit
    @jax.vmap
    def both(key, at):
        batch = sample_batch(key, chances, action_cdf(policy.probs(at)), training)
        norm = jnp.linalg.norm(sampled_update(mdp, policy, at, batch, training))
        return norm, update_moments(mdp, policy, at, law, prompts).variance

    norm, variance = both(jax.random.split(jax.random.key(0), POINTS), _points(theta))
    assert 0.02 * float(ranges.norm) < float(norm.max()) <= float(ranges.norm)
    assert 0.02 * float(ranges.variance) < float(variance.max()) <= float(ranges.variance)


def test_batch_estimators_have_no_range():
    """Their advantages are not bounded group by group."""
    _, mdp, policy, *_ = INSTANCES["conflict"]
    with pytest.raises(ValueError, match="whose groups stand alone"):
        update_ranges(mdp, policy, SIZE, Estimator("batch_scaled"))
