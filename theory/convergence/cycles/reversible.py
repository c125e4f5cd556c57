"""Expected updates that a reflection of the rewards reverses: centres, at every group size.

One decision with three actions and parameters that all prompts share
(``theory.convergence.cycles.group_field``). Let sigma exchange two actions, say 2 and 3, let kappa
permute the prompts with rho_{kappa q} = rho_q, and let R_{kappa q}(sigma a) = c_q - R_q(a) in law.
Let the estimator's advantages not change when a constant is added to all rewards of a group, and
change their sign with the rewards: so do all estimators within groups, for every G, ddof and eps;
of `componentwise_normalized` all components are to be reflected. All that follows is derived.

1. E[g](sigma theta) = -sigma E[g](theta). Proof: at the policy sigma pi a group of prompt kappa q
   is in law one of prompt q at pi, with actions sigma a_i and rewards c_q - R_i. Its advantages are
   the negative ones, so E[A_1 1{a_1 = sigma a}] there is -E[A_1 1{a_1 = a}] here. Sum over q.
2. On the plane sum theta = 0, which no update leaves, let x = theta_1 - (theta_2 + theta_3)/2 and
   y = theta_2 - theta_3. By 1 E[g] has a rate of x that is odd in y, and a rate Y of y that is even
   in y. So on the line y = 0 only Y is left, and the Jacobian has the trace 0 and the determinant
   -(dX/dy)(dY/dx).
3. A zero of Y on the line with a determinant > 0 is a *centre*: near it all orbits of the flow are
   closed, of frequency sqrt(determinant) in the limit. Proof: eigenvalues are imaginary, so an
   orbit from the line near the zero goes round it and meets the line again, after a time t_1. With
   (x(t), y(t)) also (x(-t), -y(-t)) is a solution, from the same point of the line: the same one.
   Hence the orbit is at the same point at t_1 and at -t_1.
4. So neither |E[g]|^2 on such an orbit, nor |grad J|^2 if it is not 0 at the zero and the orbit is
   near, has an average along the flow that vanishes; and runs of any step that start at the zero
   stay there, where |grad J|^2 is what it is. Steps c/sqrt(T): let H be the x at which an orbit
   meets the line on one side of the zero. It is smooth around the zero, as E[g] crosses the line,
   and constant along the flow, so a step eta changes it by O(eta^2), and T steps by O(c^2). For
   every small enough c all runs from a closed orbit stay between two others, whatever T. These
   floors are positive, but their constants and the largest c are not explicit; T1.own has explicit
   ones of G = 2 alone (``theory.convergence.cycles.rank_cycles``).
5. On the line pi = (z, (1-z)/2, (1-z)/2), and Y = (1-z)/2 times the difference of the payoffs of
   actions 2 and 3, a polynomial in z of degree G - 1: its coefficients tell all zeros there are.
   Where there is none, Y has one sign on the line, and an orbit crosses it once at most: no closed
   orbit meets it. Zeros elsewhere come in mirrored pairs, of which this says nothing.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from grpo_checks.theory.convergence.cycles.group_field import group_update, payoffs


def plane_update(
    share: Float[Array, " Q"],
    outcome: Float[Array, "Q 3 O"],
    table: Float[Array, "M O"],
    group_size: int,
    at: Float[Array, "2"],
) -> Float[Array, "2"]:
    """(X, Y) at (x, y): how E[g] moves them."""
    x, y = at
    theta = jnp.stack([2 * x / 3, -x / 3 + y / 2, -x / 3 - y / 2])
    first, second, third = group_update(share, outcome, table, group_size, theta)
    return jnp.stack([first - (second + third) / 2, second - third])


def line_advantage(
    share: Float[Array, " Q"],
    outcome: Float[Array, "Q 3 O"],
    table: Float[Array, "M O"],
    group_size: int,
    chance: Float[Array, ""],
) -> Float[Array, ""]:
    """Payoff of action 2 less that of 3, where action 1 has a chance and they share the rest."""
    rest = (1 - chance) / 2
    pay = payoffs(share, outcome, table, group_size, jnp.stack([chance, rest, rest]))
    return pay[1] - pay[2]


def turning(
    share: Float[Array, " Q"],
    outcome: Float[Array, "Q 3 O"],
    table: Float[Array, "M O"],
    group_size: int,
    x: Float[Array, ""],
) -> Float[Array, "2"]:
    """dX/dy and dY/dx at a point of the line, where the Jacobian has no other entries.

    Minus their product is its determinant.
    """
    move = lambda at: plane_update(share, outcome, table, group_size, at)  # noqa: E731
    slopes = jax.jacfwd(move)(jnp.stack([x, jnp.zeros_like(x)]))
    return jnp.stack([slopes[0, 1], slopes[1, 0]])


def line_gradient(values: Float[Array, "3"], x: Float[Array, ""]) -> Float[Array, ""]:
    """|grad J|^2 at a point of the line, from the mean rewards of the actions."""
    policy = jax.nn.softmax(jnp.stack([x, jnp.zeros_like(x), jnp.zeros_like(x)]))
    return jnp.square(policy * (values - policy @ values)).sum()
