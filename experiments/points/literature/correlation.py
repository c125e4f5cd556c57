"""L.correlation, L.correlation.law and L.correlation.G at rational points."""

from collections.abc import Iterator
from itertools import product
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flint import fmpq

from grpo_checks.experiments.falsifier.constraints import bounded
from grpo_checks.experiments.falsifier.reading import group_size_of, one_prompt
from grpo_checks.experiments.falsifier.rounding import near, near_chance
from grpo_checks.experiments.falsifier.smaller import fewer, one_less, smaller_choice
from grpo_checks.experiments.falsifier.statement import gap
from grpo_checks.experiments.points.literature.correlations import DECOUPLED, JOINT
from grpo_checks.experiments.protocol.points import Document, Exact, Search
from grpo_checks.experiments.protocol.verdict import Decision, agree, unmet, worst
from grpo_checks.theory.numbers.balls import rational, total
from grpo_checks.theory.numbers.fields import INSIDE, POSITIVE, entry, numbers
from grpo_checks.theory.rational.choices.correlation import (
    covariance,
    decoupled,
    group_correlations,
    independent,
    limit_decoupled,
    limit_joint,
)
from grpo_checks.theory.updates.correlation import decoupled_correlations

SQUARED = "squared correlation of component {} ({})"
LARGEST_GROUP, MOST_COMPONENTS = 16, 8
MOST = 6.0
"""Of log-odds and logarithms of weights that are searched."""


def decide_limit(document: Document, mutant: str | None) -> Decision:
    """Squared correlations of large groups, both forms, from the law against the formulas."""
    choice = one_prompt(document)
    (kinds,), w, n = choice.kinds, choice.weights, len(choice.weights)
    variances = [covariance(kinds, k, k) for k in range(n)]
    if min(variances) == 0:
        return unmet("a component does not vary")
    if any(covariance(kinds, k, j) != 0 for k in range(n) for j in range(k)):
        return unmet("components are correlated")
    shares = [x * x * v for x, v in zip(w, variances, strict=True)]
    if mutant == "variances":
        shares = [x * x * v * v for x, v in zip(w, variances, strict=True)]
    formulas = {
        JOINT.name: (limit_joint(kinds, w), [x / total(shares) for x in shares]),
        DECOUPLED.name: (limit_decoupled(kinds, w), [x * x / total(y * y for y in w) for x in w]),
    }
    return worst(
        agree(limits[k], expected[k], SQUARED.format(k, name))
        for name, (limits, expected) in formulas.items()
        for k in range(n)
    )


def _components(document: Document) -> tuple[list[fmpq], list[fmpq], int]:
    chances = numbers("chances", entry(document, "chances"), INSIDE)
    if len(chances) > MOST_COMPONENTS:
        raise ValueError(f"chances: {len(chances)} of them, expected at most {MOST_COMPONENTS}")
    given = document.get("weights", [1] * len(chances))
    weights = numbers("weights", given, POSITIVE, len(chances))
    return list(chances), list(weights), group_size_of(document, LARGEST_GROUP)


def decide_law(document: Document, mutant: str | None) -> Decision:
    """Squared decoupled correlations by listing groups, against the closed form."""
    chances, weights, size = _components(document)
    correlations = group_correlations(independent(chances), weights, size, DECOUPLED)
    expected = decoupled(weights, chances, size)
    if mutant == "no groups":
        expected = [w * w / total(x * x for x in weights) for w in weights]
    return worst(
        agree(a, b, SQUARED.format(k, DECOUPLED.name))
        for k, (a, b) in enumerate(zip(correlations, expected, strict=True))
    )


def decide_equal(document: Document, mutant: str | None) -> Decision:
    """Squared decoupled correlations by listing groups, against 1/K; equal weights."""
    if "weights" in document:
        raise ValueError("weights: expected none, they are equal")
    chances, weights, size = _components(document)
    correlations = group_correlations(independent(chances), weights, size, DECOUPLED)
    wanted = fmpq(1, len(chances))
    return worst(
        agree(x, wanted, SQUARED.format(k, DECOUPLED.name)) for k, x in enumerate(correlations)
    )


