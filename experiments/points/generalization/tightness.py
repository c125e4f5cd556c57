"""T3.tightness at rational points: mean offsets of two bounds, as sums over all samples.

A document is a learning problem (``theory.rational.tasks.tasks``) with the names of a ``tighter``
and a ``looser`` bound. At n = 1 the two bounds of kl are one, since xi(1) = 2: the search leaves
that out.
"""

from itertools import product
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from grpo_checks.experiments.falsifier.rounding import Floats, odds, table, unit
from grpo_checks.experiments.points.generalization.coverage import simpler
from grpo_checks.experiments.protocol.points import Document, Exact, Search
from grpo_checks.experiments.protocol.verdict import Decision, compare
from grpo_checks.theory.generalization.learning import gibbs, mixed
from grpo_checks.theory.generalization.maurer_constant import xi
from grpo_checks.theory.generalization.pac_bayes import best_rate, lambda_bound, maurer, mcallester
from grpo_checks.theory.numbers.balls import Number
from grpo_checks.theory.numbers.counts import count_vectors, log_chances
from grpo_checks.theory.rational.tasks.bounds import plain
from grpo_checks.theory.rational.tasks.offsets import VALUES, bounds_of, kl_value, mean_offset
from grpo_checks.theory.rational.tasks.tasks import Tasks, parse_tasks

ORDER = (("kl-xi", "kl-2sqrt(n)"), ("kl-2sqrt(n)", "McAllester"), ("kl-2sqrt(n)", "lambda"))
PURE = tuple(name for name in VALUES if name.startswith("kl"))
POLICIES, TYPES, SIZES = 2, 2, (2, 8)


def _offset(tasks: Tasks, bound: str, mutant: str | None) -> Number:
    if mutant == "xi above 2 sqrt n" and bound == "kl-xi":
        return mean_offset(tasks, kl_value(lambda n: 2 * plain(n)))
    halved = mutant == "half of McAllester" and bound == "McAllester"
    return mean_offset(tasks, VALUES[bound]) / (2 if halved else 1)


def decide(document: Document, mutant: str | None) -> Decision:
    """The mean offset of the tighter bound against that of the looser one."""
    tasks, pair = parse_tasks(document), (document.get("tighter"), document.get("looser"))
    if pair not in ORDER:
        raise ValueError(f"tighter, looser = {pair}: expected one of {ORDER}")
    tighter, looser = (_offset(tasks, str(bound), mutant) for bound in pair)
    if mutant is None and tasks.n == 1 and set(pair) == set(PURE):
        return Decision(tighter, tighter, "holds", "equal: xi(1) = 2")
    if mutant is None and all(loosest >= 1 for loosest in bounds_of(tasks, VALUES[str(pair[1])])):
        return Decision(tighter, looser, "vacuous", "the looser bound is 1 for every sample")
    return compare(tighter, looser)


class Place(NamedTuple):
    """A choice: a pair of ORDER, and a number of tasks."""

    pair: int
    n: int


def _parts(x: Any) -> Any:
    """delta, temperature, losses, and logits of the source and of the prior."""
    losses = x[2 : 2 + POLICIES * TYPES].reshape(POLICIES, TYPES)
    return x[0], x[1], losses, x[-TYPES - POLICIES : -POLICIES], x[-POLICIES:]


def document(x: Floats, at: Place, n: int) -> Document:
    """The point, rounded."""
    delta, temperature, losses, source, prior = _parts(x)
    tighter, looser = ORDER[at.pair]
    return {
        "tighter": tighter,
        "looser": looser,
        "n": at.n,
        "delta": unit(delta, n),
        "temperature": f"{max(round(n * float(np.exp(temperature))), 1)}/{n}",
        "source": odds(source, n, 0),
        "losses": table(losses, unit, n),
        "prior": odds(prior, n),
    }


def _values(name: str, q: Any, kl: Any, at: Place, delta: Any) -> Any:
    """A bound, not cut at 1: where all are cut there is nothing to compare."""
    known = (q, kl, float(at.n), delta)
    if name in PURE:
        return maurer(*known, xi(at.n) if name == "kl-xi" else 2 * at.n**0.5)
    return mcallester(*known) if name == "McAllester" else lambda_bound(*known, best_rate(*known))


def _ratio(x: Any, at: Place) -> Any:
    """Of the two mean offsets."""
    delta, temperature, losses, source, prior = _parts(x)
    loss, law, before = jax.nn.sigmoid(losses), jax.nn.softmax(source), jax.nn.softmax(prior)
    vectors = count_vectors(at.n, TYPES)
    chance = np.exp(log_chances(vectors, np.ones(TYPES))) * jnp.exp(vectors @ jnp.log(law))
    shown = jnp.asarray(vectors) @ loss.T / at.n
    q, kl = jax.vmap(lambda e: gibbs(before, -at.n * e / jnp.exp(temperature)))(shown)
    empirical, level = jax.vmap(mixed)(shown, q), jax.nn.sigmoid(delta)
    tighter, looser = (
        chance @ (_values(name, empirical, kl, at, level) - empirical) for name in ORDER[at.pair]
    )
    return tighter / looser


EXACT = Exact(
    decide,
    Search(
        tuple(Place(i, n) for i, n in product(range(len(ORDER)), SIZES)),
        lambda at: 2 + (POLICIES + 1) * TYPES + POLICIES,
        _ratio,
        document,
    ),
    simpler,
)
