"""L.amplification and L.tools at rational points: one decision, KL-regularised maximisers."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flint import arb, fmpq
from numpy.typing import NDArray

from grpo_checks.experiments.falsifier.constraints import bounded
from grpo_checks.experiments.falsifier.reading import one_prompt
from grpo_checks.experiments.falsifier.rounding import near
from grpo_checks.experiments.falsifier.smaller import smaller_choice
from grpo_checks.experiments.falsifier.statement import gap
from grpo_checks.experiments.points.literature.one_prompt import (
    Shape,
    arrays,
    model,
)
from grpo_checks.experiments.points.literature.one_prompt import dimension as of_model
from grpo_checks.experiments.protocol.points import Document, Exact, Search
from grpo_checks.experiments.protocol.verdict import Decision, agree, compare, unmet, worst
from grpo_checks.theory.numbers.balls import Number
from grpo_checks.theory.numbers.fields import entry, integer, number
from grpo_checks.theory.rational.choices.choice import Action, Choice, actions
from grpo_checks.theory.rational.choices.tilting import amplified, gain, iterates

MOST = 8
"""Iterates."""


def _read(document: Document) -> tuple[Choice, list[Action], fmpq, fmpq, int]:
    choice = one_prompt(document)
    if len(choice.weights) != 1 or choice.weights[0] != 1:
        raise ValueError(f"weights = {document['weights']}: expected one component of weight 1")
    if any(k.rewards[0] not in (0, 1) for k in choice.kinds[0]):
        raise ValueError("rewards: expected 0 and 1")
    if len({k.rewards for k in choice.kinds[0]}) == 1:
        raise ValueError("rewards: expected both 0 and 1, or success is certain")
    beta, eps = (number(name, entry(document, name)) for name in ("beta", "eps"))
    return (
        choice,
        actions(choice.kinds[0], choice.weights),
        beta,
        eps,
        integer(document, "iterate", 1, MOST),
    )


def _recurrence(p: Number, start: Number, beta: fmpq, eps: fmpq, mutant: str | None) -> Number:
    """h(p), or a false version of it."""
    if mutant == "variance":
        return amplified(start, 1 / (beta * (p * (1 - p) + eps)))
    return amplified(p if mutant == "from the last policy" else start, gain(p, beta, eps))


def _is_certain(choice: Choice) -> bool:
    """Whether every action has one outcome."""
    return len({k.score for k in choice.kinds[0]}) == len(choice.kinds[0])


def decide_amplification(document: Document, mutant: str | None) -> Decision:
    """p_n of the exact maximiser against h(p_{n-1}), and above p_ref."""
    choice, choices, beta, eps, n = _read(document)
    if not _is_certain(choice):
        return unmet("outcomes are random: see L.tools")
    chances = iterates(choices, beta, eps, n)
    start, before, after = chances[0], chances[-2], chances[-1]
    expected = _recurrence(before, start, beta, eps, mutant)
    above = compare(start, after, "above p_ref")
    return worst([agree(after, expected), above])


def decide_tools(document: Document, mutant: str | None) -> Decision:
    """logit p_n - logit p_ref is at most 1/(beta s), or reaches it (the mutant).

    The same as p_n <= h(p_{n-1}), but no ratio of two numbers that both round to 1.
    """
    choice, choices, beta, eps, n = _read(document)
    if _is_certain(choice):
        return unmet("outcomes are certain: see L.amplification")
    chances = iterates(choices, beta, eps, n)
    odds = [p / (1 - p) for p in chances]
    raised, bound = arb(odds[-1] / odds[0]).log(), gain(chances[-2], beta, eps)
    note = "gain of log-odds"
    return (agree if mutant == "reached" else compare)(raised, bound, note)


def _chances(x: jax.Array, shape: Shape) -> tuple[jax.Array, jax.Array]:
    """logit p_n - logit p_ref and 1/(beta s); the model's parameters, then the penalty's."""
    n = of_model(shape)
    parts, (beta, eps) = arrays(x[:n], shape), _penalty(x[n:])
    value = parts.value if shape.binary else _certain(parts.value)
    p, per_success, logits = parts.policy @ value, jnp.array(0.0), jnp.log(parts.policy)
    start = p
    for _ in range(shape.option):
        per_success = 1 / (beta * jnp.sqrt(p * (1 - p) + eps))
        p = jax.nn.softmax(logits + value * per_success) @ value
    return jnp.log(p / (1 - p)) - jnp.log(start / (1 - start)), per_success


def _penalty(x: Any) -> tuple[Any, Any]:
    """beta in e^(-4..4) and eps in e^(-10..6)."""
    return jnp.exp(bounded(x[0], 4.0)), jnp.exp(2 * bounded(x[1], 4.0) - 2)


def _certain(value: jax.Array) -> jax.Array:
    """The first action succeeds, the last fails, those between as they are rounded."""
    return jnp.round(value).at[0].set(1.0).at[-1].set(0.0)


def _amplification_ratio(x: jax.Array, shape: Shape) -> jax.Array:
    return gap(*_chances(x, shape))


def _tools_ratio(x: jax.Array, shape: Shape) -> jax.Array:
    after, bound = _chances(x, shape)
    return after / bound


def _document(x: NDArray[np.float64], shape: Shape, n: int) -> dict[str, Any]:
    size = of_model(shape)
    parameters = x[:size].copy()
    if not shape.binary:
        parameters[shape.actions :] = np.where(parameters[shape.actions :] > 0, 40.0, -40.0)
        parameters[[shape.actions, size - 1]] = 40.0, -40.0
    beta, eps = (near(v, n) for v in map(float, _penalty(x[size:])))
    return {**model(parameters, shape, n), "beta": beta, "eps": eps, "iterate": shape.option}


def _exact(decide: Callable[..., Decision], ratio: Callable[..., jax.Array], binary: bool) -> Exact:
    shapes = [Shape(actions, binary, n) for actions, n in ((2, 1), (3, 1), (3, 2))]
    return Exact(
        decide, Search(shapes, lambda shape: of_model(shape) + 2, ratio, _document), smaller_choice
    )


AMPLIFICATION = _exact(decide_amplification, _amplification_ratio, False)
TOOLS = _exact(decide_tools, _tools_ratio, True)
