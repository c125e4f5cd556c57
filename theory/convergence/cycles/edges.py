"""Zeros of expected updates between two actions, which attract where J is not stationary.

One decision whose parameters all prompts share (``theory.convergence.cycles.group_field``). Where
only actions a and b have chances, z and 1 - z, let h_c(z) be the payoff E[A_1 | a_1 = c] of any
action c, and p = h_a - h_b. All that follows is derived.

1. z h_a + (1 - z) h_b = 0, so theta_a - theta_b moves at the rate 2 z (1 - z) p(z).
2. Let p fall through 0 at z*, and h_c(z*) < 0 for all other actions c. Then there are e, r > 0 such
   that runs of the flow, and of expected updates with any small enough steps, which start with
   |pi_a/(pi_a + pi_b) - z*| < r and all other chances below e end at z*. Proof: h_c < 0 near, so
   each theta_c falls, by pi_c |h_c| at every step; sum theta is conserved and theta_a - theta_b
   within bounds, so pi_c stays small and goes to 0. What the others add to p is O(sum pi_c): for
   small e it points inwards at both ends of the interval, and the interval may shrink with e.
3. There |grad J|^2 = 2 (z (1 - z) (u_a - u_b))^2, u the mean rewards: where u_a is not u_b its
   average along such runs has a floor above 0 for every T, with no explicit constants but the limit
   itself. |E[g]|^2 vanishes. ``p`` is a polynomial in z of degree G - 1.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from grpo_checks.theory.convergence.cycles.group_field import payoffs


def edge_payoffs(
    share: Float[Array, " Q"],
    outcome: Float[Array, "Q A O"],
    table: Float[Array, "M O"],
    group_size: int,
    pair: tuple[int, int],
    chance: Float[Array, ""],
) -> Float[Array, " A"]:
    """h, where the first action of ``pair`` has this chance and the second the rest."""
    policy = jnp.zeros(outcome.shape[1]).at[pair[0]].set(chance).at[pair[1]].set(1 - chance)
    return payoffs(share, outcome, table, group_size, policy)


def edge_gradient(
    values: Float[Array, " A"], pair: tuple[int, int], chance: Float[Array, ""]
) -> Float[Array, ""]:
    """|grad J|^2 there, from the mean rewards of the actions."""
    return 2 * jnp.square(chance * (1 - chance) * (values[pair[0]] - values[pair[1]]))
