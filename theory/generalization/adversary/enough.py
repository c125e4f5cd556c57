"""A price that is enough, whatever the problem: the other side of what a bound needs (derived).

Statement: let g be convex in (q, p), and 0 where p <= q. For any class, prior and law of tasks, and
any a < e^x,

    P(some Q has n g(Lhat(Q), L(Q)) > KL(Q ‖ P) + x) <= max_p E (e^{n g(B/n, p)} - a)_+/(e^x - a),

B binomial (n, p). So a price of x nats suffices at delta where the right side is delta, and a bound
with KL + ln(c/delta) is loose by ln(c/delta) - x nats on every problem there is.

Proof: by Jensen and change of measure the event lies within E_P X > e^x, X = exp(n g(Lhat, L)) of a
policy drawn from P. There (E_P X - a)_+ >= e^x - a, so that its chance is at most
E (E_P X - a)_+/(e^x - a) <= E_P E (X - a)_+/(e^x - a) (Markov, Jensen). For one policy X is convex
in each of its losses, and so is (X - a)_+: losses of 0 or 1 with the same mean are the worst.
Source: derived; a = 0 is Maurer's proof. Units: nats. The largest p is taken over a grid of laws.
"""

from collections.abc import Callable

import numpy as np
import scipy
from scipy.optimize import brentq

from grpo_checks.theory.numbers.counts import Floats

STEPS, LAWS = 60, 200
Convex = Callable[[Floats, float], Floats]


def lambda_form(q: Floats, p: float) -> Floats:
    """(p-q)^2/(2p) for p > 0, where p > q."""
    return np.maximum(p - q, 0.0) ** 2 / (2 * p)


def squared_form(q: Floats, p: float) -> Floats:
    """2 (p-q)^2 where p > q."""
    return 2 * np.maximum(p - q, 0.0) ** 2


def kl_form(q: Floats, p: float) -> Floats:
    """kl(q ‖ p) where p > q, for p in (0, 1)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        first = np.where(q > 0, q * np.log(q / p), 0.0)
        second = (1 - q) * (np.log1p(-q) - np.log1p(-p))
    return np.where(q < p, first + second, 0.0)


def laws_of(n: int, most: float) -> Floats:
    """A grid of p, even in log-odds: from below 1/n, where even no errors give n g <= 1 or so, to
    where no errors have a chance below exp(-most)."""
    low, high = np.log(n) + 1, max(np.log(n), most / n) + 1
    return np.asarray(1 / (1 + np.exp(np.linspace(low, -high, LAWS))))


def _excess(g: Convex, n: int, p: float, levels: Floats) -> Floats:
    """E (e^{n g} - e^u)_+ for each level u, by sums over tails: g falls with the errors."""
    errors = np.arange(int(np.ceil(n * p)))
    nats, weight = n * g(errors / n, p), scipy.stats.binom.logpmf(errors, n, p)
    heavy, light = (np.cumsum(np.exp(x)) for x in (np.minimum(nats + weight, 600), weight))
    above = np.searchsorted(-nats, -levels)
    sums = (np.append(0.0, x)[above] for x in (heavy, light))
    first, second = sums
    return np.asarray(np.maximum(first - np.exp(levels) * second, 0.0))


def enough(g: Convex, n: int, delta: float, most: float) -> float:
    """The x in (0, most] that suffices with n tasks at ``delta``; ``most`` where none smaller does.

    In nats. Raises ValueError where even ``most`` does not.
    """
    levels = np.linspace(0.0, most, STEPS + 1)[:-1]
    largest = np.max([_excess(g, n, p, levels) for p in laws_of(n, most)], axis=0)

    def missing(x: float) -> float:
        below = levels < x - most / (2 * STEPS)
        chance = (largest[below] / (np.exp(x) - np.exp(levels[below]))).min()
        return float(np.log(max(chance, 1e-300)) - np.log(delta))

    if missing(most) > 0:
        raise ValueError(f"most = {most}: not enough at delta = {delta}")
    return float(brentq(missing, most / STEPS, most))
