"""Ratios of sequences and prefixes: listed groups, closed forms, the loss's own derivative."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers.batches.listed_batches import listed_batches
from helpers.batches.off_policy_oracle import prompt_moments, signed_groups
from helpers.oracles import moments

from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.evaluation.values import law_gradients
from grpo_checks.theory.instances.random import random_instance
from grpo_checks.theory.losses.surrogate import Clipping
from grpo_checks.theory.off_policy.listed_scores import listed_scores
from grpo_checks.theory.off_policy.moments import off_policy_moments, off_policy_prompts
from grpo_checks.theory.off_policy.signed_law import signed_law
from grpo_checks.theory.off_policy.weighted_scores import (
    cumulative_scores,
    product_scores,
    token_scores,
)
from grpo_checks.theory.off_policy.weights import TokenWeights, clipped, ratios
from grpo_checks.theory.rules.aggregation import Aggregation
from grpo_checks.theory.rules.rule import UpdateRule
from grpo_checks.theory.training.batch import Training, batch_loss
from grpo_checks.theory.updates.rounding import accumulated

NORMALIZED = Estimator("group_normalized")
CLIPPED = Clipping(0.1, 0.3)
RULE = UpdateRule(NORMALIZED, Aggregation("sequence_mean", 1))
OFF = 1e2 * accumulated(200)
"""Some hundred groups, advantages below 2, scores and ratios below 5."""
_prompts, _moments = jax.jit(off_policy_prompts), jax.jit(off_policy_moments)


_probs = jax.jit(lambda policy, theta: policy.probs(theta))


def _model(features=0):
    seed = 2 if features else 1
    shape = {"prompts": 2, "width": 1, "tools": 1, "answers": 2, "depth": 1}
    model = random_instance(2, seed=seed, separable=False, features=features, **shape)
    moved = np.random.default_rng(seed).normal(scale=0.7, size=model.theta.shape)
    sampler = _probs(model.policy, np.asarray(model.theta) + moved)
    return model.mdp, model.policy, model.theta, sampler


def _unclipped(ratio):
    return TokenWeights(ratio, ratio)


def _held(ratio, gains):
    """The clipped surrogate's weights, in NumPy."""
    return np.where(ratio <= 1.3 if gains else ratio >= 0.9, ratio, 0.0)


def _coefficients(kind):
    """Of the scores of steps, from the ratios of steps (N, H) and the numbers of decisions.

    With an end-of-text token in the root, whose ratio is 1.
    """

    def weigh(ratio, decisions):
        taken = np.arange(ratio.shape[1]) < decisions[:, None]
        every = ratio.cumprod(1)
        if kind in ("sequence", "product"):
            root = decisions[:, None] + 1 if kind == "sequence" else 1
            every = ratio.prod(1, keepdims=True) ** (1 / root) * np.ones_like(ratio)
        both = [np.where(taken, _held(every, gains), 0.0) for gains in (True, False)]
        if kind == "differentiated":
            both = [w[:, ::-1].cumsum(1)[:, ::-1] for w in both]
        return tuple(both)

    return weigh


@pytest.mark.parametrize("kind", ["sequence", "product", "cumulative", "differentiated"])
def test_all_groups_written_out(kind):
    """Clipped ratios that no sweep carries, G = 2: mean and variance of each prompt's update."""
    mdp, policy, theta, sampler = _model()
    law = signed_law(mdp, 2, RULE)
    weigh = lambda ratio: clipped(ratio, CLIPPED)  # noqa: E731
    scores = listed_scores(law.mdp, policy, theta, sampler, kind, weigh, 1)
    seen = _prompts(policy, theta, law, scores)
    groups = signed_groups(mdp, policy, theta, np.asarray(sampler), 2, RULE, _coefficients(kind))
    mean, variance = prompt_moments(mdp, groups, RULE)
    np.testing.assert_allclose(seen.mean, mean, atol=OFF, rtol=0)
    np.testing.assert_allclose(seen.variance, variance, atol=OFF, rtol=0)
    assert np.abs(mean).max() > 1e3 * OFF


@pytest.mark.parametrize("features", [0, 2])
def test_sweeps_beside_the_listing(features):
    """Token ratios clipped, products and cumulative ones not: both moments of every class."""
    mdp, policy, theta, sampler = _model(features)
    mdp = signed_law(mdp, 2, RULE).mdp

    @jax.jit
    def swept(theta, sampler):
        at = (mdp, policy, theta, sampler)
        weights = clipped(ratios(policy.probs(theta), sampler), CLIPPED)
        return token_scores(*at, weights), product_scores(*at), cumulative_scores(*at)

    sweeps = dict(zip(("token", "product", "cumulative"), swept(theta, sampler), strict=True))
    for kind, scores in sweeps.items():
        weigh = (lambda r: clipped(r, CLIPPED)) if kind == "token" else _unclipped
        listed = listed_scores(mdp, policy, theta, sampler, kind, weigh)
        for a, b in zip(scores, listed, strict=True):
            np.testing.assert_allclose(a, b, atol=OFF, rtol=0)
    if not features:
        slopes = law_gradients(mdp, policy, theta)
        mean = np.asarray(sweeps["product"].mean)[:, 0]
        np.testing.assert_allclose(mean, np.reshape(slopes, mean.shape), atol=OFF, rtol=0)


def test_one_ratio_of_a_sequence_is_differentiated():
    """GSPO's (prod rho)^(1/l) in TRL's "dapo": the derivative of the loss of every group."""
    mdp, policy, theta, sampler = _model()
    clipping = Clipping(0.05, 0.1, level="sequence")
    aggregation = Aggregation("token_mean")
    law = signed_law(mdp, 2, UpdateRule(NORMALIZED, aggregation), 1)
    weigh = lambda ratio: clipped(ratio, clipping, "sequence")  # noqa: E731
    scores = listed_scores(law.mdp, policy, theta, sampler, "sequence", weigh)
    seen = _moments(policy, theta, law, scores)
    training = Training(NORMALIZED, 2, clipping=clipping, aggregation=aggregation)
    old = jnp.log(sampler)

    @jax.jit
    @jax.vmap
    def slopes(batch):
        return -jax.grad(batch_loss, 2)(None, policy, theta, old, old, batch, training)

    chance, update = [], []
    for prompt, rho in enumerate(np.asarray(mdp.prompt_distribution)):
        listed = listed_batches(mdp, prompt, np.asarray(sampler), 2)
        chance.append(rho * listed.chance)
        update.append(np.asarray(slopes(listed.batch)).reshape(len(listed.chance), -1))
    mean, variance = moments(np.concatenate(chance), np.concatenate(update))
    np.testing.assert_allclose(seen.mean, mean, atol=OFF, rtol=0)
    assert float(seen.variance) == pytest.approx(variance, abs=OFF)
    assert np.abs(mean).max() > 1e3 * OFF


def test_too_many_episodes_are_refused_with_their_number():
    """Not after hours."""
    large = random_instance(2, width=3, tools=3, answers=4, depth=5)
    at = large.mdp, large.policy, large.theta, _probs(large.policy, large.theta)
    with pytest.raises(ValueError, match=r"episodes = \d{5,}: expected at most 5000 to list"):
        listed_scores(*at, "sequence", _unclipped)
