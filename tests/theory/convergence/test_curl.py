"""The Jacobian of the expected update: by hand in fractions, and by central differences."""

from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from grpo_checks.theory.convergence.jacobian import asymmetry, jacobian_rounding, update_jacobian
from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.estimators.group_law import group_law
from grpo_checks.theory.instances.bandit import PAYS, bandit
from grpo_checks.theory.instances.tools.search import search
from grpo_checks.theory.updates.moments import expected_update

GRPO = Estimator("group_normalized")
THIRD = Fraction(1, 3)
_jacobian = jax.jit(update_jacobian)


def pair_update_curl(pays, policy):
    """J - J^T, J the Jacobian of E[g] in the logits, for `group_normalized` at G = 2, in fractions.

    For distinct pays E[g]_b = pi_b h_b with h_b = P(R < r_b) - P(R > r_b), since an advantage in a
    group of two is the sign of a difference; so J_bc = pi_b pi_c (sign(r_b - r_c) - 2 h_b), b != c.
    """
    n = range(len(pays))
    sign = [[(pays[b] > pays[c]) - (pays[b] < pays[c]) for c in n] for b in n]
    h = [sum((policy[c] * sign[b][c] for c in n), Fraction(0)) for b in n]
    return [[2 * policy[b] * policy[c] * (sign[b][c] - h[b] + h[c]) for c in n] for b in n]


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
    theta = jax.device_put(np.log([[float(p) for p in policy]]))
    law = group_law(instance.mdp, 2, GRPO)
    jacobian = np.asarray(_jacobian(instance.mdp, instance.policy, theta, law))
    exact = np.array(pair_update_curl(PAYS, policy), dtype=float)
    np.testing.assert_allclose(jacobian - jacobian.T, exact, atol=1e-14)


def test_against_central_differences():
    """On `search`, G = 5, a few columns."""
    instance = search(2)
    model = instance.mdp, instance.policy
    law = group_law(instance.mdp, 5, GRPO)
    theta, steps = np.asarray(instance.theta), 1e-5 * np.eye(instance.theta.size)
    jacobian = np.asarray(_jacobian(*model, instance.theta, law))
    compiled = jax.jit(lambda t: expected_update(*model, t, law).reshape(-1))
    field = lambda t: np.asarray(compiled(t))  # noqa: E731
    for column in (0, 4, 9):
        step = steps[column].reshape(theta.shape)
        slope = (field(theta + step) - field(theta - step)) / 2e-5
        np.testing.assert_allclose(jacobian[:, column], slope, atol=1e-9)


def test_asymmetry():
    """0 for a symmetric matrix and for 0, 2 for an antisymmetric one."""
    share = jax.jit(asymmetry)
    assert float(share(np.eye(2))) == 0
    assert float(share(np.zeros((2, 2)))) == 0
    assert float(share(np.array([[0.0, 1.0], [-1.0, 0.0]]))) == 2


@pytest.mark.parametrize("size", [2, 5])
@pytest.mark.parametrize(("ddof", "eps"), [(0, 0.0), (1, 0.5)])
def test_the_curl_at_the_vertex_of_the_proof(size, ddof, eps):
    """(G-1)(d3-d2)(1/(sd+eps) - eps/((d2 s+eps)(d3 s+eps))), of E[g] as a form in p_2 and p_3."""
    second, third = 0.3, 0.8
    instance = bandit(pays=(0, second, third))
    law = group_law(instance.mdp, size, Estimator("group_normalized", ddof, eps))

    def form(p):
        total = jnp.concatenate([1 - p.sum(keepdims=True), p])
        h = law.moments(total).mean / total
        return h[1:] - h[:1]

    # Next to the vertex, where h_v = E[A 1{v}]/p_v is defined.
    slopes = np.asarray(jax.jit(jax.jacfwd(form))(np.full(2, 1e-6)))
    sd = np.std([second, third, *[0] * (size - 2)], ddof=ddof)
    one = np.std([1, *[0] * (size - 1)], ddof=ddof)
    lost = eps / ((second * one + eps) * (third * one + eps))
    expected = (size - 1) * (third - second) * (1 / (sd + eps) - lost)
    assert slopes[1, 0] - slopes[0, 1] == pytest.approx(expected, rel=1e-4)


def test_rounding_of_the_jacobian():
    """The error that is stated is not exceeded where J is known in fractions, and is small."""
    instance = bandit()
    policy = [Fraction(1, 6), Fraction(1, 3), Fraction(1, 2)]
    theta = jax.device_put(np.log([[float(p) for p in policy]]))
    law = group_law(instance.mdp, 2, GRPO)
    jacobian = np.asarray(_jacobian(instance.mdp, instance.policy, theta, law))
    exact = np.array(pair_update_curl(PAYS, policy), dtype=float)
    error = np.linalg.norm(jacobian - jacobian.T - exact)
    stated = jacobian_rounding(instance.mdp, instance.policy, theta, law)
    assert error <= 2 * stated < 1e-11
