"""Where a falsifier looks for the largest failure probability over delta.

Failure jumps where a law passes what a bound says, so that the climb is without derivatives, and
its guide in plain NumPy: nothing compiles, and nothing rests on it. A bound counts as failing only
where it does so by a margin: a point then survives rounding.
"""

from itertools import product
from typing import Any, NamedTuple

import numpy as np
from scipy.special import expit, logsumexp, rel_entr, softmax

from grpo_checks.experiments.falsifier.rounding import Floats, odds, table, unit
from grpo_checks.experiments.protocol.points import Document, Search
from grpo_checks.theory.generalization.maurer_constant import plain, xi
from grpo_checks.theory.generalization.pac_bayes import BOUNDS, RATES, fresh_set
from grpo_checks.theory.numbers.counts import count_vectors, log_chances

MARGIN = 1e-4
STEEP = 3.0
"""How fast losses reach 0 and 1."""
SCALARS = 3


class Place(NamedTuple):
    """A choice."""

    bound: str
    posterior: str
    n: int
    policies: int
    types: int


SHAPES = ((1, 2), (2, 2), (3, 3))
SIZES = (1, 2, 4, 8)
CHOICES = (
    *(Place(b, "Gibbs", n, *shape) for b, n, shape in product(BOUNDS, SIZES, SHAPES)),
    *(Place("kl-xi", "worst", n, *shape) for n, shape in product(SIZES, SHAPES[1:])),
    *(Place(b, "Gibbs", n, 1, 2) for b, n in product(("Chernoff", "fresh tasks"), SIZES)),
)


class View(NamedTuple):
    """What the parameters stand for, before rounding."""

    delta: float
    temperature: float
    constant: float
    losses: Floats
    source: Floats
    prior: Floats


def _parts(x: Floats, at: Place) -> tuple[Floats, ...]:
    """Scalars, losses, logits of the source and of the prior."""
    losses = at.policies * at.types
    scalars, fit, *laws = np.split(x, SCALARS + np.cumsum([0, losses, at.types]))
    return scalars, STEEP * fit.reshape(at.policies, at.types), *laws


def view(x: Floats, at: Place) -> View:
    """Any numbers as a learning problem."""
    scalars, losses, source, prior = _parts(x, at)
    heat, constant = np.exp(scalars[1:])
    fit = np.round(expit(losses)) if at.bound == "fresh tasks" else expit(losses)
    return View(float(expit(scalars[0])), heat, constant, fit, softmax(source), softmax(prior))


def document(x: Floats, at: Place, n: int) -> Document:
    """The same, rounded."""
    (delta, *others), losses, source, prior = _parts(x, at)
    heat, constant = (f"{max(round(n * float(np.exp(v))), 1)}/{n}" for v in others)
    crowd = {"prior": odds(prior, n), "temperature": heat} if at.policies > 1 else {}
    return {
        "bound": at.bound,
        "posterior": at.posterior,
        "n": at.n,
        "delta": unit(delta, n),
        "source": odds(source, n, 0),
        "losses": table(losses, unit, 1 if at.bound == "fresh tasks" else n),
        **crowd,
        **({"constant": constant} if at.bound == "Catoni" else {}),
    }


def kl(q: Floats, p: Floats) -> Floats:
    """kl(q ‖ p) where p > q, else 0."""
    return np.where(p > q, rel_entr(q, p) + rel_entr(1 - q, 1 - p), 0.0)


def _nats(at: Place, delta: float) -> float:
    """ln(price/delta) of each bound."""
    prices = {"kl-xi": xi(at.n), "Chernoff": 1.0, "Catoni": 1.0, "unexpected Bernstein": len(RATES)}
    return float(np.log(prices.get(at.bound, plain(at.n)) / delta))


def _fails(seen: View, at: Place, counts: Floats) -> Floats:
    """Whether the bound lies below the risk on each sample."""
    nats, shown, risks = (
        _nats(at, seen.delta),
        counts @ seen.losses.T / at.n,
        seen.losses @ seen.source,
    )
    if at.posterior == "worst":
        return logsumexp(at.n * kl(shown, risks[None]), b=seen.prior, axis=1) > nats + MARGIN
    law = softmax(np.log(seen.prior) - at.n * shown / seen.temperature, axis=1)
    nats_per_task = (rel_entr(law, seen.prior).sum(1) + nats) / at.n
    q, risk = (law * shown).sum(1), law @ risks
    if at.bound.startswith(("kl", "Chernoff")):
        return kl(q, risk) > nats_per_task + MARGIN
    second = (law * (counts @ np.square(seen.losses).T)).sum(1) / at.n
    return _value(seen, at, q, second, nats_per_task) + MARGIN < risk


def _value(seen: View, at: Place, q: Floats, second: Floats, nats: Floats) -> Floats:
    """A bound that is given as a number; ``nats`` over n."""
    if at.bound == "McAllester":
        return q + np.sqrt(nats / 2)
    if at.bound == "Catoni":
        return np.expm1(-seen.constant * q - nats) / np.expm1(-seen.constant)
    if at.bound == "lambda":
        rate = 2 / (1 + np.sqrt(1 + 2 * q / nats))
        return (q + nats / rate) / (1 - rate / 2)
    assert at.bound == "unexpected Bernstein"
    return np.min([q + ((-np.log1p(-g) - g) * second + nats) / g for g in RATES], 0)


def ratio(x: Floats, at: Place) -> float:
    """Failure probability over delta."""
    seen = view(x, at)
    counts = count_vectors(at.n, at.types).astype(float)
    weight = np.exp(log_chances(count_vectors(at.n, at.types), seen.source))
    if at.bound == "fresh tasks":
        limits = fresh_set(np.round(counts @ seen.losses[0]), at.n, seen.delta)
        return float(weight @ (limits + MARGIN < seen.losses[0] @ seen.source)) / seen.delta
    return float(weight @ _fails(seen, at, counts)) / seen.delta


def _dimension(choice: Any) -> int:
    return SCALARS + choice.policies * (choice.types + 1) + choice.types


SEARCH = Search(CHOICES, _dimension, ratio, document, by_gradient=False)
