"""Updates from another policy's episodes: all groups written out, and automatic derivatives."""

from itertools import product

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers.batches.batch_oracle import episode_divisor
from helpers.group_oracles import advantages
from helpers.oracles import action_probs, features, list_paths, moments, path_probability

from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.estimators.group_law import group_law
from grpo_checks.theory.instances.random import random_instance
from grpo_checks.theory.losses.surrogate import Clipping, surrogate_loss
from grpo_checks.theory.off_policy.moments import off_policy_moments, off_policy_update
from grpo_checks.theory.off_policy.signed_law import signed_law
from grpo_checks.theory.off_policy.weights import clipped, masked, times, truncated, uncorrected
from grpo_checks.theory.rules.aggregation import Aggregation
from grpo_checks.theory.rules.rule import UpdateRule
from grpo_checks.theory.updates.moments import prompt_moments
from grpo_checks.theory.updates.rounding import accumulated

SHAPE = {"prompts": 2, "width": 1, "tools": 1, "answers": 2, "depth": 1}
NORMALIZED = Estimator("group_normalized")
CLIPPED = Clipping(0.1, 0.3, ceiling=1.6)
RULES = (
    UpdateRule(NORMALIZED),
    UpdateRule(Estimator("leave_one_out"), Aggregation("sequence_mean", 1)),
    UpdateRule(Estimator("componentwise_normalized", 1, 1e-4), Aggregation("constant")),
)
WEIGHTS = {
    "clipped": lambda ratio: clipped(ratio, CLIPPED),
    "truncated": lambda ratio: truncated(ratio, 1.2),
    "masked": lambda ratio: masked(ratio, 1.2),
    "uncorrected": uncorrected,
    "three policies": lambda ratio: times(clipped(ratio, Clipping(0.2)), truncated(ratio, 1.1)),
}
_moments, _update = jax.jit(off_policy_moments), jax.jit(off_policy_update)
OFF = 1e2 * accumulated(200)
"""Some hundred groups, advantages below 2, scores and ratios below 5."""


def _model(seed, features=0):
    instance = random_instance(2, seed=seed, separable=False, features=features, **SHAPE)
    moved = np.random.default_rng(seed).normal(scale=0.7, size=instance.theta.shape)
    return instance.mdp, instance.policy, instance.theta, instance.theta + jnp.asarray(moved)


def _written_out(mdp, policy, theta, old, size, rule, weights):
    """Mean (Q, n) and variance (Q,) of each prompt's update."""
    pi, mu, phi = action_probs(policy, theta), action_probs(policy, old), features(policy)
    step = phi - np.einsum("sb,sbn->sn", pi, phi)[:, None]
    table, results = [np.asarray(w) for w in weights], []
    for prompt in range(len(mdp.prompt_distribution)):
        paths = list_paths(mdp, prompt)
        chance, length = path_probability(paths, mu), paths.taken.sum(1)
        pulls = [
            np.where(paths.taken, w[paths.state, paths.action], 0.0)[..., None]
            * step[paths.state, paths.action]
            for w in table
        ]
        by_sign, aggregation = [x.sum(1) for x in pulls], rule.aggregation
        tokens = length + float(aggregation.length_offset)
        divisor = episode_divisor(aggregation, tokens, mdp.horizon)
        weight, update = [], []
        for group in product(range(len(chance)), repeat=size):
            e = rule.estimator
            vectors = tuple(paths.reward[i] for i in group)
            every = advantages(vectors, paths.weights, e.name, e.ddof, e.eps)
            weight.append(np.prod(chance[list(group)]))
            shares = [a / divisor[i] for a, i in zip(every, group, strict=True)]
            moved = [c * by_sign[int(c < 0)][i] for c, i in zip(shares, group, strict=True)]
            update.append(sum(moved) / size)
        results.append(moments(np.array(weight), np.array(update)))
    return np.array([m for m, _ in results]), np.array([v for _, v in results])


