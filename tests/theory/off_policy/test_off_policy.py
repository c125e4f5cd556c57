"""Updates from another policy's episodes: all groups written out, and automatic derivatives."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers.batches.batch_oracle import moments_of_groups
from helpers.batches.off_policy_oracle import prompt_moments, signed_groups

from grpo_checks.theory.batches.rule_law import rule_law
from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.instances.random import random_instance
from grpo_checks.theory.losses.surrogate import Clipping, surrogate_loss
from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.mdp.policy import LogLinear, Tabular
from grpo_checks.theory.off_policy.moments import (
    off_policy_moments,
    off_policy_prompts,
    off_policy_update,
)
from grpo_checks.theory.off_policy.signed_law import signed_law
from grpo_checks.theory.off_policy.weighted_scores import token_scores
from grpo_checks.theory.off_policy.weights import (
    clipped,
    masked,
    ratios,
    times,
    truncated,
    uncorrected,
)
from grpo_checks.theory.rules.aggregation import Aggregation
from grpo_checks.theory.rules.presets import PRESETS
from grpo_checks.theory.rules.rule import UpdateRule
from grpo_checks.theory.updates.rounding import accumulated

SHAPE = {"prompts": 2, "width": 1, "tools": 1, "answers": 2, "depth": 1}
NORMALIZED = Estimator("group_normalized")
CLIPPED = Clipping(0.1, 0.3, ceiling=1.6)
# By table and by features: shapes that tests share are compiled once.
RULES = {
    0: UpdateRule(NORMALIZED, Aggregation("sequence_mean", 1)),
    2: UpdateRule(Estimator("componentwise_normalized", 1, 1e-4), Aggregation("constant")),
}
WEIGHTS = {
    "clipped": lambda ratio: clipped(ratio, CLIPPED),
    "truncated": lambda ratio: truncated(ratio, 1.2),
    "masked": lambda ratio: masked(ratio, 1.2),
    "uncorrected": uncorrected,
    "three policies": lambda ratio: times(clipped(ratio, Clipping(0.2)), truncated(ratio, 1.1)),
}
_probs = jax.jit(lambda policy, theta: policy.probs(theta))
_clipped = jax.jit(clipped, static_argnums=1)
_scores, _update = jax.jit(token_scores), jax.jit(off_policy_update)
_moments, _prompts = jax.jit(off_policy_moments), jax.jit(off_policy_prompts)
OFF = 1e2 * accumulated(200)
"""Some hundred groups, advantages below 2, scores and ratios below 5."""


def _model(features=0):
    """A model with unequal lengths, where the policy is, and where it was."""
    seed = 2 if features else 1
    instance = random_instance(2, seed=seed, separable=False, features=features, **SHAPE)
    fields = ("initial_distribution", "depth", "tool_transition", "legal", "reward", "weights")
    arrays = {name: np.asarray(getattr(instance.mdp, name)) for name in fields}
    mdp = TAMDP(prompt_distribution=["2/3", "1/3"], **arrays)
    policy = LogLinear(mdp, instance.policy.features) if features else Tabular(mdp)
    moved = np.random.default_rng(seed).normal(scale=0.7, size=instance.theta.shape)
    theta = np.asarray(instance.theta)
    return mdp, policy, *jax.device_put((theta, theta + moved))


def _in_numpy(name):
    return lambda ratio, _: tuple(map(np.asarray, jax.jit(WEIGHTS[name])(ratio)))


@partial(jax.jit, static_argnums=0)
def _weights(name, policy, theta, sampler):
    return WEIGHTS[name](ratios(policy.probs(theta), sampler))


@pytest.mark.parametrize(
    ("name", "features"), [(name, 2 * (i % 2)) for i, name in enumerate([*WEIGHTS, "clipped"])]
)
def test_all_groups_written_out(name, features):
    """Mean and variance of each prompt's update, unequal lengths, G = 2, and 3 with features."""
    mdp, policy, theta, old = _model(features)
    size, rule, sampler = 3 if features else 2, RULES[features], _probs(policy, old)
    weights = _weights(name, policy, theta, sampler)
    law = signed_law(mdp, size, rule)
    seen = _prompts(policy, theta, law, _scores(law.mdp, policy, theta, sampler, weights))
    groups = signed_groups(mdp, policy, theta, np.asarray(sampler), size, rule, _in_numpy(name))
    mean, variance = prompt_moments(mdp, groups, rule)
    np.testing.assert_allclose(seen.mean, mean, atol=OFF, rtol=0)
    np.testing.assert_allclose(seen.variance, variance, atol=OFF, rtol=0)
    swept = _update(policy, theta, sampler, law, weights)
    together = np.asarray(mdp.prompt_distribution) @ mean
    np.testing.assert_allclose(np.ravel(swept), together, atol=OFF, rtol=0)
    assert np.abs(together).max() > 1e3 * OFF


