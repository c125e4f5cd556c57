"""T3.shift at rational points: a learning problem of ``theory.rational.tasks.tasks`` with a
``target``.

The reported bound, at the Gibbs posterior of each sample, against its exact failure probability.
"""

from itertools import product
from typing import Any, NamedTuple

import numpy as np
from flint import arb
from scipy.special import expit, rel_entr, softmax

from grpo_checks.experiments.falsifier.rounding import Floats, near, odds, table, unit
from grpo_checks.experiments.points.generalization.coverage import simpler
from grpo_checks.experiments.protocol.points import Document, Exact, Search
from grpo_checks.experiments.protocol.verdict import Decision, compare
from grpo_checks.theory.generalization.maurer_constant import plain
from grpo_checks.theory.numbers.counts import count_vectors, log_chances
from grpo_checks.theory.rational.tasks.bounds import failure, says_nothing
from grpo_checks.theory.rational.tasks.shift import shift_rule, shift_term
from grpo_checks.theory.rational.tasks.tasks import learn, parse_tasks

STEEP = 3.0
LEAST = 0.05
"""Of delta: what is smaller has no short denominator."""
SIZES, TYPES = (1, 2, 4, 8, 16), (2, 3)


def decide(document: Document, mutant: str | None) -> Decision:
    """Failure probability of the reported bound against delta."""
    tasks = parse_tasks(document)
    term = shift_term(tasks)
    if term is None:
        return Decision(tasks.delta * 0, tasks.delta, "vacuous", "KL(D_T,D_S) is infinite")
    rule = shift_rule(term)
    probability = failure(tasks, lambda counts: rule(learn(tasks, counts), tasks.n, tasks.delta))
    if probability == 0 and says_nothing(tasks, rule, learn):
        return Decision(probability, tasks.delta, "vacuous", "no better than 1 for any sample")
    return compare(probability, tasks.delta, shown(probability, tasks.delta))


def shown(probability: Any, delta: Any) -> str:
    """The failure probability as it is, or by its distance from 1 if it is too long to read."""
    if len(str(probability)) > 30:
        rest = arb(1 - probability)
        # In ball arithmetic: a float would call 1e-400 zero.
        probability = (
            f"1 - {rest.str(2, radius=False)}" if rest < 0.001 else f"{float(probability):.6g}"
        )
    return f"exact: fails with probability {probability}, delta = {delta}"


class Place(NamedTuple):
    """A choice; one policy."""

    n: int
    types: int


def _parts(x: Floats, types: int) -> tuple[Floats, ...]:
    """delta; source, target and losses before squashing."""
    level, source, target, loss = np.split(x, np.cumsum([1, types, types]))
    return LEAST + (1 - LEAST) * expit(level), source, target, STEEP * loss


def document(x: Floats, at: Place, n: int) -> Document:
    """The point, rounded."""
    delta, source, target, loss = _parts(x, at.types)
    laws = {"source": odds(source, n, 0), "target": odds(STEEP * target, n, 0)}
    return {
        "n": at.n,
        "delta": near(delta[0], min(n, 20)),
        **laws,
        "losses": [table(loss, unit, n)],
    }


def _ratio(x: Floats, at: Place) -> float:
    delta, source, target, loss = _parts(x, at.types)
    p, q, losses = softmax(source), softmax(STEEP * target), expit(loss)
    counts = count_vectors(at.n, at.types)
    added = np.sqrt(np.log(plain(at.n) / delta)) + np.sqrt(rel_entr(q, p).sum())
    bound = counts @ losses / at.n + added / np.sqrt(2 * at.n)
    return float(np.exp(log_chances(counts, p)) @ (bound < losses @ q)) / float(delta[0])


EXACT = Exact(
    decide,
    Search(
        tuple(Place(n, z) for n, z in product(SIZES, TYPES)),
        lambda at: 1 + 3 * at.types,
        _ratio,
        document,
        by_gradient=False,
    ),
    simpler,
)
