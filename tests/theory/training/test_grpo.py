"""Sampled updates: their gradient against NumPy, their moments against the exact ones."""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import norm

from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.estimators.group_law import group_law
from grpo_checks.theory.instances.conflict import conflict
from grpo_checks.theory.instances.random import random_instance
from grpo_checks.theory.instances.tools.search import search
from grpo_checks.theory.mdp.places import Chances
from grpo_checks.theory.mdp.policy import LogLinear
from grpo_checks.theory.training.batch import Training, batch_loss, sample_batch
from grpo_checks.theory.training.episodes import action_cdf
from grpo_checks.theory.training.score_sums import sampled_update
from grpo_checks.theory.updates.moments import combine, moments_at
from grpo_checks.theory.updates.policy_law import policy_law

INSTANCES = {
    "search": search(),
    "conflict": conflict(start=0.4),
    "shared": random_instance(seed=1, separable=False, features=2, prompts=3),
}
ESTIMATORS = {n: Estimator(n) for n in ("mean_baseline", "leave_one_out", "group_normalized")}
GROUP = 4
BATCHES = 8192


def _theta(name):
    """Away from the uniform policy, where symmetry could hide an error."""
    start = INSTANCES[name].theta
    moved = np.asarray(start) + 0.5 * np.random.default_rng(1).normal(size=start.shape)
    return jax.device_put(moved)


def _episode_scores(policy, probs, episodes):
    """s(tau_i), one row per episode, added up step by step from the definition."""
    if isinstance(policy, LogLinear):
        phi = np.asarray(policy.features)
    else:
        values = np.asarray(policy.observation)[:, None] * probs.shape[1] + np.arange(
            probs.shape[1]
        )
        phi = np.eye(policy.n_observations * probs.shape[1])[values]
    step = phi - np.einsum("sa,sad->sd", probs, phi)[:, None]
    taken = np.asarray(episodes.taken)[..., None]
    return (step[np.asarray(episodes.state), np.asarray(episodes.action)] * taken).sum(0)


def _advantages(rewards, estimator):
    """By the definitions of theory section 1, in NumPy."""
    centred, g = rewards - rewards.mean(1, keepdims=True), rewards.shape[1]
    if estimator.name != "group_normalized":
        return centred * (g / (g - 1) if estimator.name == "leave_one_out" else 1)
    sd = rewards.std(1, ddof=estimator.ddof, keepdims=True)
    return np.where(sd > 1e-9, centred / np.where(sd > 1e-9, sd + estimator.eps, 1), 0)


ALL = (*ESTIMATORS.values(), Estimator("group_normalized", 1, 0.1))


@pytest.mark.parametrize("prompts", [None, 3])
@pytest.mark.parametrize("name", ["search", "conflict"])
def test_on_policy_gradient_is_the_update(name, prompts):
    """Minus sum_b weight_b 1/G sum_i A_i s(tau_i): what the exact moments are moments of."""
    _, mdp, policy, *_ = INSTANCES[name]
    settings, theta = [Training(e, 8, prompts=prompts) for e in ALL], _theta(name)
    chances = Chances(mdp)

    @jax.jit
    def sampled(t):
        batch = sample_batch(jax.random.key(3), chances, action_cdf(policy.probs(t)), settings[0])
        old = policy.log_probs(t)
        losses = lambda x: [batch_loss(mdp, policy, x, old, old, batch, s) for s in settings]  # noqa: E731
        return batch, jax.jacrev(lambda x: jnp.stack(losses(x)))(t), policy.probs(t)

    batch, slopes, probs = sampled(theta)
    rewards = np.asarray(mdp.class_composite)[np.asarray(batch.episodes.reward_class)]
    scores = _episode_scores(policy, np.asarray(probs), batch.episodes)
    for estimator, slope in zip(ALL, np.asarray(slopes).reshape(len(ALL), -1), strict=True):
        advantages = _advantages(rewards.reshape(-1, 8), estimator)
        weighted = (advantages * np.asarray(batch.group_weight)[:, None] / 8).reshape(-1)
        assert np.abs(slope).max() > 1e-3
        np.testing.assert_allclose(-slope, weighted @ scores, atol=1e-12)


