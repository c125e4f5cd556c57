"""Groups of two at one decision: who beats whom is all that an update knows.

Let every prompt meet the same policy pi at one decision, and let action a earn random rewards. With
G = 2 the advantages of a group are opposite, h(R, R') and -h(R, R') (theory section 1, all
estimators within groups), so that with

    S_ab = sum_q rho_q E[h(R_q(a), R_q(b))],    R_q(a), R_q(b) independent,

E[g]_a = pi_a (S pi)_a: the expectation of A_1 (e(a_1) - pi) is pi_a (S pi)_a - pi_a pi^T S pi, S is
antisymmetric, and both members give the same (derived). For `group_normalized` with eps = 0,
ddof = 0, h is the sign of R - R': S_ab is how much oftener a beats b than b beats a.

Where S_ab = u_a - u_b the field is the gradient of sum_a pi_a u_a. That is so for two actions, for
`mean_baseline` and `leave_one_out`, for one binary reward, and for `componentwise_normalized` with
binary components: h is then linear in the rewards or in their laws (derived). Three actions that
beat one another in a circle are another matter: ``theory.convergence.cycles.rank_cycles``.
"""

from dataclasses import replace

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from grpo_checks.theory.estimators.advantages import Estimator, group_advantages


def first_advantages(
    rewards: Float[Array, "O K"], weights: Float[Array, " K"], estimator: Estimator
) -> Float[Array, "O O"]:
    """h: the advantage of the first of two episodes with each pair of reward vectors."""

    def advantage(first: Float[Array, " K"], second: Float[Array, " K"]) -> Float[Array, ""]:
        pair = jnp.stack([first, second])
        if estimator.name == "componentwise_normalized":
            joint = replace(estimator, name="group_normalized")
            return weights @ jax.vmap(lambda r: group_advantages(r, joint)[0])(pair.T)
        return group_advantages(pair @ weights, estimator)[0]

    return jax.vmap(lambda r: jax.vmap(lambda other: advantage(r, other))(rewards))(rewards)


def duels(
    share: Float[Array, " Q"],
    outcome: Float[Array, "Q A O"],
    rewards: Float[Array, "O K"],
    weights: Float[Array, " K"],
    estimator: Estimator,
) -> Float[Array, "A A"]:
    """S, from the chances of the prompts, and of each reward vector given prompt and action."""
    advantages = first_advantages(rewards, weights, estimator)
    return jnp.einsum("q,qao,op,qbp->ab", share, outcome, advantages, outcome)


def duel_update(s: Float[Array, "A A"], theta: Float[Array, " A"]) -> Float[Array, " A"]:
    """E[g] at the softmax policy with logits ``theta``, for G = 2."""
    policy = jax.nn.softmax(theta)
    return policy * (s @ policy)
