"""T2.potential on a choice model: E[g] of `componentwise_normalized` against grad Jtilde.

A document is a model of ``theory.rational.choices.choice`` with ``group_size``, ``ddof`` and
``eps``.
"""

from functools import lru_cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flint import fmpq

from grpo_checks.experiments.falsifier.building import choices, lottery
from grpo_checks.experiments.falsifier.rounding import Floats, positive, table
from grpo_checks.experiments.falsifier.smaller import smaller_choice
from grpo_checks.experiments.protocol.points import Document, Exact, Search
from grpo_checks.experiments.protocol.verdict import Decision, compare, unmet
from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.estimators.group_counts import CountTable, count_table
from grpo_checks.theory.estimators.response import potential
from grpo_checks.theory.numbers.balls import largest, magnitude
from grpo_checks.theory.rational.choices.choice import parse_choice
from grpo_checks.theory.rational.choices.potential import (
    enclosed,
    expected_field,
    is_binary,
    potential_field,
)
from grpo_checks.theory.rational.menus.menu import parse_option

GRADED = "a component has other rewards than 0 and 1"
DECOMPOSED = Estimator("componentwise_normalized")


def decide(document: Document, mutant: str | None) -> Decision:
    """The largest |E[g_i] - grad_i Jtilde| against 0."""
    model, option = parse_choice(document), parse_option(document)
    if not is_binary(model):
        return unmet(GRADED)
    size = option.group_size
    update = expected_field(model, size)
    claimed = potential_field(model, size, fmpq(1, 2) if mutant == "one response" else None)
    divisor = option._replace(ddof=1 - option.ddof) if mutant == "another divisor" else option
    if divisor == option and update == claimed:
        return compare(fmpq(0), fmpq(0), "equal in rationals before every 1/(sd_j + eps)")
    pairs = zip(enclosed(update, option), enclosed(claimed, divisor), strict=True)
    return compare(largest(magnitude(x - y) for x, y in pairs), fmpq(0))


class Shape(NamedTuple):
    """Each action of each prompt has all 2^K outcomes."""

    group_size: int
    prompts: int
    actions: int
    components: int
    ddof: int = 0

    @property
    def vectors(self) -> Floats:
        """(2^K, K)."""
        return np.array(list(np.ndindex(*[2] * self.components)), float)

    @property
    def dimension(self) -> int:
        """Logits of actions, log shares of outcomes, log weights."""
        return self.prompts * self.actions * (1 + 2**self.components) + self.components


SHAPES = (
    Shape(8, 1, 2, 1),
    Shape(4, 1, 2, 2),
    Shape(4, 1, 2, 2, 1),
    Shape(3, 2, 2, 2),
    Shape(2, 1, 3, 2),
)


def _split(x: Any, shape: Shape) -> tuple[Any, Any, Any]:
    q, m, v = shape.prompts, shape.actions, 2**shape.components
    logits, rest = x[: q * m].reshape(q, m), x[q * m :]
    return logits, rest[: q * m * v].reshape(q, m, v), rest[q * m * v :]


@lru_cache(maxsize=16)
def _tables(shape: Shape) -> list[CountTable]:
    """One for each component, of weight 1."""
    estimator, one = Estimator(DECOMPOSED.name, shape.ddof), np.ones(1)
    # Constants, also where a trace asks for them first.
    with jax.ensure_compile_time_eval():
        return [count_table(c[:, None], one, shape.group_size, estimator) for c in shape.vectors.T]


def _ratio(x: Any, shape: Shape) -> Any:
    """Largest difference over the sum of the weights; 0 where the claim holds, up to rounding."""
    logits, shares, sizes = _split(x, shape)
    weights, earned = jnp.exp(sizes), jax.nn.softmax(shares)

    def laws(at: Any) -> Any:
        return jnp.einsum("qm,qmv->qv", jax.nn.softmax(at), earned)

    def climbed(at: Any) -> Any:
        success = laws(at) @ jnp.asarray(shape.vectors)
        return (potential(success, shape.group_size, shape.ddof) @ weights).mean()

    law = laws(logits)
    # E[g] = sum_v h(v) grad p(v), h(v) = E[A_1 1{v}]/p(v).
    earns = [jax.vmap(lambda p, t=table: t.moments(p).mean)(law) for table in _tables(shape)]
    h = jnp.einsum("k,kqv->qv", weights, jnp.stack(earns)) / law
    update = jax.vjp(laws, logits)[1](h)[0] / shape.prompts
    return jnp.abs(update - jax.grad(climbed)(logits)).max() / weights.sum()


def _document(x: Floats, shape: Shape, n: int) -> Document:
    logits, shares, sizes = _split(x, shape)
    vectors = shape.vectors.astype(int).tolist()
    prompts = []
    for odds_of_prompt, outcomes in zip(logits, shares, strict=True):
        actions = choices(odds_of_prompt, [lottery(row, vectors, n) for row in outcomes], n)
        prompts.append({"share": 1, "actions": actions})
    settings = {"group_size": shape.group_size, "ddof": shape.ddof}
    return {**settings, "weights": table(sizes, positive, n), "prompts": prompts}


POTENTIAL = Exact(
    decide, Search(SHAPES, lambda shape: shape.dimension, _ratio, _document), smaller_choice
)
