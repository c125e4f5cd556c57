"""Theorem 2: what is lost by climbing Jtilde instead of J. Bounds as pure functions of numbers.

Decomposed GRPO climbs Jtilde = sum_q rho_q sum_k w_k F_G(J_qk) (``theory.updates.potential``). For
one prompt let p_k = J_k(pi), c_k = c_G(p_k), u_k = max over policies of |J_k - p_k|, and phi = max
over policies pi' of sum_k w_k c_k (J_k(pi') - p_k), the Frank-Wolfe residual.

**T2.gap (derived).** For any policy and any c > 0, J* - J <= phi/c + sum_k w_k |1 - c_k/c| u_k.
Proof: with p* the values of an optimal policy, J* - J = sum_k w_k (c_k/c) (p*_k - p_k)
+ sum_k w_k (1 - c_k/c)(p*_k - p_k). The first sum is at most phi/c, the second at most its absolute
terms. In x = 1/c the bound is convex and piecewise linear with kinks at x = 1/c_k, and it grows
beyond the last one: its least value is at a kink or at x = 0.

**T2.kappa (derived; the abstract of arXiv:2604.19857 gives a gap without constants).** At a
first-order point, phi = 0, and with c the midrange of the c_k, |1 - c_k/c| <= (kappa-1)/(kappa+1),
kappa = max_k c_k / min_k c_k: J* - J <= (kappa-1)/(kappa+1) sum_k w_k u_k. Since c_G is largest at
0 and 1 and least at 1/2, kappa <= b_1/c_G(1/2). That is 1 over a mean of (sd_1 + eps)/(sd_k + eps),
terms that do not fall in eps as sd_1 is the least sd_k; ddof scales all sd_k alike. So
kappa <= kappa_G of eps = 0, ddof = 0 whatever the options.

**T2.zero (derived).** At a first-order point the gap is 0 where the c_k are equal (always for
K = 1, and for G = 2 and 3, where c_G is constant), and where one policy maximises every component:
then 0 = phi >= sum_k w_k c_k (max J_k - p_k), a sum of terms >= 0.

**Near a first-order point (derived).** T2.gap with c the midrange of the c_k adds phi/c to
T2.kappa. With m = sum_k w_k max J_k - J* >= 0, and J' the values of an optimal policy,
phi >= sum_k w_k c_k (J'_k - p_k) >= min c (J* - J + m) - max c m: so J* - J <= phi/min c
+ (kappa - 1) m, which adds to T2.zero what misalignment leaves.

**Rounding.** None of these inequalities asks where the numbers p_k and c_k > 0 came from: only the
arithmetic that follows can be off. Its terms w_k J_k, w_k (c_k/c) J_k, w_k (1 + c_k/c) u_k add up
to 3 (1 + max c/min c) sum_k w_k max J_k.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from grpo_checks.theory.evaluation.optimum import best_values
from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.updates.rounding import accumulated

FIRST_ORDER = 1e-12
"""Where ascent has arrived: phi relative to R_max sup c. No tolerance: what such a residual leaves
of the gap is added to the error of the cell, see ``Certificate.left``."""


class Certificate(NamedTuple):
    """What Theorem 2 says of one policy, for each prompt."""

    gap: Float[Array, " Q"]
    """J*_q - J_q, exact; optima over unrestricted policies of one prompt."""
    residual: Float[Array, " Q"]
    """phi_q >= 0."""
    response: Float[Array, "Q K"]
    """c_k > 0."""
    success: Float[Array, "Q K"]
    """p_k."""
    low: Float[Array, "Q K"]
    """min J_k over policies."""
    high: Float[Array, "Q K"]
    """max J_k."""
    moves: Bool[Array, "Q K"]
    """Whether max J_k - min J_k is more than rounding."""
    weights: Float[Array, " K"]

    @property
    def reach(self) -> Float[Array, "Q K"]:
        """u_k >= 0."""
        return jnp.maximum(self.high - self.success, self.success - self.low)

    @property
    def bound(self) -> Float[Array, " Q"]:
        """T2.gap at the best c."""
        return gap_bound(self.residual, self.response, self.reach, self.weights)

    @property
    def kappa(self) -> Float[Array, " Q"]:
        """max c_k / min c_k over components that some policy moves; the others add 0 to T2.gap."""
        largest = jnp.where(self.moves, self.response, 0.0).max(-1)
        least = jnp.where(self.moves, self.response, jnp.inf).min(-1)
        return jnp.where(self.moves.any(-1), largest / least, 1.0)

    @property
    def kappa_bound(self) -> Float[Array, " Q"]:
        """T2.kappa; a bound only where ``first_order``."""
        return kappa_factor(self.kappa) * (self.reach @ self.weights)

    @property
    def misaligned(self) -> Float[Array, " Q"]:
        """sum_k w_k max J_k - J*_q >= 0: 0 where one policy maximises every component."""
        return (self.high - self.success) @ self.weights - self.gap

    @property
    def left(self) -> Float[Array, " Q"]:
        """phi/min c: what a residual adds to T2.kappa and T2.zero."""
        return self.residual / self.response.min(-1)

    @property
    def magnitude(self) -> Float[Array, " Q"]:
        """Of the terms that cancel in the gap and in the bounds."""
        unequal = self.response.max(-1) / self.response.min(-1)
        return 3 * (1 + unequal) * (self.high @ self.weights)

    @property
    def first_order(self) -> Float[Array, " Q"]:
        """phi relative to R_max max_k c_k: at most FIRST_ORDER at a first-order point."""
        return self.residual / (self.weights.sum() * self.response.max(-1))


def gap_bounds(
    residual: Float[Array, "..."],
    response: Float[Array, "... K"],
    reach: Float[Array, "... K"],
    weights: Float[Array, " K"],
) -> Float[Array, "... K+1"]:
    """phi/c + sum_k w_k |1 - c_k/c| u_k at c = infinity and at every kink c = c_k."""
    inverse = jnp.concatenate([jnp.zeros((*residual.shape, 1)), 1 / response], -1)
    off = jnp.abs(1 - response[..., None, :] * inverse[..., None])
    return residual[..., None] * inverse + (off * reach[..., None, :]) @ weights


def gap_bound(
    residual: Float[Array, "..."],
    response: Float[Array, "... K"],
    reach: Float[Array, "... K"],
    weights: Float[Array, " K"],
) -> Float[Array, "..."]:
    """min over c of phi/c + sum_k w_k |1 - c_k/c| u_k, exactly: at one of ``gap_bounds``."""
    return gap_bounds(residual, response, reach, weights).min(-1)


def menu_certificate(
    calls: Float[Array, "M K"],
    policy: Float[Array, " M"],
    response: Float[Array, " K"],
    weights: Float[Array, " K"],
) -> Certificate:
    """Of one decision between M calls, which earn component k with chance ``calls[m, k]``.

    Evaluated without rounding too: nothing in it asks how large an error may be.
    """
    success, gains = policy @ calls, calls - (policy @ calls)[None]
    low, high = calls.min(0), calls.max(0)
    one_prompt = Certificate(
        (gains @ weights).max(),
        (gains @ (weights * response)).max(),
        response,
        success,
        low,
        high,
        high > low,
        weights,
    )
    return jax.tree.map(lambda x: x[None], one_prompt)._replace(weights=weights)


def kappa_factor(kappa: Float[Array, "..."]) -> Float[Array, "..."]:
    """(kappa - 1)/(kappa + 1), in [0, 1)."""
    return (kappa - 1) / (kappa + 1)


def component_range(mdp: TAMDP) -> tuple[Float[Array, "Q K"], Float[Array, "Q K"]]:
    """Least and largest J_qk over unrestricted policies of one prompt, by backward induction."""
    largest = jax.vmap(lambda r: best_values(mdp, r), in_axes=-1, out_axes=-1)
    return -largest(-mdp.reward), largest(mdp.reward)


def certificate(
    mdp: TAMDP,
    success: Float[Array, "Q K"],
    response: Float[Array, "Q K"],
    off: float | int | None = None,
) -> Certificate:
    """For policies with component values ``success`` and any numbers c_k = ``response`` > 0.

    ``off``: the relative error of a value; that of backward induction in float64 unless it is
    given, 0 where nothing is rounded.
    """
    low, high = component_range(mdp)
    steep = response * mdp.weights[None]
    best = best_values(mdp, jnp.einsum("qsyk,qk->qsy", mdp.reward, steep))
    # A maximum over policies, this one among them: below 0 by rounding only.
    residual = jnp.maximum(best - (steep * success).sum(-1), 0.0)
    gap = best_values(mdp, mdp.reward @ mdp.weights) - success @ mdp.weights
    off = accumulated(induction_roundings(mdp)) if off is None else off
    moves = high - low > 2 * off * high
    return Certificate(gap, residual, response, success, low, high, moves, mdp.weights)


def induction_roundings(mdp: TAMDP) -> int:
    """On the way to a value by backward induction: sums over states for each layer, then over K."""
    _, n_states, _, n_components = mdp.reward.shape
    return (mdp.horizon + 1) * (n_states + 2) + 2 * n_components + 8
