"""PAC-Bayes bounds on the risk of a randomised policy, one formula each; losses lie in [0, 1].

Tasks q_1..q_n are i.i.d., the prior P is fixed before they are seen, Q is any posterior. With
probability at least 1 - delta over the tasks each bound holds for all Q at once. ``empirical`` is
Lhat(Q) in [0,1], ``divergence`` KL(Q ‖ P) >= 0 in nats, ``n`` >= 1, ``delta`` in (0,1). All but
``fresh_set`` can be jitted, vmapped and differentiated; only inverses of kl stop at 1.
"""

from collections.abc import Callable, Mapping
from math import log1p
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
import scipy
from jaxtyping import Array, Float
from numpy.typing import NDArray

from grpo_checks.theory.generalization.beta_tail import LEAST, upper_quantile
from grpo_checks.theory.generalization.betting.mixture import betting_mixture
from grpo_checks.theory.generalization.learning import Learned
from grpo_checks.theory.numbers.counts import check_tasks
from grpo_checks.theory.numbers.kl import Number, kl_upper
from grpo_checks.theory.numbers.validation import fail

Bound = Float[Array, "..."]
# Reference point for constants that must be fixed before the tasks are seen.
USUAL_LOSS, USUAL_DIVERGENCE = 0.25, 2.0
RATES = tuple(2.0 ** (-j / 2) for j in range(1, 9))
"""The grid of ``unexpected_bernstein``."""


def check_level(field: str, value: Any) -> None:
    """Raises ValueError, naming the field, unless the value lies strictly between 0 and 1."""
    try:
        inside = bool(0 < value < 1)
    except (TypeError, ValueError):
        inside = False
    if not inside:
        fail(field, None, value, "a number in (0, 1)")


def _nats(divergence: Number, price: Number, delta: Number) -> Bound:
    """KL + ln(price/delta): two logarithms, since the quotient may overflow or be rounded to 1."""
    return jnp.asarray(divergence) + jnp.log(jnp.asarray(price)) - jnp.log(jnp.asarray(delta))


def maurer(empirical: Number, divergence: Number, n: Number, delta: Number, price: Number) -> Bound:
    """kl(Lhat ‖ L_S) <= (KL + ln(price/delta))/n with price = xi(n) or 2 sqrt n.

    Maurer 2004, Theorem 5, whose proof gives xi(n); price 1 is Chernoff's bound, valid for one
    policy that was fixed beforehand.
    """
    return kl_upper(empirical, _nats(divergence, price, delta) / n)


def mcallester(empirical: Number, divergence: Number, n: Number, delta: Number) -> Bound:
    """Lhat + sqrt((KL + ln(2 sqrt n/delta))/(2n)): Pinsker's inequality on Maurer's bound."""
    nats = _nats(divergence, 2 * jnp.sqrt(jnp.asarray(n, float)), delta)
    return jnp.asarray(empirical) + jnp.sqrt(nats / (2 * n))


def catoni(
    empirical: Number, divergence: Number, n: Number, delta: Number, constant: Number
) -> Bound:
    """(1 - exp(-C Lhat - (KL + ln(1/delta))/n))/(1 - exp(-C)), C > 0 fixed beforehand.

    Catoni 2007, Theorem 1.2.6. The least over C is kl^{-1}(Lhat, (KL + ln(1/delta))/n).
    """
    nats = (jnp.asarray(divergence) - jnp.log(delta)) / n
    return jnp.expm1(-constant * jnp.asarray(empirical) - nats) / jnp.expm1(-constant)


def catoni_constant(n: Number, delta: Number) -> Bound:
    """The C that is best at a usual loss (1/4) and divergence (2 nats): fixed beforehand.

    At the best C Catoni's bound is p = kl^{-1}(q, c), and C = ln(p(1-q)/(q(1-p))).
    """
    q, nats = USUAL_LOSS, USUAL_DIVERGENCE - jnp.log(jnp.asarray(delta))
    p = jnp.minimum(kl_upper(q, nats / n), 1 - 1e-9)
    return jnp.log(p * (1 - q) / (q * (1 - p)))


def lambda_bound(
    empirical: Number, divergence: Number, n: Number, delta: Number, rate: Number
) -> Bound:
    """Lhat/(1-l/2) + (KL + ln(2 sqrt n/delta))/(n l (1-l/2)), for all rates l in (0,2) at once.

    Thiemann et al. 2017, Theorem 3: convex in Q for a given l, hence a training objective.
    """
    nats = _nats(divergence, 2 * jnp.sqrt(jnp.asarray(n, float)), delta)
    return (jnp.asarray(empirical) + nats / (n * rate)) / (1 - rate / 2)


def best_rate(empirical: Number, divergence: Number, n: Number, delta: Number) -> Bound:
    """The l that makes ``lambda_bound`` least: 2/(1 + sqrt(1 + 2 n Lhat/nats))."""
    nats = _nats(divergence, 2 * jnp.sqrt(jnp.asarray(n, float)), delta)
    return 2 / (1 + jnp.sqrt(1 + 2 * n * jnp.asarray(empirical) / nats))


