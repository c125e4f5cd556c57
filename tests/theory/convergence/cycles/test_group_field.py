"""The formula of one decision, against the moments of models at several group sizes."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from grpo_checks.theory.convergence.cycles.duels import duel_update, duels
from grpo_checks.theory.convergence.cycles.group_field import advantage_table, group_update
from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.estimators.group_law import group_law
from grpo_checks.theory.mdp.lotteries import lottery_model
from grpo_checks.theory.mdp.policy import Tabular
from grpo_checks.theory.updates.moments import expected_update

ESTIMATORS = [
    Estimator("group_normalized"),
    Estimator("group_normalized", 1, 1e-4),
    Estimator("componentwise_normalized", 0, 1e-2),
    Estimator("leave_one_out"),
    Estimator("mean_baseline"),
]
LAWS = [["1/2", "1/4", "1/4", 0], ["1/8", 0, "1/8", "3/4"], [0, "1/2", "3/8", "1/8"]]
VECTORS, WEIGHTS = [(0, 0), (0, 1), (1, 0), (1, 1)], (1, 1)
"""Two vectors have one composite."""
MODEL = (
    np.ones(1),
    np.array([[[0.5, 0.25, 0.25, 0], [0.125, 0, 0.125, 0.75], [0, 0.5, 0.375, 0.125]]]),
    np.array(VECTORS, float),
    np.array(WEIGHTS, float),
)
THETA = np.array([0.7, -0.2, 0.1])


_expected = jax.jit(expected_update)
_duels, _duel_update = jax.jit(duels, static_argnums=4), jax.jit(duel_update)


@partial(jax.jit, static_argnums=(1, 2))
def _update(model, estimator, group_size):
    share, outcome, *rewards = model
    table = advantage_table(*rewards, estimator, group_size)
    return group_update(share, outcome, table, group_size, jnp.array(THETA))


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("group_size", [2, 3, 5])
def test_update_of_a_model(estimator, group_size):
    """Both ways to add up groups."""
    mdp = lottery_model(LAWS, VECTORS, WEIGHTS)
    policy = Tabular(mdp)
    theta = np.zeros(policy.zeros().shape)
    theta[0, :3] = THETA
    law = group_law(mdp, group_size, estimator, room=5)
    expected = np.asarray(_expected(mdp, policy, theta, law))[0, :3]
    np.testing.assert_allclose(_update(MODEL, estimator, group_size), expected, atol=1e-15)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_pairs(estimator):
    """Of several prompts, two members: the duels."""
    _, outcome, *rewards = MODEL
    several = (np.array([0.25, 0.75]), np.stack([outcome[0], outcome[0, [1, 2, 0]]]), *rewards)
    expected = _duel_update(_duels(*several, estimator), THETA)
    np.testing.assert_allclose(_update(several, estimator, 2), expected, atol=1e-16)
