"""L.contrast and L.hessian at rational points: one prompt, derivatives of a softmax."""

from typing import Any

import jax
import jax.numpy as jnp
from flint import fmpq

from grpo_checks.experiments.falsifier.one_prompt import (
    Arrays,
    Shape,
    arrays,
    dimension,
    gap,
    model,
)
from grpo_checks.experiments.falsifier.reading import one_prompt
from grpo_checks.experiments.falsifier.smaller import smaller_choice
from grpo_checks.experiments.protocol.points import Document, Exact, Search
from grpo_checks.experiments.protocol.verdict import Decision, compare
from grpo_checks.theory.numbers.balls import total
from grpo_checks.theory.numbers.fields import one_of
from grpo_checks.theory.rational.choices.choice import actions, mean_reward
from grpo_checks.theory.rational.choices.curvature import (
    contrast,
    hessian,
    mean_square,
    slopes,
    square_norm,
    variance,
)


def decide_contrast(document: Document, mutant: str | None) -> Decision:
    """grad p against p(1-p) (E[s|r=1] - E[s|r=0]), component by component of the vectors.

    Observed and bound are their squared lengths.
    """
    (kinds,), weights = one_prompt(document).kinds, [fmpq(1)]
    apart, p = contrast(kinds), mean_reward(kinds, weights)
    factor = p if mutant == "p for p(1-p)" else p * (1 - p)
    found, expected = slopes(actions(kinds, weights)), [factor * x for x in apart]
    sizes = [total(x * x for x in vector) for vector in (found, expected)]
    return Decision(sizes[0], sizes[1], "holds" if found == expected else "refuted")


def decide_hessian(document: Document, mutant: str | None) -> Decision:
    """|Hess J|^2 <= Var R · E|M|^2 in the norm that the document names; both sides squared."""
    norm: Any = one_of(document, "norm", ("spectral", "Frobenius"))
    of = one_prompt(document)
    (kinds,), choices = of.kinds, actions(of.kinds[0], of.weights)
    spread = variance(kinds, of.weights)
    bound = spread * mean_square(kinds, choices, "spectral" if mutant == "one norm" else norm)
    if mutant in ("half", "variance"):
        bound *= {"half": fmpq(1, 4), "variance": spread}[mutant]
    found = compare(square_norm(hessian(choices), norm), bound, "squares of both sides")
    trivial = (total(of.weights) / 2) ** 2
    if found.verdict == "holds" and norm == "spectral" and bound >= trivial:
        return found._replace(verdict="vacuous", note=f"no better than {trivial}, squared")
    return found


def _contrast_ratio(x: jax.Array, shape: Shape) -> jax.Array:
    of = arrays(x, shape)
    halves = [of.chance * (of.reward == r) for r in (1, 0)]
    won, lost = (half @ of.score / half.sum() for half in halves)
    p = of.policy @ of.value
    slope = jax.grad(lambda theta: jax.nn.softmax(theta) @ of.value)(x[: shape.actions])
    return gap(p * (1 - p) * (won - lost), slope)


def _square(matrix: jax.Array, norm: str) -> jax.Array:
    if norm == "Frobenius":
        return jnp.sum(matrix**2)
    trace, square = jnp.trace(matrix), jnp.sum(matrix**2)
    # Rounding must not take the root of a negative number, nor its slope at zero.
    return (jnp.abs(trace) + jnp.sqrt(jnp.maximum(2 * square - trace**2, 1e-30))) ** 2 / 4


def _curvatures(of: Arrays) -> jax.Array:
    outer = of.score[:, :, None] * of.score[:, None, :]
    return outer - (jnp.diag(of.policy) - of.policy[:, None] * of.policy[None])[None]


def _hessian_ratio(x: jax.Array, shape: Shape) -> jax.Array:
    of = arrays(x, shape)
    found = jax.hessian(lambda theta: jax.nn.softmax(theta) @ of.value)(x[: shape.actions])
    squares = jax.vmap(lambda m: _square(m, shape.option))(_curvatures(of))
    spread = of.chance @ (of.reward - of.policy @ of.value) ** 2
    return _square(found, shape.option) / (spread * (of.chance @ squares) + 1e-12)


SHAPES = (
    *(Shape(n, b, "Frobenius") for n, b in ((2, False), (3, True), (4, False))),
    *(Shape(n, b, "spectral") for n, b in ((2, False), (3, False), (3, True))),
)
CONTRAST = Exact(
    decide_contrast,
    Search((Shape(2, True), Shape(3, True)), dimension, _contrast_ratio, model),
    smaller_choice,
)
HESSIAN = Exact(
    decide_hessian,
    Search(
        SHAPES,
        dimension,
        _hessian_ratio,
        lambda x, shape, n: {**model(x, shape, n), "norm": shape.option},
    ),
    smaller_choice,
)
