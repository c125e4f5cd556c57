"""Losses from sampled episodes: exact outcome laws, against sampling, with tasks as the unit."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import binom

from grpo_checks.theory.generalization.coverage import coverage
from grpo_checks.theory.generalization.learning import policy_losses, sampled_policies
from grpo_checks.theory.generalization.maurer_constant import xi
from grpo_checks.theory.generalization.pac_bayes import maurer
from grpo_checks.theory.generalization.task_outcomes import episode_outcomes
from grpo_checks.theory.instances.conflict import conflict
from grpo_checks.theory.instances.tools.search import search
from grpo_checks.theory.mdp.places import Chances
from grpo_checks.theory.training.episodes import action_cdf, sample_episodes


def test_means_are_the_exact_losses():
    """For several components and values too."""
    for instance, m in ((conflict(), 3), (search(3), 2)):
        probs = sampled_policies(instance.policy, 2, 1.0)
        problem = episode_outcomes(instance.mdp, probs, m)
        exact = np.asarray(policy_losses(instance.mdp, probs)) @ instance.mdp.prompt_distribution
        np.testing.assert_allclose(problem.risk, exact, atol=1e-12)


def test_one_task_is_a_mixture_of_binomials():
    """One policy on `conflict`: the number of failures in m episodes, given the prompt."""
    instance, m = conflict(), 4
    probs = sampled_policies(instance.policy, 1, 1.0)
    problem = episode_outcomes(instance.mdp, probs, m)
    losses = np.asarray(policy_losses(instance.mdp, probs))[0]
    by_key = dict(zip(np.asarray(problem.loss)[0], np.asarray(problem.chance), strict=True))
    for k in range(m + 1):
        assert by_key[k / m] == pytest.approx(binom.pmf(k, m, losses).mean())


@partial(jax.jit, static_argnums=4)
def _sampled_losses(key, chances, probs, tasks, m):
    """1 less the mean reward of each policy over m episodes of each task, sampled."""
    prompts = jnp.repeat(tasks, m)

    def one(k, p):
        episodes = sample_episodes(k, chances, action_cdf(p), prompts)
        return 1 - episodes.composite.reshape(tasks.shape[0], m).mean(-1)

    return jax.vmap(one)(jax.random.split(key, probs.shape[0]), probs)


def test_sampled_losses_follow_the_law():
    """50,000 tasks: frequencies of all outcomes of two policies within 5 standard errors."""
    instance, m, size = conflict(), 2, 50_000
    probs = sampled_policies(instance.policy, 2, 1.0)
    problem = episode_outcomes(instance.mdp, probs, m)
    tasks = jax.random.randint(jax.random.key(1), (size,), 0, 2)
    drawn = np.asarray(_sampled_losses(jax.random.key(2), Chances(instance.mdp), probs, tasks, m))
    for outcome, chance in zip(np.asarray(problem.loss).T, np.asarray(problem.chance), strict=True):
        seen = (np.abs(drawn - outcome[:, None]) < 1e-9).all(0).mean()
        assert abs(seen - chance) < 5 * np.sqrt(chance / size)


def test_episodes_are_no_tasks():
    """8 episodes of each of 6 tasks: the bound holds with n = 6, and fails with n = 48."""
    instance, m, n, delta = conflict(start=20.0), 8, 6, 0.05
    problem = episode_outcomes(instance.mdp, instance.policy.probs(instance.theta)[None], m)

    def rule(learned, at):
        counted = jnp.stack([at.n, m * at.n])
        price = jnp.array([xi(n), xi(n * m)])
        nats = learned.divergence[None] * jnp.ones((2, 1)), counted[:, None], at.delta
        return maurer(learned.empirical[None] * jnp.ones((2, 1)), *nats, price[:, None])

    tasks, episodes = coverage(problem, n, 1.0, [delta], rule).failure[:, 0]
    assert tasks <= delta < episodes


def test_bad_input():
    """The number of episodes, and what is too much to list, are named."""
    instance = search(6)
    probs = sampled_policies(instance.policy, 3, 1.0)
    with pytest.raises(ValueError, match="m = 0"):
        episode_outcomes(instance.mdp, probs, 0)
    with pytest.raises(ValueError, match="more than 200 outcomes"):
        episode_outcomes(instance.mdp, probs, 5)
