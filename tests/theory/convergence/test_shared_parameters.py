"""One logit that leads decomposed ascent away: slopes by another way, and F_G in JAX."""

from functools import partial

import jax
import numpy as np

from grpo_checks.theory.convergence.shared_parameters import (
    largest_factor,
    potential_slope,
    potentials,
    value_slopes,
)
from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.estimators.group_law import group_law
from grpo_checks.theory.estimators.response import kappa, potential
from grpo_checks.theory.evaluation.values import gradient
from grpo_checks.theory.instances.menu import menu
from grpo_checks.theory.mdp.policy import LogLinear
from grpo_checks.theory.updates.moments import expected_update

GROUP, WEIGHTS = 4, (1, "971/1000")
CALLS = (("12/25", "1/25"), ("13/25", 0), (1, 1))
MDP = menu(calls=CALLS, weights=WEIGHTS).mdp
FEATURES = np.zeros((*MDP.legal.shape, 1))
FEATURES[0, :3, 0] = [0, 1, 2]
POLICY = LogLinear(MDP, FEATURES)
ALL = np.linspace(-12.0, 12.0, 41)


def test_slopes_are_those_of_the_exact_update():
    """E[g] = t/D^2 sum_k w_k c_G(p_k) N_k by listing groups, and grad J likewise; below -10 ascent
    of Jtilde goes down."""
    law = group_law(MDP, GROUP, Estimator("componentwise_normalized"))
    chances, weights = np.array([[0.48, 0.04], [0.52, 0.0], [1.0, 1.0]]), np.array([1.0, 0.971])

    @jax.jit
    def both(x):
        update = expected_update(MDP, POLICY, x[None], law)[0], gradient(MDP, POLICY, x[None])[0]
        return *update, potential_slope(chances, weights, jax.numpy.exp(x), GROUP)

    mean, slope, formula = map(np.asarray, jax.lax.map(both, ALL))
    t = np.exp(ALL)
    scale = t / (1 + t + t**2) ** 2
    np.testing.assert_allclose(mean, scale * formula, rtol=1e-9, atol=1e-15)
    polynomial = np.polynomial.Polynomial(np.asarray(value_slopes(chances, weights)))
    np.testing.assert_allclose(slope, scale * polynomial(t), rtol=1e-9, atol=1e-15)
    assert (mean[ALL <= -10] < 0).all()
    assert (slope > 0).all()


def test_the_potential_and_the_factor_in_jax():
    """Against those of ``theory.estimators.response``."""
    p = jax.numpy.linspace(0, 1, 7)
    for size, ddof, eps in ((2, 0, 0.0), (4, 0, 0.0), (8, 1, 0.1)):
        ours = jax.jit(partial(potentials, group_size=size, ddof=ddof))(p, eps=eps)
        np.testing.assert_allclose(ours, potential(p, size, ddof, eps), rtol=1e-12)
        largest = kappa(size)
        np.testing.assert_allclose(
            float(largest_factor(size)), (largest - 1) / (largest + 1), rtol=1e-9, atol=1e-15
        )