def unexpected_bernstein(
    empirical: Number, second: Number, divergence: Number, n: Number, delta: Number
) -> Bound:
    """Lhat + (-ln(1-g) - g)/g Ehat[l^2] + (KL + ln(#grid/delta))/(g n), least over ``RATES``.

    Mhammedi et al. 2019. ``second`` is the empirical mean of the squared losses under Q.
    """

    nats = _nats(divergence, float(len(RATES)), delta)

    def at(g: float) -> Bound:
        return jnp.asarray(empirical) + ((-log1p(-g) - g) * jnp.asarray(second) + nats / n) / g

    return jnp.stack([at(g) for g in RATES]).min(0)


class Setting(NamedTuple):
    """What the formulas of all bounds are evaluated at, as arrays, so that nothing recompiles."""

    n: Float[Array, ""]
    delta: Float[Array, ""]
    xi: Float[Array, ""]
    shift: Float[Array, ""]
    """Added to every bound on the source risk: a transfer term, or 0."""


Formula = Callable[[Learned, Setting], Bound]


def known(x: Learned, at: Setting) -> tuple[Any, Any, Any, Any]:
    """What most bounds ask for."""
    return x.empirical, x.divergence, at.n, at.delta


FORMULAS: Mapping[str, Formula] = {
    "kl-xi": lambda x, at: maurer(*known(x, at), at.xi),
    "kl-2sqrt(n)": lambda x, at: maurer(*known(x, at), 2 * jnp.sqrt(at.n)),
    "McAllester": lambda x, at: mcallester(*known(x, at)),
    "Catoni": lambda x, at: catoni(*known(x, at), catoni_constant(at.n, at.delta)),
    "lambda": lambda x, at: lambda_bound(*known(x, at), best_rate(*known(x, at))),
    "unexpected Bernstein": lambda x, at: unexpected_bernstein(
        x.empirical, x.second, x.divergence, at.n, at.delta
    ),
    "betting mixture": lambda x, at: betting_mixture(
        *known(x, at), catoni_constant(at.n, at.delta)
    ),
}
BOUNDS = tuple(FORMULAS)


def all_bounds(
    learned: Learned, at: Setting, formulas: Mapping[str, Formula] = FORMULAS
) -> Float[Array, "B ..."]:
    """Their bounds, in their order, none above 1."""
    bounds = [formula(learned, at) for formula in formulas.values()]
    return jnp.minimum(jnp.stack(bounds) + at.shift, 1.0)


def fresh_set(errors: Any, m: Any, delta: Any) -> NDArray[np.float64]:
    """The largest risk not excluded by k ``errors`` on m fresh tasks: P(Bin(m, p) <= k) = delta.

    Exact for losses of 0 or 1; other losses must be dithered to Bernoulli first (Langford 2005).
    k = m excludes nothing: 1. Never below the limit, above it by a share of up to 1e-11, and
    growing with k. Raises ValueError unless the k are whole numbers in 0..m, m is one in 1..10^8,
    and delta is in [1e-300, 1).
    """
    check_tasks(m, "m")
    check_level("delta", delta)
    if delta < LEAST:
        fail("delta", None, delta, f"at least {LEAST}")
    k = np.asarray(errors)
    numbers = k.dtype.kind in "iuf"
    wrong = k[~((k >= 0) & (k <= m) & (k == np.floor(k)))] if numbers else np.array([errors])
    if wrong.size:
        fail("errors", None, wrong.flat[0], f"whole numbers in 0..{m}")
    below = np.minimum(k, m - 1).astype(float)
    return np.where(k == m, 1.0, upper_quantile(below + 1, m - below, delta))


def fresh_set_failure(risk: Any, m: Any, delta: Any) -> NDArray[np.float64]:
    """P(the test-set bound on m fresh tasks lies below ``risk``), losses dithered, exactly.

    Raises ValueError for a risk outside [0, 1], and for what ``fresh_set`` refuses.
    """
    risks = np.asarray(risk, float)
    if not (inside := (risks >= 0) & (risks <= 1)).all():
        fail("risk", None, risks[~inside].flat[0], "a number in [0, 1]")
    check_tasks(m, "m")
    # Limits grow with the number of errors: by bisection, the first one not below the risk.
    low, high = np.zeros(risks.shape, int), np.full(risks.shape, m)
    while (low < high).any():
        middle, place = np.unique((low + high) // 2, return_inverse=True)
        missed = fresh_set(middle, m, delta)[place].reshape(risks.shape) < risks
        middle = middle[place].reshape(risks.shape)
        low, high = np.where(missed, middle + 1, low), np.where(missed, high, middle)
    return np.asarray(np.where(low > 0, scipy.stats.binom.cdf(low - 1, m, risks), 0.0))
