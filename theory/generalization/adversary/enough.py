"""A price that is enough, whatever the problem: the other side of what a bound needs (derived).

Statement: let g be convex in (q, p), and 0 where p <= q. For any class, prior and law of tasks, any
rho > 0 and any a < e^x,

    P(some Q has n g(Lhat(Q), L(Q))/rho > KL(Q ‖ P) + x)
        <= max_p E (e^{n g(B/n, p)/rho} - a)_+/(e^x - a),

B binomial (n, p). Where the right side is delta, no Q with KL(Q ‖ P) <= K needs more than
rho (K + x) nats; with rho <= 1 none needs more than KL(Q ‖ P) + rho x. A bound that asks for
KL + ln(c/delta) is loose by the difference, on every problem there is.

Proof: g/rho is as convex as g. By Jensen and change of measure the event lies within E_P X > e^x,
X = exp(n g(Lhat, L)/rho) of a policy drawn from P. There (E_P X - a)_+ >= e^x - a, so that its
chance is at most E (E_P X - a)_+/(e^x - a) <= E_P E (X - a)_+/(e^x - a) (Markov, Jensen). For one
policy X is convex in each of its losses, and so is (X - a)_+: losses of 0 or 1 with the same mean
are the worst. Source: derived; a = 0 and rho = 1 are Maurer's proof. A large rho is a linear
function of g (Hoeffding, Bentkus), the sharper where K is small; rho < 1 pays where g lies below kl
and K is large. Units: nats. The level a, rho and x are guessed on a grid of laws, then ``largest``
proves them for all p in [0, 1], in floating point.

No function of one policy's count proves much more at rho = 1: it must be e^{n g - x} or more where
n g > x, since a share e^{x - n g} of the policies is enough for a Q.
"""

import numpy as np
from scipy.optimize import brentq

from grpo_checks.theory.generalization.adversary.forms import Form
from grpo_checks.theory.generalization.adversary.largest import log_chance, never_more
from grpo_checks.theory.numbers.counts import Floats

STEPS, LAWS = 60, 200
MARGIN = 0.02
"""Nats, times 1/rho, added to the guess until it is proved."""
SMALL, LARGE = (0.8, 0.85, 0.9, 0.94, 0.97, 1.0), (1.0, 2.0, 8.0)
"""What rho is tried where KL(Q ‖ P) is most of the price, and where the logarithm is."""


def laws_of(n: int, most: float) -> Floats:
    """A grid of p, even in log-odds: from below 1/n, where even no errors give n g <= 1 or so, to
    where all but n errors give n kl > most."""
    low, high = np.log(n) + 1, np.log(n) + most + 1
    return np.asarray(1 / (1 + np.exp(np.linspace(low, -high, LAWS))))


def _excess(g: Form, n: int, p: float, levels: Floats) -> Floats:
    """E (e^{n g/rho} - e^u)_+ for each level u, by sums over tails: g falls with the errors."""
    errors = np.arange(int(np.ceil(n * p)))
    nats, weight = n * g(errors / n, p), log_chance(n, len(errors), p)
    heavy, light = (np.cumsum(np.exp(x)) for x in (np.minimum(nats + weight, 600), weight))
    above = np.searchsorted(-nats, -levels)
    sums = (np.append(0.0, x)[above] for x in (heavy, light))
    first, second = sums
    return np.asarray(np.maximum(first - np.exp(levels) * second, 0.0))


def _guess(g: Form, n: int, delta: float, most: float) -> tuple[float, float]:
    """The x in (0, most] that suffices on the grid, infinite if none does, and its u = ln a."""
    levels = np.linspace(0.0, most, STEPS + 1)[:-1]
    largest = np.max([_excess(g, n, p, levels) for p in laws_of(n, most)], axis=0)

    def chances(x: float) -> Floats:
        below = levels < x - most / (2 * STEPS)
        return np.asarray(largest[below] / (np.exp(x) - np.exp(levels[below])))

    def missing(x: float) -> float:
        return float(np.log(max(chances(x).min(), 1e-300)) - np.log(delta))

    if missing(most) > 0:
        return np.inf, 0.0
    x = most / STEPS
    x = float(brentq(missing, x, most)) if missing(x) > 0 else x
    return x, float(levels[np.argmin(chances(x))])


def enough(g: Form, n: int, delta: float, most: float) -> float:
    """An x in (0, most] that suffices with n tasks at ``delta``: mostly the guess and ``MARGIN``.

    In nats; rho is g's. Raises ValueError where not even ``most`` is proved to suffice.
    """
    x, level = _guess(g, n, delta, most)
    while x < most:
        x = min(x + MARGIN / g.rho, most)
        if never_more(g, n, level, delta * (np.exp(x) - np.exp(level))):
            return x
    raise ValueError(f"most = {most}: not enough at delta = {delta}")


def most_needed(g: Form, n: int, delta: float, divergence: float, price: float) -> float:
    """Nats n g that no Q with KL(Q ‖ P) <= ``divergence`` exceeds, with probability 1 - delta.

    At most ``price``, which counts the divergence in: the least rho (K + x) of those tried.
    Raises ValueError where none is proved to be below the price.
    """
    guesses = {}
    for rho in SMALL if divergence > price / 2 else LARGE:
        if (most := price / rho - divergence) > 0:
            guesses[rho] = rho * (divergence + _guess(g._replace(rho=rho), n, delta, most)[0])
    rho = min(guesses, key=lambda at: guesses[at])
    x = enough(g._replace(rho=rho), n, delta, price / rho - divergence)
    return rho * (divergence + x)
