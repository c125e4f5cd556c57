"""Exact quantities against a list of all episodes, on random models and on the named ones."""

from functools import cache

import equinox as eqx
import jax
import numpy as np
from helpers import oracles
from hypothesis import given, seed, settings
from hypothesis import strategies as st

from grpo_checks.theory.evaluation import values as exact
from grpo_checks.theory.evaluation.score import score_moments
from grpo_checks.theory.instances.random import random_instance
from grpo_checks.theory.instances.tools.coding import coding
from grpo_checks.theory.instances.tools.search import search

AXES = ("prompts", "width", "tools", "answers", "depth", "components", "separable", "features")
SHAPES = [
    (1, 1, 0, 2, 0, 1, True, 0),
    (2, 3, 0, 3, 0, 2, False, 3),
    (3, 2, 1, 2, 1, 3, False, 0),
    (3, 1, 2, 3, 1, 1, True, 3),
    (2, 2, 2, 3, 2, 2, True, 0),
    (1, 3, 2, 2, 2, 3, True, 3),
]
SEEDS = st.integers(0, 10**6)


def examples(test):
    """50 of them, the same for every test thanks to the seed, so that one computation serves."""
    return seed(0)(settings(max_examples=50, derandomize=True, deadline=None)(test))


def _close(ours, oracle, atol=1e-12):
    np.testing.assert_allclose(
        np.asarray(ours).reshape(np.shape(oracle)), oracle, atol=atol, rtol=0
    )


def _random_model(shape, number):
    instance = random_instance(seed=number, **dict(zip(AXES, shape, strict=True)))
    return oracles.pad_classes(instance.mdp), instance.policy


def _quantities(mdp, policy, theta, other):
    probs = policy.probs(theta)
    return {
        "probs": probs,
        "law": exact.reward_law(mdp, probs),
        "components": exact.component_values(mdp, probs),
        "prompts": exact.prompt_values(mdp, probs),
        "value": exact.value(mdp, policy, theta),
        "kl": exact.episode_kl(mdp, policy.log_probs(theta), policy.log_probs(other)),
        "slope": exact.gradient(mdp, policy, theta),
        "prompt slopes": exact.prompt_gradients(mdp, policy, theta),
        "law slopes": exact.law_gradients(mdp, policy, theta),
        "score": score_moments(mdp, policy, theta),
    }


_jitted = eqx.filter_jit(_quantities)


@cache
def _case(shape, number):
    """Model, policy, two parameters near and far from uniform, the exact values, the episodes."""
    if isinstance(shape, str):
        mdp, policy = {"search": search, "coding": coding}[shape]()[1:3]
    else:
        mdp, policy = _random_model(shape, number)
    rng = np.random.default_rng(number)
    theta, other = rng.uniform(0.1, 3) * rng.normal(size=(2, *policy.zeros().shape))
    ours = jax.tree.map(np.asarray, _jitted(mdp, policy, theta, other))
    return mdp, policy, (theta, other), ours, oracles.list_episodes(mdp, policy, theta)


CASES = st.tuples(st.sampled_from(SHAPES), SEEDS) | st.tuples(
    st.sampled_from(["search", "coding"]), st.integers(0, 1)
)


@examples
@given(CASES)
def test_values_are_sums_over_episodes(case):
    """The sweep over layers must count every path once, with its own reward vector."""
    mdp, _, _, ours, listed = _case(*case)
    _close(ours["law"], [oracles.by_class(mdp, p, np.ones(p.score.shape[0])) for p in listed])
    _close(ours["law"].sum(-1), np.ones(len(listed)), atol=1e-14 * ours["law"].shape[1])
    _close(ours["components"], [p.probability @ np.array(p.paths.reward, float) for p in listed])
    by_prompt = np.array([p.probability @ p.value for p in listed])
    _close(ours["prompts"], by_prompt)
    _close(ours["value"], np.asarray(mdp.prompt_distribution) @ by_prompt)


