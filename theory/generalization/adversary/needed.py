"""Nats that a PAC-Bayes bound needs: with a smaller price it lies below the risk (derived).

Every bound of ``pac_bayes`` is n g(Lhat(Q), L(Q)) <= KL(Q ‖ P) + ln(c/delta), solved for L(Q). The
right side is its *price*, the left side what it *needs* at q = Lhat(Q), p = L(Q) >= q:

    kl-xi, kl-2sqrt(n)      n kl(q ‖ p)
    McAllester              2 n (p-q)^2
    Catoni(C)               -n ln(1 - p (1 - e^-C)) - n C q
    lambda, its best rate   n (p-q)^2/(2p), at the rate (p-q)/p (the largest of n l (p - q - l p/2))
    unexpected Bernstein    n (g p + q ln(1-g)), the largest over its rates; losses 0 or 1
    betting mixture         ln of the weighted sum of exp(Catoni's) at C/2, C and 2 C

Where every sample of a problem leaves the same q and p, a bound with a smaller price fails in all
of them. Units: nats.
"""

from collections.abc import Callable, Mapping

import jax
import numpy as np
from scipy.special import logsumexp

from grpo_checks.theory.generalization.betting.mixture import MULTIPLES, WEIGHTS
from grpo_checks.theory.generalization.maurer_constant import plain, xi
from grpo_checks.theory.generalization.pac_bayes import RATES, maurer

HALVINGS = 40
"""Of an interval of nats."""
kl_inverse = jax.jit(maurer)


def bracket(low: float, high: float, reached: Callable[[float], bool]) -> tuple[float, float]:
    """The part of [low, high] in which ``reached`` becomes true, by bisection."""
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if reached(middle) else (middle, high)
    return low, high


def kl_nats(q: float, p: float) -> float:
    """kl(q ‖ p) of losses 0 <= q < 1 and 0 < p < 1."""
    lost = q * np.log(q / p) if q > 0 else 0.0
    return float(lost + (1 - q) * (np.log1p(-q) - np.log1p(-p)))


def catoni_nats(q: float, p: float, constant: float) -> float:
    """Of Catoni's bound at C = ``constant`` > 0, per task."""
    return float(-np.log1p(p * np.expm1(-constant)) - constant * q)


def betting_nats(q: float, p: float, n: int, constant: float) -> float:
    """Of the betting mixture at C = ``constant`` > 0, for n tasks: the logarithm of its wealth."""
    logs = [n * catoni_nats(q, p, m * constant) for m in MULTIPLES]
    return float(logsumexp(logs, b=WEIGHTS))


def _bernstein(q: float, p: float) -> float:
    return float(max(g * p + q * np.log1p(-g) for g in RATES))


NEEDED: Mapping[str, Callable[[float, float], float]] = {
    "kl-xi": kl_nats,
    "kl-2sqrt(n)": kl_nats,
    "McAllester": lambda q, p: 2 * (p - q) ** 2,
    "lambda": lambda q, p: (p - q) ** 2 / (2 * p),
    "unexpected Bernstein": _bernstein,
    "split prior": kl_nats,
}
"""Per task, of the loss seen and the risk; Catoni's and the bets' ask for a constant too."""


def log_constant(bound: str, n: int) -> float:
    """ln c of the price KL + ln(c/delta) with n tasks (those of S_2 for a split prior)."""
    if bound in ("Catoni", "betting mixture"):
        return 0.0
    if bound == "unexpected Bernstein":
        return float(np.log(len(RATES)))
    return float(np.log(xi(n) if bound in ("kl-xi", "split prior") else plain(n)))
