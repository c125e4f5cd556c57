"""T2.benefit on one prompt: does e rank two updates as the exact gains in J do?

A document is a model of ``theory.rational.choices.choice`` with one prompt, and ``group_size``.
Decomposed and joint update each take the step of ``STEPS`` that suits it best, or both the same
with ``step``. None of these steps is taken from e, or the ranking by e would be judged by itself.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from grpo_checks.experiments.falsifier.building import choices, lottery
from grpo_checks.experiments.falsifier.reading import group_size_of
from grpo_checks.experiments.falsifier.rounding import Floats
from grpo_checks.experiments.falsifier.smaller import smaller_choice
from grpo_checks.experiments.protocol.points import Document, Exact, Search
from grpo_checks.experiments.protocol.verdict import Decision, compare, unmet
from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.estimators.response import MAX_GROUP
from grpo_checks.theory.numbers.balls import arb, fmpq, total
from grpo_checks.theory.numbers.fields import Range, number
from grpo_checks.theory.rational.choices.choice import parse_choice
from grpo_checks.theory.rational.choices.step import gain, promise
from grpo_checks.theory.updates.benefit import Ascent
from grpo_checks.theory.updates.one_update import Decision as Model
from grpo_checks.theory.updates.one_update import Groups, expected_gain, groups

ESTIMATORS = (Estimator("componentwise_normalized"), Estimator("group_normalized"))
"""Decomposed, joint."""
STEPS = tuple(fmpq(2) ** k for k in range(-4, 5))
"""In units of 1/L; the same for both. Bounded: a gain may grow with the step without end."""
CLEAR = 0.01
"""By how much the e of a point that is searched for must differ, relatively."""


def decide(document: Document, mutant: str | None) -> Decision:
    """The best gain of the update whose e is smaller against that of the other."""
    model, size, steps = (
        parse_choice(document),
        group_size_of(document, MAX_GROUP),
        _steps(document),
    )
    smoothness = total(model.weights) / 2
    e = [promise(model, size, estimator).efficiency for estimator in ESTIMATORS]
    for ahead, behind in ((0, 1), (1, 0)):
        if e[behind] < e[ahead]:
            best = [
                _largest(gain(model, size, estimator, step / smoothness) for step in steps)
                for estimator in ESTIMATORS
            ]
            return compare(best[behind], best[ahead], f"ahead by e: {ESTIMATORS[ahead].name}")
    return unmet("e does not rank the two")


def _steps(document: Document) -> tuple[fmpq, ...]:
    """The one named, or all."""
    if "step" not in document:
        return STEPS
    within = Range(f"one of {', '.join(map(str, STEPS))}", lambda x: x in STEPS)
    return (number("step", document["step"], within),)


def _largest(gains: Iterator[Any]) -> arb:
    """An enclosure of the maximum, also where the balls overlap."""
    best = arb(next(gains))
    for other in gains:
        best = best.max(arb(other))
    return best


class Shape(NamedTuple):
    """Actions with all four outcomes of two components of weights 1 and ``second``."""

    group_size: int
    actions: int
    second: int


SHAPES = (Shape(2, 3, 1), Shape(4, 2, 1), Shape(4, 2, 3))
VECTORS = np.array(list(np.ndindex(2, 2)), float)


@lru_cache(maxsize=16)
def _tables(shape: Shape) -> tuple[Groups, ...]:
    """Of groups over every pair of action and outcome."""
    weights = np.array([1.0, shape.second])
    # Any chances > 0: the pairs that are possible, whose true chances come later.
    model = Model(
        np.full((shape.actions, 4), 0.25), VECTORS, VECTORS @ weights, weights, (0, np.arange(1))
    )
    with jax.ensure_compile_time_eval():
        return tuple(groups(model, shape.group_size, e) for e in ESTIMATORS)


def _ratio(x: Any, shape: Shape) -> Any:
    """Best gain of the one behind over that of the one ahead; 0 where e is too close to rank."""
    logits, shares = x[: shape.actions], x[shape.actions :].reshape(shape.actions, 4)
    chance, law = jax.nn.softmax(shares), jax.nn.softmax(logits)
    worth = chance @ jnp.asarray(VECTORS @ np.array([1.0, shape.second]))
    steps = jnp.asarray([float(s) for s in STEPS]) * 2 / (1 + shape.second)
    slope = law * (worth - law @ worth)
    e, best = [], []
    for table in _tables(shape):
        table = table._replace(given=chance.reshape(-1))
        moves, p = table.moves(), table.chances(law)
        e.append(Ascent(slope @ (p @ moves), p @ jnp.square(moves).sum(1)).efficiency)
        gains = jax.vmap(lambda s, t=table: expected_gain(t, worth, logits, s))(steps)
        best.append(gains.max())
    efficiency, gained = jnp.stack(e), jnp.stack(best)
    ahead = jnp.argmax(efficiency)
    clear = efficiency[1 - ahead] < (1 - CLEAR) * efficiency[ahead]
    return jnp.where(clear, gained[1 - ahead] / jnp.maximum(gained[ahead], 1e-15), 0.0)


def _document(x: Floats, shape: Shape, n: int) -> Document:
    logits, shares = x[: shape.actions], x[shape.actions :].reshape(shape.actions, 4)
    vectors = VECTORS.astype(int).tolist()
    actions = choices(logits, [lottery(row, vectors, n) for row in shares], n)
    return {
        "group_size": shape.group_size,
        "weights": [1, shape.second],
        "prompts": [{"share": 1, "actions": actions}],
    }


BENEFIT = Exact(
    decide, Search(SHAPES, lambda shape: 5 * shape.actions, _ratio, _document), smaller_choice
)
