"""Exact numbers of many policies at once against those of one, and the places they run over."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.estimators.group_law import group_law, plain_law
from grpo_checks.theory.evaluation.batched_values import lane_moments, lane_probs
from grpo_checks.theory.evaluation.values import (
    action_values,
    prompt_gradients,
    prompt_values,
    visits,
)
from grpo_checks.theory.instances.conflict import conflict
from grpo_checks.theory.instances.random import random_instance
from grpo_checks.theory.instances.tools.search import search
from grpo_checks.theory.mdp.places import Chances
from grpo_checks.theory.training.batch import Training
from grpo_checks.theory.training.recording import record
from grpo_checks.theory.updates.moments import combine, prompt_moments
from grpo_checks.theory.updates.policy_law import pair_moments

INSTANCES = {
    "search": search(),
    "conflict": conflict(start=0.4),
    "shared": random_instance(seed=1, separable=False, features=2, prompts=3),
    "tabular": random_instance(seed=5, separable=False, prompts=3),
}
LANES = 3
LOO = Estimator("leave_one_out")


def _thetas(name):
    start = INSTANCES[name].theta
    return np.asarray(start)[..., None] + np.random.default_rng(1).normal(
        size=(*start.shape, LANES)
    )


@pytest.mark.parametrize("name", list(INSTANCES))
def test_moments_are_those_of_one_policy(name):
    """J_q, its gradient, a and 2b - a; a lane knows nothing of the others."""
    _, mdp, policy, *_ = INSTANCES[name]
    thetas = _thetas(name)
    lanes = jax.jit(lambda t: lane_moments(Chances(mdp), policy, t))(thetas)
    observed = jax.tree.map(np.asarray, lanes)
    one = jax.jit(lambda t: (prompt_values(mdp, policy.probs(t)), pair_moments(mdp, policy, t)))
    for i in range(LANES):
        value, pairs = one(thetas[..., i])
        for mine, theirs in zip(observed, (value, *pairs), strict=True):
            np.testing.assert_allclose(mine[..., i], theirs, atol=1e-13)
    assert np.ptp(observed.spread, axis=-1).min() > 1e-3


def test_numbers_of_places_are_those_of_states():
    """Chances of being there, worth of actions: one row for each pair that can occur."""
    _, mdp, policy, theta, *_ = INSTANCES["tabular"]
    chances = Chances(mdp)
    prompt, state = np.asarray(chances.belongs).argmax(0), np.asarray(chances.state[:-1])
    assert not chances.one_each
    assert len({*zip(prompt, state, strict=True)}) == state.size
    probs = jax.jit(lambda t: policy.probs(t))(theta)
    seen, worth = map(np.asarray, jax.jit(lambda p: (visits(mdp, p), action_values(mdp, p)))(probs))
    assert (seen > 0).sum() == state.size
    assert seen[prompt, state].min() > 0
    earned = worth[prompt, state][:, mdp.n_tools :]
    np.testing.assert_array_equal(chances.earned, earned)


DRAWN = None, 2


@pytest.mark.parametrize("estimator", [LOO, Estimator("group_normalized")])
def test_records_are_the_exact_moments(estimator):
    """Bias and V by either way, full sweep and drawn prompts."""
    _, mdp, policy, *_ = INSTANCES["conflict"]
    thetas, law = _thetas("conflict"), group_law(mdp, 4, estimator)
    trainings = [Training(estimator, 4, prompts) for prompts in DRAWN]

    @jax.jit
    def records(t):
        return [record(mdp, Chances(mdp), policy, t, training, law) for training in trainings]

    @jax.jit
    def one(t):
        groups = prompt_moments(mdp, policy, t, law)
        return [combine(mdp.prompt_distribution, groups, prompts) for prompts in DRAWN]

    observed = jax.tree.map(np.asarray, records(thetas))
    for i in range(LANES):
        for recorded, exact in zip(observed, one(thetas[..., i]), strict=True):
            values = (exact.gradient, exact.squared_bias, exact.variance)
            mine = (recorded.gradient[:, i], recorded.squared_bias[i], recorded.variance[i])
            for a, b in zip(mine, values, strict=True):
                np.testing.assert_allclose(a, b, atol=1e-13)


def test_mean_baseline_shrinks():
    """A mutant: `leave_one_out`'s moments for `mean_baseline` have no bias."""
    _, mdp, policy, *_ = INSTANCES["search"]
    thetas, shrunk = _thetas("search"), Estimator("mean_baseline")
    training = Training(shrunk, 4)
    both = jax.jit(
        lambda t: [
            record(None, Chances(mdp), policy, t, training, plain_law(e, 4)) for e in (shrunk, LOO)
        ]
    )
    observed, plain = both(thetas)
    slopes = jax.jit(jax.vmap(lambda t: prompt_gradients(mdp, policy, t), -1))(thetas)
    square = jnp.square(jnp.einsum("q,lqoa->loa", mdp.prompt_distribution, slopes)).sum((1, 2))
    np.testing.assert_allclose(observed.squared_bias, square / 16, atol=1e-13)
    assert (plain.squared_bias == 0).all()
    assert (observed.squared_bias > 1e-5).all()


def test_probabilities_are_exactly_zero_where_illegal():
    """As those of one policy, to rounding."""
    _, mdp, policy, *_ = INSTANCES["tabular"]
    thetas = _thetas("tabular")
    values, one = map(
        np.asarray,
        jax.jit(lambda t: (lane_probs(policy, t), policy.probs(t[..., 1])))(thetas),
    )
    assert (values[~np.asarray(mdp.legal)] == 0).all()
    np.testing.assert_allclose(values[..., 1], one, atol=1e-15)


@pytest.mark.parametrize(
    ("estimator", "objective", "by"),
    [
        ("group_normalized", "reward", "group_normalized"),
        ("componentwise_normalized", "potential", "potential"),
    ],
)
def test_a_missing_model_is_named(estimator, objective, by):
    """What cannot do without it says so."""
    _, mdp, policy, *_ = INSTANCES["conflict"]
    training = Training(Estimator(estimator), 4, objective=objective)
    law = group_law(mdp, 4, training.estimator)
    chances, thetas = Chances(mdp), _thetas("conflict")
    with pytest.raises(ValueError, match=f"mdp = None: expected the model, needed by {by}"):
        jax.jit(lambda t: record(None, chances, policy, t, training, law))(thetas)
