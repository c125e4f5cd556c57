"""Where the slack of the kl-xi bound goes, in nats, exactly (derived).

The proof goes n kl(Lhat(Q) ‖ L_S(Q)) <= n E_Q kl(Lhat ‖ L_S)   (Jensen)
<= KL(Q ‖ P) + ln E_P exp(n kl)                                 (change of measure)
<= KL(Q ‖ P) + ln(E_S E_P exp(n kl)/delta)                      (Markov)
<= KL(Q ‖ P) + ln(xi(n)/delta)                                  (Bernoulli worst case).
What each step gives away, averaged over all samples, adds up to what the bound asks for.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from grpo_checks.theory.generalization.coverage import chunks
from grpo_checks.theory.generalization.learning import Learning, gibbs, mixed, padded
from grpo_checks.theory.generalization.maurer_constant import xi
from grpo_checks.theory.generalization.pac_bayes import check_level
from grpo_checks.theory.numbers.kl import binary_kl


class Slack(NamedTuple):
    """Nats, averaged over samples; ``used`` and the four losses sum to ``budget``."""

    used: float
    """n kl(Lhat(Q) ‖ L_S(Q)): what the sample needed."""
    jensen: float
    change_of_measure: float
    markov: float
    bernoulli: float
    """ln xi(n) - ln E_S E_P exp(n kl): the losses at hand are not the worst ones."""
    budget: float
    """KL(Q ‖ P) + ln(xi(n)/delta)."""
    divergence: float
    log_xi: float


@jax.jit
def _chunk(
    problem: Learning,
    counts: Float[Array, "C Z"],
    weight: Float[Array, " C"],
    temperature: Float[Array, ""],
) -> tuple[Float[Array, ""], ...]:
    def one(count: Float[Array, " Z"]) -> tuple[Float[Array, ""], ...]:
        empirical = problem.empirical(count)
        posterior, divergence = gibbs(problem.prior, -count.sum() * empirical / temperature)
        nats = count.sum() * binary_kl(empirical, problem.risk)
        ends = mixed(empirical, posterior), mixed(problem.risk, posterior)
        used = count.sum() * binary_kl(*ends)
        log_moment = jnp.log(problem.prior @ jnp.exp(nats - nats.max())) + nats.max()
        return used, posterior @ nats, log_moment, divergence

    used, mean, log_moment, divergence = jax.vmap(one)(counts)
    return tuple(weight @ x for x in (used, mean, log_moment, divergence, jnp.exp(log_moment)))


def slack(problem: Learning, n: int, temperature: float, delta: float) -> Slack:
    """Of the Gibbs posterior at this temperature, by enumeration of all samples."""
    check_level("delta", delta)
    wide, heat = padded(problem), jnp.asarray(float(temperature))
    parts = [_chunk(wide, c, w, heat) for c, w in chunks(problem, n, wide.chance.size)]
    used, mean, log_moment, divergence, moment = (float(x) for x in np.sum(parts, 0))
    log_xi = float(np.log(xi(n)))
    return Slack(
        used=used,
        jensen=mean - used,
        change_of_measure=divergence + log_moment - mean,
        markov=float(np.log(moment / delta)) - log_moment,
        bernoulli=log_xi - float(np.log(moment)),
        budget=divergence + log_xi - float(np.log(delta)),
        divergence=divergence,
        log_xi=log_xi,
    )
