"""Whether the expected update is the gradient of anything: the asymmetry of its Jacobian.

**Theorem (derived).** One prompt, m >= 3 distinct composites, and m - 1 of their gradients
grad p(v) independent: E[g] of `group_normalized` is the gradient of no function, whatever G, eps
and ddof, be the rewards of an action sure or not.

*Proof.* E[g] = sum_v h_v(p) grad p(v), with h_v a polynomial in the law p of the composites, is
what the one-form sum_v h_v dp_v on the simplex becomes under theta -> p. Take a face with three
values, the lowest and two others, d_2 < d_3 above it. At the vertex of the lowest only groups with
one other member count to first order, and the curl in the coordinates p_2, p_3 is

    (G-1) (d_3-d_2) (1/(sd+eps) - eps/((d_2 s+eps)(d_3 s+eps))),

s and sd the deviations of (1,0,..,0) and (d_2,d_3,0,..,0). By the triangle inequality
sd <= (d_2+d_3) s, so (d_2 s+eps)(d_3 s+eps) > eps (sd+eps): it is positive. Hence the curl, a
polynomial, vanishes on no open part of the simplex. The policies at which theta -> p has rank m - 1
are open and dense, and their laws fill an open part; pulled back by a map of full rank, a two-form
that is not 0 is not 0. Several prompts: where a prompt meets both conditions in parameters that
no other prompt's episodes depend on, these parameters' block of the Jacobian is its own. On shared
parameters prompts can cancel each other. ``theory.evaluation.reward_span`` decides the conditions.
"""

from math import sqrt

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from grpo_checks.theory.convergence.smoothness import squared_score_bound
from grpo_checks.theory.estimators.group_law import GroupLaw
from grpo_checks.theory.evaluation.values import Theta
from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.mdp.policy import Policy
from grpo_checks.theory.updates.moments import expected_update
from grpo_checks.theory.updates.rounding import law_roundings, rounding, sweep_roundings

_score_bound = jax.jit(squared_score_bound)


def update_jacobian(
    mdp: TAMDP, policy: Policy, theta: Theta, group: GroupLaw
) -> Float[Array, "n n"]:
    """d E[g]_b / d theta_c, theta flattened to n numbers, by forward differentiation."""

    def field(flat: Float[Array, " n"]) -> Float[Array, " n"]:
        return expected_update(mdp, policy, flat.reshape(theta.shape), group).reshape(-1)

    return jax.jacfwd(field)(theta.reshape(-1))


def asymmetry(jacobian: Float[Array, "n n"]) -> Float[Array, ""]:
    """|J - J^T|/|J| in Frobenius norm, in [0, 2]; 0 for the Hessian of a function."""
    size = jnp.linalg.norm(jacobian)
    difference = jnp.linalg.norm(jacobian - jacobian.T)
    return jnp.where(size > 0, difference / jnp.where(size > 0, size, 1.0), 0.0)


def jacobian_rounding(mdp: TAMDP, policy: Policy, theta: Theta, group: GroupLaw) -> float:
    """How far float64 may be off in |J|, in Frobenius norm (derived).

    J sums derivatives of h_v times gradients, and h_v times Hessians; their magnitudes add up to
    at most 2 G max|A| E|s|^2, max|A| <= sqrt(G-1). On the way to a term lie a product of G chances
    and a sum over groups, twice with the derivative, and one of each sweep that a factor is from.
    """
    size = int(group.group_size)
    steps = 2 * law_roundings(group) + 3 * sweep_roundings(mdp, policy, theta)
    largest = 2 * size * sqrt(size - 1) * float(_score_bound(mdp, policy))
    return rounding(largest, steps)