@pytest.mark.parametrize(
    ("name", "seed"), [(name, (i + j) % 4) for i, name in enumerate(WEIGHTS) for j in range(2)]
)
def test_all_groups_written_out(name, seed):
    """Mean and variance of each prompt's update, unequal lengths, G = 2 and 3."""
    mdp, policy, theta, old = _model(seed)
    size, rule = 2 + seed % 2, RULES[seed % 3]
    ratio = policy.probs(theta) / policy.probs(old)
    weights = WEIGHTS[name](jnp.where(mdp.legal, ratio, 0.0))
    law = signed_law(mdp, size, rule)
    observed = _moments(policy, theta, policy.probs(old), law, weights)
    mean, variance = _written_out(mdp, policy, theta, old, size, rule, weights)
    np.testing.assert_allclose(observed.mean, mean, atol=OFF, rtol=0)
    np.testing.assert_allclose(observed.variance, variance, atol=OFF, rtol=0)
    swept = _update(policy, theta, policy.probs(old), law, weights)
    together = np.asarray(mdp.prompt_distribution) @ mean
    np.testing.assert_allclose(swept.reshape(-1), together, atol=OFF, rtol=0)
    assert np.abs(together).max() > 1e3 * OFF


def test_features_shared_by_all_states():
    """A log-linear policy: the mean asks nothing of the policy class."""
    mdp, policy, theta, old = _model(5, features=2)
    ratio = jnp.where(mdp.legal, policy.probs(theta) / policy.probs(old), 0.0)
    weights, law = clipped(ratio, CLIPPED), signed_law(mdp, 2, RULES[0])
    mean, _ = _written_out(mdp, policy, theta, old, 2, RULES[0], weights)
    swept = _update(policy, theta, policy.probs(old), law, weights)
    np.testing.assert_allclose(swept, np.asarray(mdp.prompt_distribution) @ mean, atol=OFF, rtol=0)


@pytest.mark.parametrize("clipping", [Clipping(0.1), CLIPPED, Clipping(0.2, 0.5, ceiling=1.1)])
def test_weights_are_derivatives_of_the_surrogate(clipping):
    """Token by token, either sign, over ratios that meet no edge."""
    log_ratio = jnp.linspace(-1.05, 1.05, 40)[:, None]
    ones, zeros = jnp.ones_like(log_ratio), jnp.zeros_like(log_ratio)
    for sign, w in zip((1.0, -1.0), clipped(jnp.exp(log_ratio), clipping), strict=True):
        gain = jnp.full(40, sign)
        loss = lambda x, a=gain: surrogate_loss(x, zeros, zeros, ones, a, ones, clipping)  # noqa: E731
        slope = -sign * jax.grad(loss)(log_ratio)
        np.testing.assert_allclose(w, slope, rtol=accumulated(40), atol=0)


def test_on_policy_all_weights_are_one():
    """The two engines, and clipping that is inactive: E[g] and V of the plain update."""
    mdp, policy, theta, _ = _model(2)
    probs = policy.probs(theta)
    weights, law = clipped(jnp.ones_like(probs), Clipping()), signed_law(mdp, 3, RULES[0])
    observed = _moments(policy, theta, probs, law, weights)
    expected = jax.jit(prompt_moments)(mdp, policy, theta, group_law(mdp, 3, NORMALIZED))
    np.testing.assert_allclose(observed.mean, expected.mean, atol=OFF, rtol=0)
    np.testing.assert_allclose(observed.variance, expected.variance, atol=OFF, rtol=0)


def test_what_has_no_sum_here_is_refused():
    """A divisor of the batch, and one ratio for a sequence."""
    mdp, *_ = _model(0)
    with pytest.raises(ValueError, match="expected one within groups"):
        signed_law(mdp, 2, UpdateRule(NORMALIZED, Aggregation("token_mean")))
    with pytest.raises(ValueError, match="level = 'sequence': expected 'token'"):
        clipped(jnp.ones((1, 1)), Clipping(level="sequence"))
    with pytest.raises(ValueError, match=r"beta = 0.1: expected 0"):
        clipped(jnp.ones((1, 1)), Clipping(beta=0.1))
    mdp, policy, theta, _ = _model(5, features=2)
    probs, law = policy.probs(theta), signed_law(mdp, 2, RULES[0])
    with pytest.raises(ValueError, match="policy = LogLinear: expected a table of logits"):
        off_policy_moments(policy, theta, probs, law, uncorrected(jnp.ones_like(probs)))
