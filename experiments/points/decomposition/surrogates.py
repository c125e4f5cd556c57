"""T2.identity, T2.bridge and T2.bridge' on one group of rational rewards.

A document has ``rewards`` (G, K), ``weights`` (K,), ``ratios`` (G,) and ``ddof``. Standard
deviations are enclosed where they are irrational; the misalignment is rational at eps = 0, so that
Delta = 0 is certain and not merely likely.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from flint import fmpq

from grpo_checks.experiments.falsifier.rounding import Floats, positive, table, unit
from grpo_checks.experiments.falsifier.smaller import smaller_group
from grpo_checks.experiments.protocol.points import Document, Exact, Search
from grpo_checks.experiments.protocol.verdict import Decision, compare, unmet
from grpo_checks.theory.losses.surrogate_gap import SurrogateGap, surrogate_gap
from grpo_checks.theory.numbers.balls import Number, largest, magnitude, root, total
from grpo_checks.theory.rational.menus.bridge import (
    Group,
    Surrogates,
    parse_group,
    scaled_misalignment,
    surrogates,
)

SILENT = "sd = 0: the group has no joint advantage"
TINY = 1e-9
"""Where a bound is 0 or nearly: keeps ratios finite, and is far above rounding."""
EPS = fmpq(1, 10)
SHAPES = tuple((g, k, d) for g, k in ((2, 2), (3, 2), (4, 3), (8, 2)) for d in (0, 1))
"""Group size, components, ddof."""


def _speaks(document: Document) -> tuple[Group, Surrogates | None]:
    group = parse_group(document)
    silent = not any(group.composite)
    return group, None if silent else surrogates(group)


def decide_identity(document: Document, mutant: str | None) -> Decision:
    """sd times the largest |Delta_i|, rational at eps = 0; for the mutants what they say is 0."""
    group, found = _speaks(document)
    if found is None:
        return unmet(SILENT)
    scaled = scaled_misalignment(group, EPS if mutant == "eps" else fmpq(0))
    if mutant == "plain weights":
        scaled = _plain(group)
    return compare(largest(magnitude(x) for x in scaled), fmpq(0), "exact: largest sd |Delta_i|")


def _plain(group: Group) -> list[Number]:
    """sd (A_i - sum_k w_k A_i^(k))."""
    whole = total(x * x for x in group.composite)
    found: list[Number] = list(group.composite)
    for weight, column in zip(group.weights, group.columns, strict=True):
        own = total(x * x for x in column)
        if own:
            found = [a - weight * root(whole / own) * x for a, x in zip(found, column, strict=True)]
    return found


def _said(found: Surrogates) -> str:
    parts = (found.joint, found.decomposed, found.misalignment)
    joint, decomposed, delta = (str(x) if isinstance(x, fmpq) else x.str(12) for x in parts)
    return f"exact: joint {joint}, decomposed {decomposed}, Delta {delta}"


def decide_bridge(document: Document, mutant: str | None) -> Decision:
    """|joint - decomposed| against the mean |Delta_i|."""
    _, found = _speaks(document)
    if found is None:
        return unmet(SILENT)
    return compare(found.difference, found.misalignment, _said(found))


def decide_corrected(document: Document, mutant: str | None) -> Decision:
    """|joint - decomposed| against half the range of the ratios times sum_k w_k |sd_k/sd - 1|."""
    _, found = _speaks(document)
    if found is None:
        return unmet(SILENT)
    bound = found.bridge / 2 if mutant == "quarter of the range" else found.bridge
    return compare(found.difference, bound, _said(found))


def _split(x: Any, size: int, components: int) -> tuple[Any, Any, Any]:
    """Parameters of rewards (G, K), weights (K,) and ratios (G,)."""
    cells = size * components
    rewards = x[:cells].reshape(size, components)
    return rewards, x[cells : cells + components], x[cells + components :]


def _gap(x: Any, choice: Any) -> SurrogateGap:
    size, components, ddof = choice
    rewards, weights, ratios = _split(x, size, components)
    earned, scale = jax.nn.sigmoid(rewards), jnp.exp(weights)
    return surrogate_gap(earned, earned @ scale, scale, jnp.exp(ratios), ddof)


def _document(x: Floats, choice: Any, n: int) -> Document:
    size, components, ddof = choice
    rewards, weights, ratios = _split(x, size, components)
    return {
        "rewards": table(rewards, unit, n),
        "weights": table(weights, positive, n),
        "ratios": table(ratios, positive, n),
        "ddof": ddof,
    }


def _search(ratio: Callable[[SurrogateGap], Any]) -> Search:
    return Search(
        choices=SHAPES,
        dimension=lambda choice: choice[0] * choice[1] + choice[1] + choice[0],
        ratio=lambda x, choice: ratio(_gap(x, choice)),
        document=_document,
    )


IDENTITY = Exact(decide_identity, _search(lambda gap: gap.misalignment), smaller_group)
BRIDGE = Exact(
    decide_bridge, _search(lambda gap: gap.difference / (gap.misalignment + TINY)), smaller_group
)
CORRECTED = Exact(
    decide_corrected, _search(lambda gap: gap.difference / (gap.bridge + TINY)), smaller_group
)
