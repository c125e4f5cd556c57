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
Source: derived; a = 0 is Maurer's proof. Units: nats. The level a and x are guessed on a grid of
laws, then ``largest`` proves them for all p in [0, 1], in floating point.
"""

from collections.abc import Callable

import numpy as np
import scipy
from scipy.optimize import brentq

from grpo_checks.theory.generalization.adversary.largest import never_more
from grpo_checks.theory.numbers.counts import Floats

STEPS, LAWS = 60, 200
MARGIN = 0.02
"""Nats added to the guess until it is proved."""
Convex = Callable[[Floats, float], Floats]


def lambda_form(q: Floats, p: float) -> Floats:
    """(p-q)^2/(2p) where p > q."""
    return np.maximum(p - q, 0.0) ** 2 / (2 * max(p, np.finfo(float).tiny))


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
    where all but n errors give n kl > most."""
    low, high = np.log(n) + 1, np.log(n) + most + 1
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


def _guess(g: Convex, n: int, delta: float, most: float) -> tuple[float, float]:
    """The x in (0, most] that suffices on the grid, and the u = ln a at which it does."""
    levels = np.linspace(0.0, most, STEPS + 1)[:-1]
    largest = np.max([_excess(g, n, p, levels) for p in laws_of(n, most)], axis=0)

    def chances(x: float) -> Floats:
        below = levels < x - most / (2 * STEPS)
        return np.asarray(largest[below] / (np.exp(x) - np.exp(levels[below])))

    def missing(x: float) -> float:
        return float(np.log(max(chances(x).min(), 1e-300)) - np.log(delta))

    if missing(most) > 0:
        raise ValueError(f"most = {most}: not enough at delta = {delta}")
    x = float(brentq(missing, most / STEPS, most))
    return x, float(levels[np.argmin(chances(x))])


def enough(g: Convex, n: int, delta: float, most: float) -> float:
    """An x in (0, most] that suffices with n tasks at ``delta``: mostly the guess and ``MARGIN``.

    In nats; g as in ``largest``. Raises ValueError where not even ``most`` is proved to suffice.
    """
    x, level = _guess(g, n, delta, most)
    while x < most:
        x = min(x + MARGIN, most)
        if never_more(g, n, level, delta * (np.exp(x) - np.exp(level))):
            return x
    raise ValueError(f"most = {most}: not enough at delta = {delta}")
