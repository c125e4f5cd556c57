"""Choice models in rational numbers against the float code: noise."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.estimators.group_law import group_law
from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.mdp.policy import Tabular
from grpo_checks.theory.rational.choices.choice import parse_choice
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