@examples
@given(CASES)
def test_kl_is_that_of_whole_episodes(case):
    """The chain rule sums over visited states; the definition sums over episodes."""
    mdp, policy, (_, other), ours, listed = _case(*case)
    others = oracles.list_episodes(mdp, policy, other)
    pairs = [(p.probability, q.probability) for p, q in zip(listed, others, strict=True)]
    _close(ours["kl"], [p @ np.log(p / q) for p, q in pairs])


@examples
@given(CASES)
def test_gradients_are_score_sums(case):
    """grad J = sum_tau p(tau) R(tau) s(tau): what every policy gradient estimates."""
    mdp, _, _, ours, listed = _case(*case)
    by_prompt = np.array([(p.probability * p.value) @ p.score for p in listed])
    _close(ours["prompt slopes"], by_prompt)
    _close(ours["slope"], np.asarray(mdp.prompt_distribution) @ by_prompt)
    _close(ours["law slopes"], [oracles.by_class(mdp, p, p.score) for p in listed])


@examples
@given(CASES)
def test_score_moments_are_sums_over_episodes(case):
    """E[|s|^2 1{v}] and what variances need of it, tr Cov((R-mu)s)."""
    mdp, _, _, ours, listed = _case(*case)
    squares = [np.square(p.score).sum(1) for p in listed]
    _close(ours["score"], [oracles.by_class(mdp, *x) for x in zip(listed, squares, strict=True)])
    values = np.asarray(mdp.class_composite)[None] - np.asarray(ours["prompts"])[:, None]
    slopes = np.asarray(ours["prompt slopes"]).reshape(len(listed), -1)
    spread = (values**2 * ours["score"]).sum(1) - np.square(slopes).sum(1)
    centred = [(p.value - p.probability @ p.value)[:, None] * p.score for p in listed]
    _close(
        spread, [oracles.moments(p.probability, x)[1] for p, x in zip(listed, centred, strict=True)]
    )


@examples
@given(CASES)
def test_gradient_is_the_slope_of_the_listed_value(case):
    """Finite differences know nothing of scores or of automatic differentiation."""
    mdp, policy, (theta, _), ours, listed = _case(*case)
    flat = theta.reshape(-1)
    weighed = zip(np.asarray(mdp.prompt_distribution), listed, strict=True)
    prompts = [(p.paths, rho * p.value) for rho, p in weighed]

    def value(at):
        probs = oracles.action_probs(policy, at)
        return sum(oracles.path_probability(paths, probs) @ worth for paths, worth in prompts)

    steps = 1e-5 * np.eye(flat.size)
    _close(ours["slope"], [(value(flat + h) - value(flat - h)) / 2e-5 for h in steps], atol=1e-6)


@examples
@given(CASES)
def test_illegal_actions_are_never_taken(case):
    """Exactly never, and without a NaN, also where the policy is all but deterministic."""
    mdp, policy, (theta, _), ours, _ = _case(*case)
    assert np.isfinite(np.concatenate([np.ravel(x) for x in ours.values()])).all()
    illegal = ~np.asarray(policy.legal)
    for scale in (1.0, 1000.0):
        at = _jitted(mdp, policy, scale * theta, theta)
        probs = np.asarray(at["probs"])
        assert (probs[illegal] == 0).all()
        _close(probs.sum(1), np.ones(len(probs)), atol=1e-14)
        assert np.isfinite(at["slope"]).all()


def test_eager_and_compiled_agree():
    """The caller decides what to compile; it must not decide the value."""
    mdp, policy, pair, ours, _ = _case(SHAPES[2], 0)
    for name, eager in _quantities(mdp, policy, *jax.device_put(pair)).items():
        _close(eager, ours[name], atol=1e-14)


def test_batched_and_single_agree():
    """What is tested one at a time must be what sweeps over thousands compute."""
    mdp, policy, (theta, other), ours, _ = _case(SHAPES[3], 0)
    pairs = np.stack([other, theta]), np.stack([theta, other])
    several = jax.jit(jax.vmap(lambda t, o: _quantities(mdp, policy, t, o)))(*pairs)
    batched = jax.tree.map(np.asarray, several)
    for name, expected in ours.items():
        _close(batched[name][1], expected, atol=1e-14)
        assert not np.allclose(batched[name][0], expected)
