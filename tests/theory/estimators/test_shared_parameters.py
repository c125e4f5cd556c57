"""What T2.kappa does not say: with shared parameters decomposed ascent can lose everything.

Three calls with success chances (.48, .04), (.52, 0) and (1, 1), one logit with features 0, 1, 2.
"""

import jax
import numpy as np
import pytest

from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.estimators.group_law import group_law
from grpo_checks.theory.estimators.response import response
from grpo_checks.theory.evaluation.values import gradient, value
from grpo_checks.theory.instances.menu import menu
from grpo_checks.theory.mdp.policy import LogLinear
from grpo_checks.theory.updates.moments import expected_update

GROUP, WEIGHTS = 4, (1, "971/1000")
LAW = Estimator("componentwise_normalized")
MDP = menu(calls=(("12/25", "1/25"), ("13/25", 0), (1, 1)), weights=WEIGHTS).mdp
FEATURES = np.zeros((*MDP.legal.shape, 1))
FEATURES[0, :3, 0] = [0, 1, 2]
POLICY = LogLinear(MDP, FEATURES)
START = -10.0
LEFT = np.linspace(4 * START, START, 31)[:, None]
ALL = np.linspace(4 * START, -2 * START, 61)[:, None]


def _over(field, places):
    return np.asarray(jax.jit(lambda x: jax.lax.map(field, x))(places))


def test_decomposed_ascent_goes_down_and_joint_ascent_up():
    """By sign, from -10 on to -infinity and everywhere; the limits are .51884 and 1.971."""
    law = group_law(MDP, GROUP, LAW)
    assert (_over(lambda x: expected_update(MDP, POLICY, x, law), LEFT) < 0).all()
    assert (_over(lambda x: gradient(MDP, POLICY, x), ALL) > 0).all()
    low, high = _over(lambda x: value(MDP, POLICY, x), np.array([[-40.0], [40.0]]))
    assert low == pytest.approx(0.51884, abs=1e-12)
    assert high == pytest.approx(1.971, abs=1e-12)


def test_the_loss_is_all_that_the_components_can_move():
    """Not (kappa-1)/(kappa+1) of it, which for G = 4 is at most 3.5 %."""
    movable = 1 * (1 - 0.48) + 0.971 * (1 - 0.04)
    assert pytest.approx(movable) == 1.971 - 0.51884


@pytest.mark.parametrize(("size", "weight"), [(4, 0.971), (8, 0.87), (16, 0.787)])
def test_the_weight_from_which_it_happens(size, weight):
    """Where one more call of the second kind gains less than it loses: w_2 > c_G(.48)/c_G(.04)."""
    c = np.asarray(jax.jit(response, static_argnums=1)(np.array([0.48, 0.04]), size))
    assert c[0] / c[1] < weight < 1
    if size == GROUP:
        assert c[0] / c[1] == pytest.approx(0.9428, abs=5e-5)
