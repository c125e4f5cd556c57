"""L.groups at rational points: a group size and the weights of K binary rewards."""

from functools import cache

import numpy as np
from flint import fmpq
from numpy.typing import NDArray

from grpo_checks.experiments.falsifier.reading import group_size_of
from grpo_checks.experiments.protocol.points import Document, Exact, Search
from grpo_checks.experiments.protocol.verdict import Decision, Verdict, compare
from grpo_checks.theory.estimators.distinct import distinct_groups
from grpo_checks.theory.numbers.fields import POSITIVE, entry, numbers
from grpo_checks.theory.rational.choices.distinct import distinct

PUBLISHED = (2, 3)
"""Joint and decoupled, two binary rewards of equal weight, two members."""
MOST_COMPONENTS, LARGEST_GROUP, LARGEST_WEIGHT = 3, 8, 12


def decide(document: Document, mutant: str | None) -> Decision:
    """Joint numbers are below decoupled ones; or the latter reach all groups (the mutant)."""
    size = group_size_of(document, LARGEST_GROUP)
    weights = list(numbers("weights", entry(document, "weights"), POSITIVE))
    if not 2 <= len(weights) <= MOST_COMPONENTS:
        raise ValueError(f"weights = {weights}: expected 2 or {MOST_COMPONENTS} numbers > 0")
    counts = distinct(weights, size)
    if mutant == "lossless":
        return compare(fmpq(counts.groups), fmpq(counts.most), "all, and at most so many decoupled")
    joint, fewest = fmpq(counts.joint), fmpq(counts.fewest)
    verdict: Verdict = "holds" if joint < fewest else "inconclusive"
    if counts.joint >= counts.most:
        verdict = "refuted"
    if size == 2 and weights == [fmpq(1), fmpq(1)] and (counts.joint, counts.fewest) != PUBLISHED:
        verdict = "refuted"
    return Decision(joint, fewest, verdict, "joint, and at least so many decoupled")


def _weights(x: NDArray[np.float64]) -> tuple[int, ...]:
    return tuple(int(w) for w in np.clip(np.round(np.exp(x)), 1, LARGEST_WEIGHT))


@cache
def _share(size: int, weights: tuple[int, ...]) -> float:
    joint, decoupled = (
        distinct_groups(size, weights, name)
        for name in ("group_normalized", "componentwise_normalized")
    )
    return joint / decoupled


def _document(x: NDArray[np.float64], choice: tuple[int, int], n: int) -> Document:
    return {"group_size": choice[1], "weights": list(_weights(x))}


EXACT = Exact(
    decide,
    Search(
        ((2, 2), (2, 3), (2, 4), (2, 5), (2, 8), (3, 2), (3, 3)),
        lambda choice: choice[0],
        lambda x, choice: _share(choice[1], _weights(np.asarray(x))),
        _document,
        by_gradient=False,
    ),
)
