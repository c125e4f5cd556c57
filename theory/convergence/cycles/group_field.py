"""Groups of any size at one decision: the expected update as a formula of one policy.

Let every prompt meet the same policy pi at one decision, let action a earn the reward vectors o
with chances P_q(o|a), and let p_q = sum_a pi_a P_q(.|a). A group's advantages add up to 0, so

    E[g]_a = E[A_1 1{a_1 = a}] = pi_a sum_q rho_q sum_o P_q(o|a) h_q(o),
    h_q(o) = sum_n multinomial(n; p_q) A_o(n),

n counting the rewards of the G - 1 others and A_o(n) the advantage of a member with o among them
(derived). ``theory.updates.moments.expected_update`` gives the same of any model, from tables that
NumPy made; this one can be enclosed, and is a polynomial in pi, of degree G.
"""

from collections.abc import Callable
from math import factorial, prod

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from numpy.typing import NDArray

from grpo_checks.theory.estimators.advantages import Estimator, scale
from grpo_checks.theory.numbers.counts import count_vectors


def advantage_table(
    rewards: Float[Array, "O K"],
    weights: Float[Array, " K"],
    estimator: Estimator,
    group_size: int,
) -> Float[Array, "M O"]:
    """A_o(n), for all M counts of the others; the estimators within groups."""
    size = len(rewards)
    counts = count_vectors(group_size - 1, size)[:, None] + np.eye(size, dtype=int)
    if estimator.name != "componentwise_normalized":
        rewards, weights = (rewards @ weights)[:, None], jnp.ones(1)
    members = jnp.asarray(counts, float)

    def component_advantages(column: Float[Array, " O"]) -> Float[Array, "M O"]:
        # From the member's own reward: exactly 0 in silent groups.
        difference = (column[None, :] - column[:, None])[None]
        mean = (members * difference).sum(-1) / group_size
        spread = (members * jnp.square(difference - mean[..., None])).sum(-1)
        return -mean * scale(spread, group_size, estimator)

    columns = [component_advantages(rewards[:, k]) for k in range(rewards.shape[1])]
    return jnp.stack(columns, -1) @ weights


def payoffs(
    share: Float[Array, " Q"],
    outcome: Float[Array, "Q A O"],
    table: Float[Array, "M O"],
    group_size: int,
    policy: Float[Array, " A"],
) -> Float[Array, " A"]:
    """E[A_1 | a_1 = a], over prompts; their mean under the policy is 0."""
    others = count_vectors(group_size - 1, outcome.shape[2])
    return action_payoffs(share, outcome, lambda law: _chances(law, others) @ table, policy)


def action_payoffs(
    share: Float[Array, " Q"],
    outcome: Float[Array, "Q A O"],
    response: Callable[[Float[Array, " O"]], Float[Array, " O"]],
    policy: Float[Array, " A"],
) -> Float[Array, " A"]:
    """The same, with E[A_1 | o_1 = o] given as a function of the law of the rewards."""
    laws = jnp.einsum("a,qao->qo", policy, outcome)
    expected = jnp.stack([response(law) for law in laws])
    return jnp.einsum("q,qao,qo->a", share, outcome, expected)


def group_update(
    share: Float[Array, " Q"],
    outcome: Float[Array, "Q A O"],
    table: Float[Array, "M O"],
    group_size: int,
    theta: Float[Array, " A"],
) -> Float[Array, " A"]:
    """E[g] at the softmax policy with logits ``theta``."""
    policy = jax.nn.softmax(theta)
    return policy * payoffs(share, outcome, table, group_size, policy)


def _chances(law: Float[Array, " O"], counts: NDArray[np.int64]) -> Float[Array, " M"]:
    """Multinomial, as polynomials: exact and differentiable at chances of 0 too."""
    powers = [jnp.ones_like(law)]
    for _ in range(counts[0].sum()):
        powers.append(powers[-1] * law)
    table = jnp.stack(powers)
    return _ways(counts) * jnp.stack([table[counts[:, o], o] for o in range(len(law))]).prod(0)


def _ways(counts: NDArray[np.int64]) -> Float[Array, " M"]:
    """Multinomial coefficients."""
    orders = factorial(int(counts[0].sum()))
    return jnp.asarray([orders // prod(map(factorial, map(int, row))) for row in counts], float)
