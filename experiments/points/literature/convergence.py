"""L.convergence at rational points: the fate of one recurrence, certified.

Documents: ``odds`` of success to failure under pi_ref, ``beta``, ``eps``; the penalty also as
{"over_log": [a, b]} for a/ln b, where gains are then powers of b. Of a ``start`` other than p_ref
the claim says nothing.
"""

import math
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flint import arb, fmpq
from numpy.typing import NDArray

from grpo_checks.experiments.falsifier.rounding import near
from grpo_checks.experiments.falsifier.shrink import LARGEST
from grpo_checks.experiments.protocol.points import Document, Exact, Search
from grpo_checks.experiments.protocol.verdict import Decision
from grpo_checks.theory.evaluation.amplification import amplify
from grpo_checks.theory.numbers.balls import Number, rational
from grpo_checks.theory.numbers.fields import INSIDE, POSITIVE, entry, number, numbers
from grpo_checks.theory.rational.menus.trap import Recurrence, orbit, rises, settles, trap

STEPS = 60
MOVING = 1e-3


def _penalty(written: Any) -> Number:
    if not isinstance(written, dict):
        return rational("beta", written)
    over, base = numbers("beta.over_log", entry(written, "over_log"), count=2)
    if not base > 1:
        raise ValueError(f"beta.over_log[1] = {base}: expected a number > 1")
    return over / arb(base).log()


def _recurrence(document: Document) -> Recurrence:
    won, lost = numbers("odds", entry(document, "odds"), POSITIVE, 2)
    beta, eps = _penalty(entry(document, "beta")), number("eps", entry(document, "eps"))
    return Recurrence(won / (won + lost), beta, eps)


def decide(document: Document, mutant: str | None) -> Decision:
    """Observed: what consecutive chances differ by for ever; it should be 0."""
    recurrence = _recurrence(document)
    start = (
        number("start", document["start"], INSIDE) if "start" in document else recurrence.reference
    )
    decision = fate(recurrence, start)
    if start == recurrence.reference:
        return decision
    return decision._replace(verdict="assumption unmet", note=f"not from p_ref: {decision.note}")


def fate(recurrence: Recurrence, start: Number) -> Decision:
    """Whether the sequence converges, as far as it can be certified."""
    path = orbit(recurrence, start)
    if rises(path):
        return Decision(fmpq(0), fmpq(0), "holds", "rises from some step on, and is bounded")
    if settles(recurrence, path):
        return Decision(fmpq(0), fmpq(0), "holds", "enters a ball that is contracted into itself")
    alternating = trap(recurrence, path)
    if alternating is None:
        return Decision(fmpq(0), fmpq(0), "inconclusive", "no certificate of either kind")
    return Decision(
        alternating.distance, fmpq(0), "refuted", "alternates between two disjoint balls"
    )


def _ratio(x: jax.Array, choice: str) -> jax.Array:
    """Grows with how far the last two iterates are apart; above 1 where they are clearly."""
    start, beta, eps = _numbers(x, choice)

    def step(at: jax.Array, _: None) -> tuple[jax.Array, jax.Array]:
        after = amplify(at, start, beta, eps)
        return jnp.minimum(after, 40.0), after

    last = jax.nn.sigmoid(jax.lax.scan(step, start, None, STEPS)[1][-2:])
    return 1 + 0.1 * jnp.log((jnp.abs(last[1] - last[0]) + 1e-30) / MOVING)


def _numbers(x: Any, choice: str) -> tuple[Any, Any, Any]:
    """logit p_ref, beta, eps."""
    return 3 * x[0], jnp.exp(x[1]), jnp.exp(2 * x[2] - 4) if choice == "eps" else 0.0


def _document(x: NDArray[np.float64], choice: str, n: int) -> Document:
    start, beta, eps = map(float, _numbers(x, choice))
    # One against a whole number, which may be large: only denominators are to be small.
    many = max(1, round(float(np.exp(min(abs(start), 40.0)))))
    odds = [1, many] if start < 0 else [many, 1]
    return {"odds": odds, "beta": near(beta, n), "eps": near(eps, n)}


def _without_eps(document: Document) -> Iterator[Document]:
    """eps = 0 and the penalty that leaves the first gain about as it is."""
    if document["eps"] == 0 or isinstance(document["beta"], dict):
        return
    won, lost = map(float, map(Fraction, document["odds"]))
    spread, eps = won * lost / (won + lost) ** 2, float(Fraction(document["eps"]))
    beta = float(Fraction(document["beta"])) * math.sqrt(1 + eps / spread)
    for n in range(1, LARGEST + 1):
        yield {**document, "beta": near(beta, n), "eps": 0}


SEARCH = Search(("no eps", "eps"), lambda _: 3, _ratio, _document)
EXACT = Exact(decide, SEARCH, _without_eps)
