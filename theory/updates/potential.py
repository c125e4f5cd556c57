"""The potential that decomposed GRPO climbs: Jtilde = sum_q rho_q sum_k w_k F_G(J_qk).

For binary components E[g] of `componentwise_normalized` is grad Jtilde, for any policy class, any
dependence between the components, any eps and ddof: E[g] = sum_k w_k c_G(J_k) grad J_k and
F_G' = c_G (derived; T1.surrogate, T2.potential).

**Smoothness (derived).** Jtilde is b_1 L-smooth, L that of J and b_1 = c_G(0) = c_G(1), which is
sqrt(G-1) at eps = 0, ddof = 0. For one component with success probability p and a direction x, let
y = x·s, V = E y^2 and split it by success, V = A + B. As in ``theory.convergence.smoothness``, L
stands for sup V, and x·Hess p·x = A - N with 0 <= N <= V; by Cauchy-Schwarz (x·grad p)^2 <= min(p
A, (1-p) B). So x·Hess F_G(p)·x = c (A - N) + c' (x·grad p)^2. For p >= 1/2, c' >= 0, and c convex
gives c' (1-p) <= b_1 - c: the sum is at most c A + (b_1 - c) B <= b_1 V and at least -c V. For p <=
1/2, c' <= 0 and |c'| p <= b_1 - c: it is at most c A and at least -c V - (b_1 - c) V = -b_1 V.
"""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.estimators.response import coefficients, potential
from grpo_checks.theory.evaluation.values import Theta, component_values
from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.mdp.policy import Policy


def check_binary(mdp: TAMDP) -> None:
    """Every component reward is 0 or 1; raises ValueError otherwise. Call it outside jit."""
    values = np.asarray(mdp.class_vector)
    graded = values[(values != 0) & (values != 1)]
    if graded.size:
        raise ValueError(f"reward = {graded[0]}: expected 0 or 1, Jtilde is for binary components")


def potential_value(
    mdp: TAMDP, policy: Policy, theta: Theta, group_size: int, estimator: Estimator
) -> Float[Array, ""]:
    """Jtilde(theta) >= 0; binary components are taken for granted, see ``check_binary``."""
    success = component_values(mdp, policy.probs(theta))
    values = potential(success, group_size, estimator.ddof, estimator.eps)
    return mdp.prompt_distribution @ (values @ mdp.weights)


def steepest_response(group_size: int, estimator: Estimator) -> float:
    """b_1 = sup c_G: what the smoothness of J and its largest gradient are multiplied by."""
    return float(coefficients(group_size, estimator.ddof, estimator.eps)[0])


def largest_potential(mdp: TAMDP, group_size: int, estimator: Estimator) -> Float[Array, ""]:
    """R_max F_G(1) >= sup Jtilde."""
    best = potential(jnp.asarray(1.0), group_size, estimator.ddof, estimator.eps)
    return mdp.max_reward * best
