"""Policies: what their constructors refuse, and illegal actions."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers.small_models import GOOD

from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.mdp.policy import LogLinear, Tabular

MDP = TAMDP(**GOOD)


@pytest.mark.parametrize(
    ("observation", "message"),
    [
        ([0, 1, 0, 2], "observation[2] = 0: expected states of one layer (see state 0)"),
        ([0, 0, 1, 2], "observation[1] = 0: expected the legal actions of state 0"),
        ([0, 1, 2], "observation = array of shape (3,): expected shape (4,)"),
        ([0, 1, 2, -1], "observation[3] = -1: expected an index in 0..3"),
        # A row of logits for each index up to it would not fit into memory.
        ([0, 1, 2, 10**12], "observation[3] = 1000000000000: expected an index in 0..3"),
        ([0.0, 1.0, 2.0, 3.0], "observation[0] = 0.0: expected a whole number"),
    ],
)
def test_bad_observations_are_refused(observation, message):
    """States seen alike must be met at most once in an episode, and allow the same actions."""
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        Tabular(MDP, observation)


@pytest.mark.parametrize(
    ("features", "message"),
    [
        (np.zeros((4, 4)), "features = array of shape (4, 4): expected 3 axes"),
        (np.zeros((4, 3, 1)), "features = array of shape (4, 3, 1): expected shape (4, 4, 1)"),
        (np.zeros((4, 4, 0)), "features = array of shape (4, 4, 0): expected at least one"),
        (np.full((4, 4, 1), np.nan), "features[0, 0, 0] = nan: expected a number in"),
        ([[["x"]] * 4] * 4, "features[0, 0, 0] = 'x': expected a number"),
    ],
)
def test_bad_features_are_refused(features, message):
    """One feature vector for each state and action, or the logits mean nothing."""
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        LogLinear(MDP, features)


def _policies():
    """One of each kind, far from uniform."""
    rng = np.random.default_rng(0)
    table, linear = Tabular(MDP), LogLinear(MDP, rng.normal(size=(4, 4, 3)))
    return [(p, jax.device_put(3 * rng.normal(size=p.zeros().shape))) for p in (table, linear)]


def test_probabilities_are_a_softmax_over_legal_actions():
    """Against NumPy; an illegal action has probability exactly 0, which the sampler relies on."""
    for policy, theta in _policies():
        both = jax.jit(lambda p, t: (p.logits(t), p.probs(t), p.probs(p.zeros())))
        logits, probs, plain = map(np.asarray, both(policy, theta))
        weights = np.exp(logits) * np.asarray(MDP.legal)
        np.testing.assert_allclose(probs, weights / weights.sum(1, keepdims=True), atol=1e-14)
        assert (probs[~np.asarray(MDP.legal)] == 0).all()
        uniform = np.asarray(MDP.legal) / np.asarray(MDP.legal).sum(1, keepdims=True)
        np.testing.assert_allclose(plain, uniform, atol=1e-15)


def test_derivatives_are_finite_where_logits_are_extreme():
    """-inf of an illegal action, or a logit of 1e4, must not become NaN in a gradient."""
    for policy, theta in _policies():
        both = lambda t, p=policy: (p.probs(t), jnp.where(MDP.legal, p.log_probs(t), 0.0))  # noqa: E731
        for slope in jax.jit(jax.jacobian(both))(1e4 * theta):
            assert np.isfinite(np.asarray(slope)).all()


def test_unreachable_state_without_actions_is_harmless():
    """Such a state is allowed; its row is 0 and poisons nothing."""
    model = dict(GOOD) | {"tool_transition": [[[0, 0, 1, 0]] * 2, *[[[0] * 4] * 2] * 3]}
    model["legal"] = [*GOOD["legal"][:3], [False] * 4]
    policy = Tabular(TAMDP(**model))
    slopes = jax.jit(jax.jacobian(lambda t: (policy.probs(t),) * 2, has_aux=True))
    slope, probs = map(np.asarray, slopes(policy.zeros()))
    assert (probs[3] == 0).all()
    assert np.isfinite(slope).all()
