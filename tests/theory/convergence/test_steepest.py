"""The steepest curvature known: checks of smoothness can fail."""

import jax
import numpy as np

from grpo_checks.theory.convergence.smoothness import smoothness, tabular_smoothness
from grpo_checks.theory.evaluation.values import value
from grpo_checks.theory.instances.instance import Instance
from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.mdp.policy import Tabular


def two_steps():
    """J = p q over two states with two actions each, the steepest curvature known: 27/64 of L."""
    mdp = TAMDP(
        prompt_distribution=[1.0],
        initial_distribution=[[1.0, 0.0]],
        depth=[0, 1],
        tool_transition=[[[0.0, 1.0]], [[0.0, 0.0]]],
        legal=[[True, True, False], [False, True, True]],
        reward=[[[[0], [0]], [[1], [0]]]],
        weights=[1],
    )
    # Success probability 3/4 in both states.
    return Instance("two steps", mdp, Tabular(mdp), jax.device_put(np.log([[3, 1, 1], [1, 3, 1]])))


def test_a_quarter_of_smoothness_is_exceeded():
    """The check can fail: it sees an L that is too small by a factor of 64/27 or more."""
    _, mdp, policy, theta, *_ = two_steps()

    @jax.jit
    def quantities(at):
        slope = jax.grad(lambda t: value(mdp, policy, t))
        hessian = jax.jacfwd(lambda t: (slope(t),) * 2, has_aux=True)
        return smoothness(mdp, policy), tabular_smoothness(mdp, policy), hessian(at)

    L, tabular, (hessian, slope) = jax.tree.map(np.asarray, quantities(theta))
    norm = np.abs(np.linalg.eigvalsh(hessian.reshape(slope.size, -1))).max()
    assert tabular == L == 0.5
    np.testing.assert_allclose(norm / L, 27 / 64, atol=1e-12)
    assert norm > L / 4
    np.testing.assert_allclose(np.square(slope).sum(), 2 * 2 * (3 / 4 * 3 / 16) ** 2, atol=1e-12)
