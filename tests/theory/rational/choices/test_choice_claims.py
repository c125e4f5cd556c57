"""Choice models in rational numbers against the float code: noise and curl."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flint import fmpq

from grpo_checks.theory.convergence.jacobian import update_jacobian
from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.estimators.group_law import group_law
from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.mdp.policy import Tabular
from grpo_checks.theory.rational.choices.choice import parse_choice
from grpo_checks.theory.rational.choices.curl import deciding_policies, jacobian, split
from grpo_checks.theory.rational.choices.update import update
from grpo_checks.theory.updates.moments import update_moments

ODDS, SHARES = [[1, 2, 3], [2, 2, 1]], [3, 2]
REWARDS = [[["1/4", 1], [1, 0], ["1/2", "1/2"]], [[0, 0], ["3/4", 1], [1, 1]]]
WEIGHTS = [1, "1/2"]


def _document(odds, shares, rewards, weights):
    prompts = [
        {
            "share": share,
            "actions": [
                {"odds": o, "outcomes": [{"share": 1, "rewards": r}]}
                for o, r in zip(row, rows, strict=True)
            ],
        }
        for share, row, rows in zip(shares, odds, rewards, strict=True)
    ]
    return {"weights": weights, "prompts": prompts}


def _model(odds, shares, rewards, weights):
    n, actions = len(shares), len(odds[0])
    reward = np.empty((n, n, actions, len(weights)), object)
    reward[:] = np.array(rewards, object)[:, None]
    mdp = TAMDP(
        prompt_distribution=[s / sum(shares) for s in shares],
        initial_distribution=np.eye(n),
        depth=[0] * n,
        tool_transition=[],
        legal=np.ones((n, actions), bool),
        reward=reward.tolist(),
        weights=weights,
    )
    return mdp, Tabular(mdp), jnp.log(jnp.asarray(odds, float))


CHOICE = parse_choice(_document(ODDS, SHARES, REWARDS, WEIGHTS))


@pytest.mark.parametrize(
    "estimator",
    [
        Estimator("leave_one_out"),
        Estimator("group_normalized", 1, 0.25),
        Estimator("componentwise_normalized"),
    ],
)
def test_moments(estimator):
    """By listing groups, and by the group law."""
    model = _model(ODDS, SHARES, REWARDS, WEIGHTS)
    law = group_law(model[0], 3, estimator)
    moments = jax.jit(update_moments)(*model, law)
    listed = update(CHOICE, 3, estimator)
    np.testing.assert_allclose(moments.mean, [float(x) for x in listed.mean], atol=1e-14)
    assert float(moments.variance) == pytest.approx(float(listed.variance), rel=1e-12)


def test_jacobian():
    """E[g S^T] by listing groups, and forward differentiation of the group law."""
    problem = ([[1, 2, 3]], [1], [[[0], ["1/2"], [1]]], [1])
    model, estimator = _model(*problem), Estimator("group_normalized")
    law = group_law(model[0], 3, estimator)
    observed = jax.jit(update_jacobian)(*model, law)
    choice = parse_choice(_document(*problem))
    listed = jacobian(choice.kinds[0], choice.weights, 3, estimator)
    expected = [[float(x) for x in row] for row in listed]
    np.testing.assert_allclose(observed, expected, atol=1e-14)
    even, odd = split(listed)
    size = np.square(observed).sum()
    assert float(even + odd) == pytest.approx(size, rel=1e-12)


def test_deciding_policies():
    """As many as a polynomial of degree G + 1 on the simplex has coefficients; all inside."""
    for n, size, count in ((2, 2, 4), (3, 2, 10), (3, 4, 21), (4, 2, 20)):
        policies = list(deciding_policies(n, size))
        assert len(set(policies)) == count
        assert all(min(p) > 0 and sum(p, fmpq(0)) == 1 for p in policies)