@cache
def _updates(name, prompts):
    """BATCHES updates (rows) of every estimator, all from the same episodes."""
    _, mdp, policy, *_ = INSTANCES[name]
    chances, theta = Chances(mdp), _theta(name)
    settings = [Training(e, GROUP, prompts=prompts) for e in ESTIMATORS.values()]

    @jax.jit
    @jax.vmap
    def draw(key):
        batch = sample_batch(key, chances, action_cdf(policy.probs(theta)), settings[0])
        every = [sampled_update(mdp, policy, theta, batch, s).reshape(-1) for s in settings]
        return jnp.stack(every)

    sample = np.asarray(draw(jax.random.split(jax.random.key(8), BATCHES)))
    return dict(zip(ESTIMATORS, sample.swapaxes(0, 1), strict=True))


@cache
def _exact(name):
    """Exact (mean, V, V without the spread between drawn prompts) by (estimator, prompts)."""
    _, mdp, policy, *_ = INSTANCES[name]

    laws = {label: group_law(mdp, GROUP, e) for label, e in ESTIMATORS.items()}

    @jax.jit
    def moments(theta):
        out, rho, at = {}, mdp.prompt_distribution, policy_law(mdp, policy, theta)
        for label, law in laws.items():
            group = moments_at(mdp, at, law)
            within = rho @ group.variance
            for prompts in (None, 2):
                exact = combine(rho, group, prompts)
                out[label, str(prompts)] = exact.mean, exact.variance, within / 2
        return out

    return jax.tree.map(np.asarray, moments(_theta(name)))


def _z(sample, value):
    """Standard scores of a sample's mean (first axis); a constant must equal the value."""
    error = sample.mean(0) - value
    se = sample.std(0) / np.sqrt(len(sample))
    still = se < 1e-15
    return np.where(
        still, np.where(np.abs(error) < 1e-12, 0, np.inf), error / np.where(still, 1, se)
    )


def _z_mean(name, estimator, prompts, mean):
    return np.abs(_z(_updates(name, prompts)[estimator], mean)).max()


def _z_variance(name, estimator, prompts, mean, variance):
    squares = np.square(_updates(name, prompts)[estimator] - mean).sum(1)
    return float(np.abs(_z(squares, variance)))


# Two-sided, family-wise 0.001 over every coordinate and variance tested (Bonferroni, normal).
TESTS = sum(i.theta.size + 1 for i in INSTANCES.values()) * len(ESTIMATORS) * 2
CRITICAL = norm.isf(0.001 / 2 / TESTS)


@pytest.mark.parametrize("prompts", [None, 2])
@pytest.mark.parametrize("estimator", list(ESTIMATORS))
@pytest.mark.parametrize("name", list(INSTANCES))
def test_sampled_moments_are_the_exact_ones(name, estimator, prompts):
    """The link between what runs and what the theorems speak of."""
    mean, variance, _ = _exact(name)[estimator, str(prompts)]
    assert _z_mean(name, estimator, prompts, mean) < CRITICAL
    assert _z_variance(name, estimator, prompts, mean, variance) < CRITICAL


@pytest.mark.parametrize("prompts", [None, 2])
@pytest.mark.parametrize("name", list(INSTANCES))
def test_the_sample_would_show_a_wrong_mean(name, prompts):
    """Mutants: (1 - 1/G) dropped, the bias of normalisation denied."""
    unbiased, *_ = _exact(name)["leave_one_out", str(prompts)]
    assert _z_mean(name, "mean_baseline", prompts, unbiased) > CRITICAL
    assert _z_mean(name, "group_normalized", prompts, unbiased) > CRITICAL


@pytest.mark.parametrize("estimator", list(ESTIMATORS))
@pytest.mark.parametrize("name", list(INSTANCES))
def test_the_sample_would_show_a_wrong_variance(name, estimator):
    """A mutant: V a tenth too large; the smallest change that this sample sees is 2 to 6 %."""
    mean, variance, _ = _exact(name)[estimator, "None"]
    assert _z_variance(name, estimator, None, mean, 1.1 * variance) > CRITICAL


@pytest.mark.parametrize("estimator", list(ESTIMATORS))
@pytest.mark.parametrize("name", ["conflict", "shared"])
def test_the_sample_would_show_a_missing_spread(name, estimator):
    """A mutant: Var_q(E g_q)/B left out (on `search` it is too small a part of V to be seen)."""
    mean, _, within = _exact(name)[estimator, "2"]
    assert _z_variance(name, estimator, 2, mean, within) > CRITICAL
