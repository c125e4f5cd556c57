"""One binary reward: the curl of std-normalised GRPO under weights by length.

Advantages of a group add up to 0 and depend on rewards alone, so that given its own reward a
member expects (1 - p) c_G(p) if it is right and -p c_G(p) if not,
c_G(p) = E sqrt(k (G-k))/(G p (1-p)), k ~ Bin(G, p) (eps = 0, ddof = 0; theory section 1). With a
weight c(l) of an episode's score, and

    a = E[r c(l)],  u = E[c(l)],

a prompt's E[g] is c_G(p) (grad a - p grad u). Its curl, d E[g]_b/d theta_c - d E[g]_c/d theta_b, is

    -(c_G'(p) dp ^ (da - p du) - c_G(p) dp ^ du)_bc,    (dx ^ dy)_bc = x_b y_c - x_c y_b

(derived). Where c is constant u is too, a is c p, and the curl is 0: E[g] is the gradient of
Jtilde. Where it is 1/l this is in general not 0; at G = 2 and 3 c_G is constant, and the curl of
the one-form E[g] d theta is -c_G dp ^ du.
"""

from math import comb, sqrt

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from grpo_checks.theory.evaluation.values import Theta, reward_law
from grpo_checks.theory.mdp.policy import Policy
from grpo_checks.theory.rules.by_length import ByLength

Vector = Float[Array, " n"]


def success_factor(p: Float[Array, ""], group_size: int) -> Float[Array, ""]:
    """c_G(p), as the polynomial that it is: k (G-k) cancels a p and a 1 - p."""
    terms = [
        comb(group_size, k) * sqrt(k * (group_size - k)) / group_size
        * p ** (k - 1) * (1 - p) ** (group_size - k - 1)
        for k in range(1, group_size)
    ]  # fmt: skip
    return jnp.stack(terms).sum()


def wedge(x: Vector, y: Vector) -> Float[Array, "n n"]:
    """dx ^ dy."""
    return x[:, None] * y[None] - x[None] * y[:, None]


def binary_curl(
    model: ByLength, policy: Policy, theta: Theta, weight: Float[Array, " C"], group_size: int
) -> Float[Array, "n n"]:
    """J - J^T, J_bc = d E[g]_b/d theta_c of a full sweep; ``weight``: c of each class (v, l)."""
    mdp = model.mdp
    right = mdp.class_composite

    def summaries(flat: Vector) -> Float[Array, "3 Q"]:
        law = reward_law(mdp, policy.probs(flat.reshape(theta.shape)))
        return jnp.stack([law @ right, law @ (right * weight), law @ weight])

    flat = theta.reshape(-1)
    p = summaries(flat)[0]
    dp, da, du = jax.jacfwd(summaries)(flat)
    total = jnp.zeros((flat.shape[0], flat.shape[0]))
    for q, rho in enumerate(mdp.prompt_distribution):
        c, slope = jax.value_and_grad(success_factor)(p[q], group_size)
        total -= rho * (slope * wedge(dp[q], da[q] - p[q] * du[q]) - c * wedge(dp[q], du[q]))
    return total