def _chances(x: jax.Array) -> jax.Array:
    return jax.nn.sigmoid(bounded(x, MOST))


def _product(p: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Outcomes of independent binary components, and their chances."""
    vectors = jnp.asarray(list(product((0.0, 1.0), repeat=p.shape[0])))
    return vectors, jnp.prod(jnp.where(vectors > 0, p[None], 1 - p[None]), 1)


def _listed(p: jax.Array, weights: jax.Array, size: int) -> jax.Array:
    """Decoupled correlations over all groups of G."""
    vectors, chance = _product(p)
    member = np.array(list(product(range(len(vectors)), repeat=size)))
    weight, group = jnp.prod(chance[member], 1), vectors[member]
    centred = group - group.mean(1, keepdims=True)
    spread = jnp.mean(centred**2, 1)
    varied = spread > 0
    per_sd = jnp.where(varied, 1 / jnp.sqrt(jnp.where(varied, spread, 1.0)), 0.0)
    mine = (centred[:, 0] * per_sd) @ weights
    along = (weight * mine) @ group[:, 0]
    return along / jnp.sqrt(p * (1 - p) * (weight @ mine**2))


def _limit_ratio(x: jax.Array, k: int) -> jax.Array:
    p, weights = _chances(x[:k]), jnp.exp(bounded(x[k:], MOST))
    vectors, chance = _product(p)
    sd = jnp.sqrt(p * (1 - p))
    ratio = jnp.array(0.0)
    for scale, size in ((weights, weights * sd), (weights / sd, weights)):
        advantage = (vectors - p[None]) @ scale
        along = (chance * advantage) @ (vectors - p[None]) / (sd * jnp.sqrt(chance @ advantage**2))
        ratio += gap(along, size / jnp.linalg.norm(size))
    return ratio


def _law_ratio(x: jax.Array, choice: tuple[int, int]) -> jax.Array:
    k, size = choice
    p, weights = _chances(x[:k]), jnp.exp(bounded(x[k:], MOST))
    return gap(_listed(p, weights, size), decoupled_correlations(weights, p, size))


def _equal_ratio(x: jax.Array, choice: tuple[int, int]) -> jax.Array:
    k, size = choice
    return gap(_listed(_chances(x), jnp.ones(k), size), jnp.full(k, k**-0.5))


def _limit_document(x: Any, k: int, n: int) -> Document:
    p = [rational("p", near_chance(v, n)) for v in np.asarray(_chances(x[:k]))]
    outcomes = [
        {"share": str(kind.chance), "rewards": [int(r.p) for r in kind.rewards]}
        for kind in independent(p)
    ]
    weights = [near(w, n) for w in np.exp(bounded(x[k:], MOST))]
    actions = [{"odds": 1, "outcomes": outcomes}]
    return {"weights": weights, "prompts": [{"share": 1, "actions": actions}]}


def _document(x: Any, choice: tuple[int, int], n: int) -> dict[str, Any]:
    k, size = choice
    document: dict[str, Any] = {"chances": [near_chance(v, n) for v in np.asarray(_chances(x[:k]))]}
    if len(x) > k:
        document["weights"] = [near(w, n) for w in np.exp(bounded(x[k:], MOST))]
    return {**document, "group_size": size}


def _fewer(document: Document) -> Iterator[Document]:
    """With a component, or a member, less; two components remain."""
    yield from fewer(document, ("chances", "weights"), 2)
    yield from one_less(document, ("group_size",))


CHOICES = ((2, 2), (2, 3), (3, 2))
LIMIT = Exact(
    decide_limit, Search((2, 3), lambda k: 2 * k, _limit_ratio, _limit_document), smaller_choice
)
LAW = Exact(decide_law, Search(CHOICES, lambda c: 2 * c[0], _law_ratio, _document), _fewer)
EQUAL = Exact(decide_equal, Search(CHOICES, lambda c: c[0], _equal_ratio, _document), _fewer)
