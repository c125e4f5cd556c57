"""How far std-normalised GRPO with a KL penalty raises the chance of success.

arXiv:2503.06639 (its abstract, and the recurrence as its readers quote it; our formalisation): the
rewards of the last policy are whitened, A = (r - p)/sqrt(p(1-p) + eps), and the next policy
maximises E[A] - beta KL(pi || pi_ref). Over all laws of the outcome the maximiser is
pi_ref exp(A/beta) up to a constant, so the odds of success grow by exp(1/(beta sqrt(p(1-p)+eps))):

    p_n = h(p_{n-1}),  logit h(p) = logit p_ref + 1/(beta sqrt(p(1-p) + eps)).

Every fixed point exceeds p_ref, since the gain is positive. **Convergence (derived).** h depends on
p(1-p) alone: it falls on (0, 1/2) and rises on (1/2, 1). If p_ref >= 1/2 the sequence from p_ref
rises and converges. Otherwise it may not: for any p_a < p_b <= 1/2 with s = sqrt(p(1-p) + eps),

    1/beta = (logit p_b - logit p_a)/(1/s_a - 1/s_b),  logit p_ref = logit p_b - 1/(beta s_a)

make {p_a, p_b} a cycle, attracting where |h'(p_a) h'(p_b)| < 1. h'(1/2) = 0, so with p_b = 1/2 it
always is. Log-odds are carried instead of p, which would round to 1.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

Real = Float[Array, "..."]


def check_penalty(beta: float | Real, eps: float | Real) -> None:
    """beta > 0 and eps >= 0, all finite; raises ValueError otherwise. Call it outside jit."""
    for name, value, good in (
        ("beta", np.asarray(beta), np.greater),
        ("eps", np.asarray(eps), np.greater_equal),
    ):
        wrong = value[~(np.isfinite(value) & good(value, 0))]
        if wrong.size:
            sign = ">" if name == "beta" else ">="
            raise ValueError(f"{name} = {wrong[0]}: expected a finite number {sign} 0")


def deviation(log_odds: Real, eps: float | Real) -> Real:
    """sqrt(p(1-p) + eps), accurate also where p rounds to 0 or 1."""
    return jnp.sqrt(jax.nn.sigmoid(log_odds) * jax.nn.sigmoid(-log_odds) + eps)


def amplify(log_odds: Real, reference: Real, beta: float | Real, eps: float | Real) -> Real:
    """logit h(p) from logit p and logit p_ref; +inf where p is 0 or 1 and eps = 0."""
    return reference + 1 / (beta * deviation(log_odds, eps))


def slope(log_odds: Real, reference: Real, beta: float | Real, eps: float | Real) -> Real:
    """h'(p) = -(1-2p) h(1-h) / (2 beta (p(1-p)+eps)^(3/2)); a fixed point attracts if |h'| < 1."""
    after = amplify(log_odds, reference, beta, eps)
    spread = jax.nn.sigmoid(after) * jax.nn.sigmoid(-after)
    # 1 - 2p without cancellation near 1/2.
    lean = -jnp.tanh(log_odds / 2)
    return -lean * spread / (2 * beta * deviation(log_odds, eps) ** 3)


@partial(jax.jit, static_argnames="n_steps")
def _orbit(start: Real, reference: Real, beta: Real, eps: Real, n_steps: int) -> Real:
    def step(x: Real, _: None) -> tuple[Real, Real]:
        after = amplify(x, reference, beta, eps)
        return after, after

    return jax.lax.scan(step, start, None, n_steps)[1]


def orbit(
    start: Float[Array, " N"],
    reference: Float[Array, " N"],
    beta: Float[Array, " N"],
    eps: Float[Array, " N"],
    n_steps: int,
) -> Float[Array, "T N"]:
    """Log-odds of p_1, ..., p_T of N recurrences. Raises ValueError for a bad beta or eps."""
    check_penalty(beta, eps)
    return _orbit(start, reference, beta, eps, n_steps)


class Cycle(NamedTuple):
    """A recurrence with a cycle of length two."""

    beta: Float[Array, ""]
    reference: Float[Array, ""]
    """logit p_ref."""


def cycle(low: Float[Array, ""], high: Float[Array, ""], eps: float = 0.0) -> Cycle:
    """beta and logit p_ref for which {p_a, p_b} is a cycle, from its log-odds: low < high <= 0."""
    if not bool((low < high) & (high <= 0)):
        raise ValueError(f"low, high = {low}, {high}: expected log-odds with low < high <= 0")
    check_penalty(1.0, eps)
    s_low, s_high = deviation(low, eps), deviation(high, eps)
    inverse_beta = (high - low) / (1 / s_low - 1 / s_high)
    return Cycle(1 / inverse_beta, high - inverse_beta / s_low)
