"""Theorem 2 for any class of policies: what climbing Jtilde keeps of J, and what it may lose.

Where answers or prompts share parameters, mixtures of policies need not be in the class, and a
point from which Jtilde does not rise says little: T2.kappa needs phi = 0 over all policies.

**T2.global (derived).** Let a be a policy of a class with Jtilde(a) >= Jtilde(b) for another, b,
and Delta_qk = J_qk(b) - J_qk(a). By the mean value theorem F_G(J_qk(b)) - F_G(J_qk(a)) = c_qk
Delta_qk with c_qk a response between, so that sum_q rho_q sum_k w_k c_qk Delta_qk <= 0. All c_qk
lie in an interval whose ends have the ratio kappa_G at most; with c its middle,
|1 - c_qk/c| <= (kappa_G-1)/(kappa_G+1), and

    sum_q rho_q sum_k w_k Delta_qk
        = sum_qk rho_q w_k (c_qk/c) Delta_qk + sum_qk rho_q w_k (1 - c_qk/c) Delta_qk
        <= (kappa_G-1)/(kappa_G+1) sum_qk rho_q w_k |Delta_qk|.

A global maximiser of Jtilde is such an a for every b of the class, a maximiser of J among them.
For G = 2 and 3 the right side is 0.

**T2.shared (derived).** A run need not get there. Let calls m = 0..M-1 earn component k with chance
a_mk, and one logit x have features 0..M-1: with t = exp x, p_k = sum_m a_mk t^m / D, D = sum_m t^m,
and dp_k/dx = t N_k(t)/D^2, N_k(t) = sum_mn (m-n) a_mk t^(m+n-1). If sum_k w_k N_k has coefficients
>= 0, not all 0, J rises with x everywhere, and its supremum is that of the last call. If
sum_k w_k c_G(p_k) N_k < 0 for 0 <= t <= exp(start), ascent of Jtilde from ``start`` or below goes
down for ever, to the first call: steps that do not shrink add up without end, as Jtilde' is at
least a constant times exp x. What is lost is the whole difference of the two calls.
"""

from typing import Any

import jax.numpy as jnp

from grpo_checks.theory.convergence.decomposition_gap import kappa_factor
from grpo_checks.theory.estimators.response import coefficients, is_constant, response
from grpo_checks.theory.numbers.bernstein import bernstein


def largest_factor(group_size: int) -> Any:
    """(kappa_G-1)/(kappa_G+1) in [0, 1), kappa_G = c_G(0)/c_G(1/2) at eps = 0, ddof = 0."""
    if is_constant(group_size):
        return 0.0
    ends = response(jnp.array([0.0, 0.5]), group_size, 0, jnp.zeros(()))
    return kappa_factor(ends[0] / ends[1])


def potentials(success: Any, group_size: int, ddof: int = 0, eps: Any = 0.0) -> Any:
    """F_G of chances in [0, 1], of any shape; ``theory.estimators.response.potential`` in JAX."""
    b = jnp.asarray(coefficients(group_size, ddof, eps))
    sums = jnp.concatenate([jnp.zeros(1), jnp.cumsum(b)])
    return bernstein(sums / (group_size - 1), success)


def losses(
    success: Any, share: Any, weights: Any, group_size: int, signed: bool = False
) -> tuple[Any, Any]:
    """Both sides of T2.global for the first policy of a class against each, (N,) and (N,).

    ``success (N, Q, K)``: J_qk; ``share (Q,)``: rho; ``weights (K,)``. ``signed``: Delta in place
    of |Delta|, which is false.
    """
    off = success - success[:1]
    gap, moved = (share @ (x @ weights).T for x in (off, off if signed else jnp.abs(off)))
    return gap, largest_factor(group_size) * moved


def on_the_line(calls: Any, t: Any) -> tuple[Any, Any]:
    """p_k and N_k (K,) of ``calls (M, K)`` at t = exp x >= 0."""
    powers = jnp.stack([t**m for m in range(len(calls))])
    slopes = jnp.stack([jnp.zeros_like(t), *(m * t ** (m - 1) for m in range(1, len(calls)))])
    success = powers @ calls / powers.sum()
    return success, (slopes @ calls) * powers.sum() - (powers @ calls) * slopes.sum()


def potential_slope(calls: Any, weights: Any, t: Any, group_size: int) -> Any:
    """sum_k w_k c_G(p_k) N_k: of the sign of Jtilde'(x) where t > 0."""
    success, slopes = on_the_line(calls, t)
    return (weights * response(success, group_size, 0, jnp.zeros(()))) @ slopes


def value_slopes(calls: Any, weights: Any) -> Any:
    """Coefficients of sum_k w_k N_k in t, (2M-3,), of calls (M, K): of J'(x)."""
    worth = calls @ weights
    terms = [
        (m + n - 1, (m - n) * worth[m])
        for m in range(len(worth))
        for n in range(len(worth))
        if m != n
    ]
    return jnp.stack(
        [sum(x for power, x in terms if power == j) for j in range(2 * len(worth) - 3)]
    )