@pytest.mark.parametrize(
    ("estimator", "aggregation", "drawn", "features"),
    [
        (NORMALIZED, Aggregation("token_mean"), 2, 0),
        (Estimator("componentwise_normalized", 1, 1e-4), Aggregation("token_mean", 1), None, 2),
        (Estimator("batch_scaled", 1, 1e-4), Aggregation("token_mean"), 2, 0),
    ],
)
def test_all_batches_written_out(estimator, aggregation, drawn, features):
    """Divisors of the batch: a policy clipped to its best actions samples, B = 2 and a sweep."""
    mdp, policy, theta, old = _model(features)
    rule, probs = UpdateRule(estimator, aggregation), np.asarray(_probs(policy, old))
    sampler = np.where(probs > 0.3, probs, 0.0)
    sampler /= sampler.sum(1, keepdims=True)
    weights = _weights("clipped", policy, theta, sampler)
    law = signed_law(mdp, 2, rule, drawn)
    scores = _scores(law.mdp, policy, theta, sampler, weights)
    seen = _moments(policy, theta, law, scores)
    groups = signed_groups(mdp, policy, theta, sampler, 2, rule, _in_numpy("clipped"))
    mean, variance = moments_of_groups(mdp, groups, rule, drawn, [2, 1])
    np.testing.assert_allclose(seen.mean, mean, atol=OFF, rtol=0)
    np.testing.assert_allclose(seen.variance, variance, atol=10 * OFF, rtol=0)
    assert np.abs(mean).max() > 1e3 * OFF
    with pytest.raises(ValueError, match="expected a rule within groups"):
        off_policy_update(policy, theta, jax.device_put(sampler), law, weights)


def test_a_table_written_as_features():
    """One-hot features: the sweep that carries sums beside that for orthogonal steps."""
    mdp, policy, theta, old = _model()
    written = LogLinear(mdp, np.eye(theta.size).reshape(*theta.shape, -1))
    sampler, law = _probs(policy, old), signed_law(mdp, 2, RULES[0])
    weights = _weights("clipped", policy, theta, sampler)
    table = _scores(law.mdp, policy, theta, sampler, weights)
    carried = _scores(law.mdp, written, np.ravel(theta), sampler, weights)
    for a, b in zip(table, carried, strict=True):
        np.testing.assert_allclose(a, b, atol=accumulated(100), rtol=0)


@pytest.mark.parametrize("clipping", [Clipping(0.1), CLIPPED, Clipping(0.2, 0.5, ceiling=1.1)])
def test_weights_are_derivatives_of_the_surrogate(clipping):
    """Token by token, either sign, over ratios that meet no edge."""
    log_ratio = np.linspace(-1.05, 1.05, 40)[:, None]
    ones, zeros = np.ones_like(log_ratio), np.zeros_like(log_ratio)
    slope = jax.jit(jax.grad(surrogate_loss), static_argnums=6)
    for sign, w in zip((1.0, -1.0), _clipped(np.exp(log_ratio), clipping), strict=True):
        gain = np.full(40, sign)
        expected = -sign * slope(log_ratio, zeros, zeros, ones, gain, ones, clipping)
        np.testing.assert_allclose(w, expected, rtol=accumulated(40), atol=0)


def test_on_policy_all_weights_are_one():
    """The two engines, and clipping that is inactive: E[g] and V of the plain update."""
    mdp, policy, theta, _ = _model()
    rule = UpdateRule(Estimator("leave_one_out"), RULES[0].aggregation)
    probs = _probs(policy, theta)
    weights = _clipped(np.ones(probs.shape), Clipping())
    law = signed_law(mdp, 2, rule, 3)
    seen = _moments(policy, theta, law, _scores(law.mdp, policy, theta, probs, weights))
    expected = jax.jit(lambda law: law.moments(policy, theta))(rule_law(mdp, 2, rule, 3))
    for a, b in zip(seen, expected, strict=True):
        np.testing.assert_allclose(a, b, atol=OFF, rtol=0)


def test_what_has_no_sum_here_is_refused():
    """A mean that the batch takes off, no prompts, one ratio for a sequence, a penalty."""
    mdp, *_ = _model()
    with pytest.raises(ValueError, match="expected one that is not whitened"):
        signed_law(mdp, 2, PRESETS["trl-gdpo"].rule, 2)
    with pytest.raises(ValueError, match="prompts = 0: expected at least 1"):
        signed_law(mdp, 2, RULES[0], 0)
    with pytest.raises(ValueError, match="level = 'sequence': expected 'token'"):
        clipped(jnp.ones((1, 1)), Clipping(level="sequence"))
    with pytest.raises(ValueError, match=r"beta = 0.1: expected 0"):
        clipped(jnp.ones((1, 1)), Clipping(beta=0.1))
