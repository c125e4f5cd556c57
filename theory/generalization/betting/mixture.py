"""A PAC-Bayes bound from a mixture of bets, sharper than kl-xi at n = 20 to 100 (derived).

Statement: let C_j > 0 and weights nu_j with sum 1 be fixed before the tasks are seen, and

    Phi_j(q, p) = -ln(1 - p (1 - e^-C_j)) - C_j q.

With probability at least 1 - delta over n tasks, for all posteriors Q at once,

    ln sum_j nu_j exp(n Phi_j(Lhat(Q), L(Q))) <= KL(Q ‖ P) + ln(1/delta);

the bound is the largest risk that this allows.
Proof: who bets on small losses at C_j multiplies a wealth of 1 by e^(-C_j l)/(1 - p (1 - e^-C_j))
on each task. On [0, 1] e^(-C l) <= 1 - l (1 - e^-C), a chord of a convex function, so that for
losses of mean p no factor has a mean above 1: for one policy the wealth W_j = exp(n Phi_j(Lhat, L))
has E W_j <= 1, and so has W = sum_j nu_j W_j. Phi_j is convex in (q, p) (linear in q, and -ln of a
linear function of p), and a logarithm of a sum of exponentials is convex and grows with each of
them: ln W is convex. So ln W at (Lhat(Q), L(Q)) is at most E_Q ln W (Jensen), at most
KL(Q ‖ P) + ln E_P W (change of measure), where E_P W > 1/delta has a chance of at most delta
(Markov). ln W grows with p.
Source: derived; coin betting for PAC-Bayes bounds is Jang et al. 2023.
Units: risks in [0, 1], nats. No ln xi(n) is paid, and against Catoni's bound at C_j no more than
ln(1/nu_j): here ln 2 at a constant C and ln 4 at C/2 and 2 C. It is no better than kl-xi where the
best constant is far from these: with a KL of 30 nats, or tasks in thousands.
"""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from grpo_checks.theory.numbers.kl import Number

Bound = Float[Array, "..."]
MULTIPLES, WEIGHTS = (0.5, 1.0, 2.0), (0.25, 0.5, 0.25)
"""C_j/C and nu_j: exact in binary."""
STEPS = 5


def betting_mixture(
    empirical: Number,
    divergence: Number,
    n: Number,
    delta: Number,
    constant: Number,
    weights: Sequence[float] = WEIGHTS,
) -> Bound:
    """The bound with bets at ``constant`` > 0 and its multiples, none above 1; a weight for each.

    ln W is convex in p: Newton's steps from beyond its root stay beyond it, however few. The start
    is the least of Catoni's bounds at nu_j delta, each of which is beyond it.
    """
    q = jnp.asarray(empirical, float)
    nats = jnp.asarray(divergence) - jnp.log(jnp.asarray(delta, float))
    bets = [(w, m * constant, -jnp.expm1(-m * constant)) for m, w in zip(MULTIPLES, weights)]  # noqa: B905
    starts = [-jnp.expm1(-c * q - (nats - jnp.log(w)) / n) / a for w, c, a in bets]
    p = jnp.minimum(jnp.stack(starts).min(0), 1.0)

    def newton(_: Any, p: Bound) -> Bound:
        logs = jnp.stack([jnp.log(w) - n * (jnp.log1p(-a * p) + c * q) for w, c, a in bets])
        top = logs.max(0)
        wealth = jnp.exp(logs - top[None])
        slopes = jnp.stack([n * a / (1 - a * p) for _, _, a in bets])
        excess = top + jnp.log(wealth.sum(0)) - nats
        return p - jnp.maximum(excess, 0.0) * wealth.sum(0) / (wealth * slopes).sum(0)

    return jax.lax.fori_loop(0, STEPS, newton, p)
