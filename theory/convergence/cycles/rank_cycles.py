"""Three actions that beat one another in a circle: std-normalised GRPO with G = 2 never arrives.

Let S (``theory.convergence.cycles.duels``) have S_12, S_23, S_31 of one strict sign, and
w = (|S_23|, |S_31|, |S_12|), so that S w = 0. Along
theta' = theta + eta E[g], E[g]_a = pi_a (S pi)_a:

1. sum theta is conserved; take it as 0, which changes no policy. Then
   Phi = sum_a w_a exp(-theta_a) has its minimum, 3 (w_1 w_2 w_3)^(1/3), at pi = w/|w|_1 alone, and
   that is the only zero of E[g]: S has rank 2.
2. Phi' >= Phi: exp(-x) >= 1 - x, and sum_a w_a exp(-theta_a) E[g]_a = w^T S pi / Z = 0. With noise
   the same holds of the mean.
3. Phi' <= Phi (1 + eta^2 kappa exp(eta M)/2), kappa = (w_1 w_2 w_3)^2/(108 min(w)^4), M = max|S|/4.
   Proof: the second-order term of Phi'/Phi - 1 is at most eta^2/2 exp(eta max|E[g]_a|) times
   sum_a w_a pi_a (S pi)_a^2 / sum_a (w_a/pi_a). |E[g]_a| <= max|S| pi_a (1 - pi_a) <= M. With
   x_a = pi_a/w_a one has (S pi)_1 = +-w_2 w_3 (x_2 - x_3), and so on, so the quotient is
   (w_1 w_2 w_3)^2 (e_1 e_2 - 9 e_3) e_3/e_2 in the symmetric functions of x. For given e_1, e_2 it
   is largest at e_3 = e_1 e_2/18, and e_2 <= e_1^2/3, so it is at most (w_1 w_2 w_3)^2 e_1^4/108,
   while e_1 <= 1/min(w) since sum w_a x_a = 1.
4. With eta = c/sqrt(T), for every T and t <= T, therefore

       Phi_0 <= Phi_t <= Phi_0 exp(c^2 kappa exp(c M)/2):

   a compact ring without a zero of E[g], unless the run starts at one. What |E[g]|^2 and
   |grad J|^2 are there at least, their average along the run is too, for every T.
5. With sampled groups (drawn prompts, any B, or a full sweep), g_a^2 is in mean at most
   pi_a (1 - pi_a)/2 and |g_a| <= 1/2 where |h| <= 1, and Z >= 3: E Phi rises by at most
   eta^2 exp(eta/2) (sum w - min w)/12 a step.
6. With a KL penalty, theta' = E[g] - beta grad KL(pi || ref) (k2, or the ratio times k3, in the
   loss), Phi falls along the flow at the rate

       (beta |w|_1/Z) (KL(v || pi) + KL(pi || ref) - KL(v || ref)),    v = w/|w|_1,

   since pi_a exp(-theta_a) = 1/Z, Z = sum exp(theta). Let M be the largest Phi where this is not
   above 0, a compact set that holds v and ref. For every beta > 0, however small, the flow ends
   within {Phi <= M}, which does not depend on beta. For ref = v that is v alone: the penalty stops
   the cycle, where grad J is not 0. For another ref nothing is said of what happens inside.
All derived. A constant step is another matter: Phi grows without end, the run circles ever closer
to the corners, where |E[g]|^2 falls without a stationary policy being near.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from grpo_checks.theory.convergence.cycles.duels import duel_update

Scalar = int | float | Float[Array, ""]


def circle_weights(wins: Float[Array, "3"]) -> Float[Array, "3"]:
    """w, from S_12, S_23, S_31."""
    return jnp.abs(jnp.stack([wins[1], wins[2], wins[0]]))


def circle(wins: Float[Array, "3"]) -> Float[Array, "3 3"]:
    """S, from S_12, S_23, S_31."""
    s_12, s_23, s_31 = wins
    upper = jnp.zeros((3, 3)).at[0, 1].set(s_12).at[1, 2].set(s_23).at[0, 2].set(-s_31)
    return upper - upper.T


def potential(w: Float[Array, "3"], theta: Float[Array, "3"]) -> Float[Array, ""]:
    """Phi."""
    return w @ jnp.exp(-theta)


def growth_limit(w: Float[Array, "3"], reach: Scalar) -> Float[Array, ""]:
    """c^2 kappa exp(c M)/2, which ln(Phi_t/Phi_0) never exceeds; ``reach`` is c."""
    kappa = jnp.prod(w) ** 2 / (108 * jnp.min(w) ** 4)
    return reach**2 * kappa * jnp.exp(reach * jnp.max(w) / 4) / 2


def noisy_growth_limit(w: Float[Array, "3"], reach: Scalar) -> Float[Array, ""]:
    """c^2 exp(c/2) (sum w - min w)/12, which E Phi_t - Phi_0 never exceeds, |h| <= 1."""
    return reach**2 * jnp.exp(reach / 2) * (w.sum() - jnp.min(w)) / 12


def run(
    s: Float[Array, "3 3"],
    theta: Float[Array, "3"],
    step: Scalar,
    n_steps: int | Int[Array, ""],
) -> Float[Array, "3"]:
    """theta after so many expected updates of one step size."""
    move = lambda _, at: at + step * duel_update(s, at)  # noqa: E731
    return jax.lax.fori_loop(0, n_steps, move, theta)
