"""Sampled moments within their stated errors: of exact ones, and of whole batches written out."""

from itertools import product

import jax
import numpy as np
import pytest
from helpers import oracles
from helpers.batches.scores import standard_scores
from helpers.group_oracles import group_updates
from scipy import stats

from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.estimators.batch_advantages import BatchRewards, batch_advantages
from grpo_checks.theory.estimators.group_law import group_law
from grpo_checks.theory.instances.conflict import conflict
from grpo_checks.theory.instances.tools.coding import coding
from grpo_checks.theory.rules.presets import PRESETS
from grpo_checks.theory.training.batch import Training
from grpo_checks.theory.training.sampling import sampled_moments
from grpo_checks.theory.updates.moments import update_moments

BATCHES = 4096
# Over all z-scores of this file (a few hundred), normal tails: false alarm once in 10^4 runs.
LARGEST = float(stats.norm.isf(1e-4 / 2 / 500))
NORMALIZED = [Estimator("group_normalized"), Estimator("componentwise_normalized", 1, 1e-4)]


_moments = jax.jit(update_moments)


@pytest.mark.parametrize("estimator", NORMALIZED, ids=lambda e: e.name)
@pytest.mark.parametrize("size", [8, 16, 64])
def test_large_groups_against_the_exact_law(size, estimator):
    """What no enumeration reaches: G = 8, 16 and 64 on `coding`, to about 2 % of V."""
    _, mdp, policy, theta, *_ = coding(3)
    law = group_law(mdp, size, estimator, room=64 if size > 8 else None)
    exact = _moments(mdp, policy, theta, law)
    training = Training(estimator, size)
    sampled = sampled_moments(jax.random.key(size), mdp, policy, theta, training, BATCHES)
    z = standard_scores(sampled, np.asarray(exact.mean), float(exact.variance))
    assert z.max() < LARGEST
    assert sampled.variance_error < 0.05 * sampled.variance
    # Teeth: (G-1)/G dropped from the mean would be seen at G = 8.
    assert (
        size > 8
        or standard_scores(sampled, np.asarray(exact.mean) * 8 / 7, float(exact.variance)).max() > 8
    )


def _whole_batches(estimator):
    """Probability and update of every batch of `conflict`: two groups of two, rho = 1/2 each."""
    _, mdp, policy, *_ = conflict()
    listed = oracles.list_episodes(mdp, policy, np.array([0.3]))
    members = np.array(list(product(range(2), repeat=4))).reshape(-1, 2, 2)
    chance, rewards, score = (
        np.stack([getattr(e, name)[members[:, q]] for q, e in enumerate(listed)], 1)
        for name in ("probability", "value", "score")
    )
    each = lambda r: batch_advantages(BatchRewards(r, r[..., None], mdp.weights), estimator)  # noqa: E731
    advantages = np.asarray(jax.jit(jax.vmap(each))(rewards))
    updates = np.einsum("mqg,mqgn->mn", advantages, score) / 2 / 2
    return oracles.moments(chance.prod((1, 2)), updates)


@pytest.mark.parametrize("name", ["trl-batch", "trl-gdpo", "verl-gdpo"])
def test_batch_estimators_against_whole_batches(name):
    """Advantages that depend on the batch: the sampled moments are those of all 16 batches."""
    _, mdp, policy, *_ = conflict()
    mean, variance = _whole_batches(PRESETS[name].rule.estimator)
    training = Training(PRESETS[name].rule.estimator, 2)
    theta = jax.device_put(np.array([0.3]))
    sampled = sampled_moments(jax.random.key(1), mdp, policy, theta, training, BATCHES)
    assert standard_scores(sampled, mean, variance).max() < LARGEST


def test_a_group_written_out_equals_the_batch_function():
    """The two oracles agree where the batch does not matter."""
    _, mdp, policy, *_ = conflict()
    mean, variance = _whole_batches(NORMALIZED[0])
    groups = [
        group_updates(e, 2, "group_normalized")
        for e in oracles.list_episodes(mdp, policy, np.array([0.3]))
    ]
    values = [oracles.moments(*g) for g in groups]
    np.testing.assert_allclose(mean, sum(m for m, _ in values) / 2, atol=1e-12)
    np.testing.assert_allclose(variance, sum(v for _, v in values) / 4, atol=1e-12)


def test_one_batch_is_refused():
    """One draw has no error to state."""
    _, mdp, policy, theta, *_ = conflict()
    training = Training(NORMALIZED[0], 2)
    with pytest.raises(ValueError, match="batches = 1: expected at least 2"):
        sampled_moments(jax.random.key(0), mdp, policy, theta, training, 1)
