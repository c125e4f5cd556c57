"""Two inner epochs, exactly: both steps of every group of `bandit`, and sampled runs beside them.

The second step starts where the batch itself led. The law of ``off_policy`` has one policy for all
batches: at the mean of the first steps it says what these would do together.
"""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers.batches.listed_batches import listed_batches
from helpers.oracles import moments
from scipy.stats import norm

from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.instances.bandit import bandit
from grpo_checks.theory.losses.surrogate import Clipping
from grpo_checks.theory.mdp.places import Chances
from grpo_checks.theory.off_policy.moments import off_policy_update
from grpo_checks.theory.off_policy.signed_law import signed_law
from grpo_checks.theory.off_policy.weights import clipped, ratios
from grpo_checks.theory.rules.rule import UpdateRule
from grpo_checks.theory.training.batch import Training, batch_loss
from grpo_checks.theory.training.loop import train
from grpo_checks.theory.updates.rounding import accumulated

MODEL = bandit()
MDP, POLICY, START = MODEL.mdp, MODEL.policy, MODEL.theta
SIZE, RUNS = 4, 4096
NORMALIZED = Estimator("group_normalized")
SAMPLER, OLD = POLICY.probs(START), POLICY.log_probs(START)
LISTED = listed_batches(MDP, 0, np.asarray(SAMPLER), SIZE)
CLIPPED, TIGHT = Clipping(0.2), Clipping(0.01)
OFF = accumulated(200)
"""81 groups, advantages below 2, steps below 1."""


def _training(clipping):
    return Training(NORMALIZED, SIZE, inner_epochs=2, clipping=clipping)


@cache
def _slopes(clipping):
    """g of every group at one policy for each, by the automatic derivative of its loss."""
    training = _training(clipping)
    loss = lambda at, batch: batch_loss(None, POLICY, at, OLD, OLD, batch, training)  # noqa: E731
    slopes = jax.jit(jax.vmap(jax.grad(loss)))
    return lambda at: -np.asarray(slopes(jax.device_put(at), LISTED.batch))


def _both_steps(step, clipping):
    """(M, 1, 3) each: of the first epoch and the second, group by group."""
    start = np.broadcast_to(START, (len(LISTED.chance), *START.shape))
    first = step * _slopes(clipping)(start)
    return first, step * _slopes(clipping)(start + first)


@jax.jit
def _law(theta):
    """E[g] at one policy, of the sampler's groups."""
    weights = clipped(ratios(POLICY.probs(theta), SAMPLER), CLIPPED)
    law = signed_law(MDP, SIZE, UpdateRule(NORMALIZED))
    return off_policy_update(POLICY, theta, SAMPLER, law, weights)


def _mean(x):
    return np.tensordot(LISTED.chance, x, 1)


def test_the_first_epoch_is_not_clipped():
    """All its ratios are 1; the second one's are not."""
    (first, second), (same, other) = (_both_steps(0.5, c) for c in (CLIPPED, TIGHT))
    np.testing.assert_allclose(first, same, atol=OFF)
    np.testing.assert_allclose(_mean(first), 0.5 * np.asarray(_law(START)), atol=OFF)
    assert np.abs(_mean(second) - _mean(other)).max() > 0.01


@pytest.mark.parametrize(("step", "apart", "length"), [(0.1, 0.0076, 1.0005), (0.5, 2.10, 3.10)])
def test_a_batch_leads_elsewhere_than_the_mean(step, apart, length):
    """Law minus exact second step over its length, and the law's length over it, as documented."""
    first, second = _both_steps(step, CLIPPED)
    mean = np.asarray(START) + _mean(first)
    fixed = _slopes(CLIPPED)(np.broadcast_to(mean, first.shape))
    law = np.asarray(_law(jax.device_put(mean)))
    # From one policy for all groups the law is exact.
    np.testing.assert_allclose(_mean(fixed), law, atol=OFF)
    size = np.linalg.norm(_mean(second))
    assert np.linalg.norm(step * law - _mean(second)) / size == pytest.approx(apart, rel=0.01)
    assert np.linalg.norm(step * law) / size == pytest.approx(length, rel=0.01)


def test_sampled_training_moves_as_listed():
    """One update of two epochs, many seeds: the mean within its error (level 0.001)."""
    step = 0.5
    moved = np.sum(_both_steps(step, CLIPPED), 0).reshape(len(LISTED.chance), -1)
    mean, _ = moments(LISTED.chance, moved)
    deviation = np.sqrt(LISTED.chance @ (moved - mean) ** 2)

    @jax.jit
    def run(keys):
        options = jnp.asarray(step), jnp.array([1]), _training(CLIPPED), None, False
        return train(keys, None, Chances(MDP), POLICY, START, *options)

    ends = np.asarray(run(jax.random.split(jax.random.key(5), RUNS)).theta[:, 0])
    off = np.abs(ends.mean(0) - np.asarray(START).reshape(-1) - mean)
    bound = norm.isf(0.0005 / mean.size) * deviation / np.sqrt(RUNS)
    assert (off <= bound).all()
    # Enough runs to tell it from one epoch, and from the law at the mean.
    first = step * np.asarray(_law(START))
    both = (first + step * np.asarray(_law(START + first))).reshape(-1)
    for other in (first.reshape(-1), both):
        assert (np.abs(other - mean) > 2 * bound).any()
