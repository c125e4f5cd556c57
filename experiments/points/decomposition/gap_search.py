"""Where T2.gap is searched: any calls, policies and weights."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from grpo_checks.experiments.falsifier.rounding import Floats, odds, positive, table, unit
from grpo_checks.experiments.falsifier.smaller import smaller_menu
from grpo_checks.experiments.points.decomposition.menus import decide_gap
from grpo_checks.experiments.protocol.points import Document, Exact, Search
from grpo_checks.theory.convergence.decomposition_gap import gap_bound
from grpo_checks.theory.estimators.response import coefficients
from grpo_checks.theory.numbers.bernstein import bernstein

TINY = 1e-9
"""Keeps ratios finite where a bound is 0; far above rounding."""


class Shape(NamedTuple):
    """Of a policy as it comes."""

    group_size: int
    calls: int
    components: int
    ddof: int = 0


SHAPES = tuple(Shape(g, m, k) for g in (4, 8, 64) for m, k in ((2, 2), (3, 2), (4, 3)))


def _split(x: Any, shape: Shape) -> tuple[Any, Any, Any]:
    """Parameters of calls (M, K), odds (M,) and weights (K,)."""
    cells = shape.calls * shape.components
    rest = x[cells:]
    return (
        x[:cells].reshape(shape.calls, shape.components),
        rest[: shape.calls],
        rest[shape.calls :],
    )


def _ratio(x: Any, shape: Shape) -> Any:
    """gap/bound."""
    calls, logits, sizes = _split(x, shape)
    calls, weights = jax.nn.sigmoid(calls), jnp.exp(sizes)
    success = jax.nn.softmax(logits) @ calls
    respond = bernstein(jnp.asarray(coefficients(shape.group_size, shape.ddof)), success)
    gains = calls - success[None]
    residual = (gains @ (weights * respond)).max()
    bound = gap_bound(residual, respond, jnp.abs(gains).max(0), weights)
    return (gains @ weights).max() / (bound + TINY)


def _document(x: Floats, shape: Shape, n: int) -> Document:
    calls, logits, sizes = _split(x, shape)
    return {
        "group_size": shape.group_size,
        "ddof": shape.ddof,
        "calls": table(calls, unit, n),
        "odds": odds(logits, n),
        "weights": table(sizes, positive, n),
    }


GAP = Exact(
    decide_gap,
    Search(
        SHAPES,
        lambda shape: shape.calls * (shape.components + 1) + shape.components,
        _ratio,
        _document,
    ),
    smaller_menu,
)
