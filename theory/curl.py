"""Whether the expected update is the gradient of anything: the asymmetry of its Jacobian."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from theory.exact import Theta
from theory.group_law import GroupLaw
from theory.model import TAMDP
from theory.policy import Policy
from theory.update import expected_update


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
    apart = jnp.linalg.norm(jacobian - jacobian.T)
    return jnp.where(size > 0, apart / jnp.where(size > 0, size, 1.0), 0.0)
