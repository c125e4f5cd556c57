"""The KL-regularised maximiser, against listed episodes: closed form, optimality, the bound h."""

from functools import cache
from itertools import pairwise

import equinox as eqx
import jax
import numpy as np
import pytest
from helpers import oracles
from scipy.special import expit, logit

from grpo_checks.theory.evaluation.tilting import (
    best_outcome,
    has_no_chance,
    iterate,
    per_prompt,
    regularised,
    success,
    tilt,
    whitened,
)
from grpo_checks.theory.instances.bits import bits
from grpo_checks.theory.instances.random import random_instance
from grpo_checks.theory.instances.tools.coding import coding

BETA, EPS = 0.7, 1e-3
TREE = random_instance(1, seed=4, prompts=2, width=2, tools=2, answers=2, depth=1)


_log_probs = jax.jit(lambda policy, theta: policy.log_probs(theta))


@eqx.filter_jit
def _solve(mdp, policy, theta, event):
    """pi_ref, advantage, maximiser, its chance of success and F."""
    reference = per_prompt(mdp, policy.log_probs(theta))
    advantage = whitened(event, success(mdp, reference, event), EPS)
    best = tilt(mdp, reference, advantage, BETA)
    value = regularised(mdp, best, reference, advantage, BETA)
    return reference, advantage, best, success(mdp, best, event), value


@cache
def _tree():
    event = best_outcome(TREE.mdp, 0)
    solution = _solve(TREE.mdp, TREE.policy, TREE.theta, event)
    return tuple(map(np.asarray, (event, *solution)))


def _listed(mdp, prompt, log_probs):
    """Paths and their probabilities under a policy."""
    paths = oracles.list_paths(mdp, prompt)
    return paths, oracles.path_probability(paths, np.exp(np.asarray(log_probs)))


def _objective(mdp, prompt, log_probs, reference, advantage):
    """E[A] - beta KL over listed episodes."""
    paths, p = _listed(mdp, prompt, log_probs)
    q = _listed(mdp, prompt, reference)[1]
    vectors = [tuple(map(oracles.rational, v)) for v in mdp.class_vector.tolist()]
    gain = np.array([advantage[vectors.index(r)] for r in paths.reward])
    kept = p > 0
    return p @ gain - BETA * (p[kept] @ np.log(p[kept] / q[kept]))


def test_certain_tools_give_the_exponential_tilt():
    """One decision: pi_ref exp(A/beta), normalised, answer by answer."""
    instance = bits(2, success=0.3)
    event = best_outcome(instance.mdp, 1)
    reference, advantage, best, *_ = _solve(*instance[1:4], event)
    earned = np.asarray(advantage)[0][np.asarray(instance.mdp.class_index)[0, 0]]
    weight = np.exp(np.asarray(reference)[0, 0] + earned / BETA)
    np.testing.assert_allclose(np.exp(np.asarray(best))[0, 0], weight / weight.sum(), rtol=1e-12)
    assert has_no_chance(instance.mdp)


@pytest.mark.parametrize("prompt", [0, 1])
def test_what_any_policy_loses_is_its_divergence(prompt):
    """F* - F(pi) = beta KL(pi || maximiser) > 0, all from listed episodes, random tools."""
    _, reference, advantage, best, _, value = _tree()
    assert not has_no_chance(TREE.mdp)
    one = (np.asarray(x)[prompt] for x in (reference, advantage, best))
    reference, advantage, best = one
    top = _objective(TREE.mdp, prompt, best, reference, advantage)
    assert np.isclose(top, float(value[prompt]), rtol=1e-12)
    q = _listed(TREE.mdp, prompt, best)[1]
    for seed in range(20):
        theta = np.random.default_rng(seed).normal(size=TREE.theta.shape)
        other = np.asarray(_log_probs(TREE.policy, theta))
        p = _listed(TREE.mdp, prompt, other)[1]
        lost = top - _objective(TREE.mdp, prompt, other, reference, advantage)
        assert lost > 0
        assert np.isclose(lost, BETA * (p @ np.log(p / q)), rtol=1e-9)


def test_chance_of_success_of_the_maximiser():
    """By listed episodes, each prompt under its own policy."""
    event, _, _, best, chance, _ = _tree()
    vectors = [tuple(map(oracles.rational, v)) for v in TREE.mdp.class_vector.tolist()]
    for q in range(2):
        paths, p = _listed(TREE.mdp, q, best[q])
        won = np.array([float(event[vectors.index(r)]) for r in paths.reward])
        assert np.isclose(float(chance[q]), p @ won, rtol=1e-12)


def _next(p, reference, beta, eps):
    return expit(logit(reference) + 1 / (beta * np.sqrt(p * (1 - p) + eps)))


_iterate = eqx.filter_jit(iterate)
_reference = jax.jit(lambda mdp, policy, theta: per_prompt(mdp, policy.log_probs(theta)))


@pytest.mark.parametrize("instance", [bits(2, success=0.3), coding(2)], ids=lambda i: i.name)
def test_the_recurrence_is_reached_or_bounds(instance):
    """Equality without chance; with random tools p_n <= h(p_{n-1}), strictly on `coding`."""
    reference = _reference(instance.mdp, instance.policy, instance.theta)
    event = best_outcome(instance.mdp, 1)
    chances = np.asarray(_iterate(instance.mdp, reference, event, 2.0, 0.01, 6))
    for before, after in pairwise(chances):
        bound = _next(before, chances[0], 2.0, 0.01)
        if has_no_chance(instance.mdp):
            np.testing.assert_allclose(after, bound, rtol=1e-12)
        else:
            assert (after < bound - 1e-3).all()
        assert (after > chances[0]).all()


def test_certain_rewards_have_no_advantage():
    """Zero, not NaN, where p is 0 or 1 and eps = 0; and the maximiser is then pi_ref."""
    advantages = jax.jit(whitened)(np.array([0.0, 1.0]), np.array([0.0, 1.0, 0.5]), 0.0)
    np.testing.assert_array_equal(advantages, [[0, 0], [0, 0], [-1, 1]])
    reference = _tree()[1]
    same = jax.jit(tilt)(TREE.mdp, reference, np.zeros((2, TREE.mdp.class_composite.size)), 1.0)
    np.testing.assert_allclose(np.exp(np.asarray(same)), np.exp(reference), atol=1e-14)
