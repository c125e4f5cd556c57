"""The Jacobian of the expected update: by hand in fractions, and by central differences."""

from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from theory.advantages import Estimator
from theory.curl import asymmetry, update_jacobian
from theory.group_law import group_law
from theory.instances.bandit import PAYS, bandit, pair_update_curl
from theory.instances.search import search
from theory.update import expected_update

GRPO = Estimator("group_normalized")
THIRD = Fraction(1, 3)
_jacobian = jax.jit(update_jacobian)


def test_by_hand():
    """Three equally likely answers that pay 0, 1/2 and 1: J - J^T has entries +-2/27."""
    curl = pair_update_curl(PAYS, [THIRD] * 3)
    edge = Fraction(2, 27)
    assert curl == [[0, -edge, edge], [edge, 0, -edge], [-edge, edge, 0]]
    assert pair_update_curl(PAYS[:2], [THIRD, 1 - THIRD]) == [[0, 0], [0, 0]]


@pytest.mark.parametrize("chances", [(1, 1, 1), (1, 2, 3), (5, 1, 1)])
def test_fractions_against_automatic_differentiation(chances):
    """At rational policies the two antisymmetric parts are equal."""
    policy = [Fraction(c, sum(chances)) for c in chances]
    instance = bandit()
    theta = jnp.log(jnp.array([[float(p) for p in policy]]))
    law = group_law(instance.mdp, 2, GRPO)
    jacobian = _jacobian(instance.mdp, instance.policy, theta, law)
    exact = np.array(pair_update_curl(PAYS, policy), dtype=float)
    np.testing.assert_allclose(jacobian - jacobian.T, exact, atol=1e-14)


def test_against_central_differences():
    """On `search`, G = 5, a few columns."""
    instance = search(2)
    model = instance.mdp, instance.policy
    law = group_law(instance.mdp, 5, GRPO)
    jacobian = _jacobian(*model, instance.theta, law)
    field = jax.jit(lambda t: expected_update(*model, t, law).reshape(-1))
    for column in (0, 4, 9):
        step = jnp.zeros(instance.theta.size).at[column].set(1e-5).reshape(instance.theta.shape)
        slope = (field(instance.theta + step) - field(instance.theta - step)) / 2e-5
        np.testing.assert_allclose(jacobian[:, column], slope, atol=1e-9)


def test_asymmetry():
    """0 for a symmetric matrix and for 0, 2 for an antisymmetric one."""
    spin = jnp.array([[0.0, 1.0], [-1.0, 0.0]])
    assert float(asymmetry(jnp.eye(3))) == 0
    assert float(asymmetry(jnp.zeros((2, 2)))) == 0
    assert float(asymmetry(spin)) == 2
