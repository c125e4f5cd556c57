"""Choice models of one prompt: as documents, as JAX arrays of real parameters, and smaller ones.

Parameters of a shape: a logit for each action, then an unbounded number for each action's reward.
"""

import copy
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from experiments.exact import Document
from experiments.shrink import written
from theory.choice import Choice, parse_choice

LARGEST = 40.0
"""Of a log-odds in absolute value, as it is rounded."""


class Shape(NamedTuple):
    """What a falsifier may choose, of a model with one component."""

    actions: int
    binary: bool
    """Whether an action's reward is 0 or 1 at random, rather than a certain number."""
    option: Any = None
    """Of a claim: a norm, a group size, ..."""


class Arrays(NamedTuple):
    """N kinds of episodes: an action with one of its outcomes."""

    chance: jax.Array
    reward: jax.Array
    score: jax.Array
    """(N, actions)."""
    policy: jax.Array
    value: jax.Array
    """(actions,): pi and E[R | action]."""


def bounded(x: Any, most: float) -> Any:
    """x near zero, within -most..most wherever a climb goes: beyond, float64 has no digits left."""
    return most * jnp.tanh(x / most)


def one_prompt(document: Document) -> Choice:
    """The model of a document. Raises ValueError for a bad one, or more than one prompt."""
    of = parse_choice(document)
    if len(of.kinds) != 1:
        raise ValueError(f"prompts: {len(of.kinds)} of them, expected one")
    return of


def whole(document: Document, field: str, least: int, most: int) -> int:
    """A whole number of a document. Raises ValueError where it is missing or out of range."""
    value = document.get(field)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise ValueError(f"{field} = {value!r}: expected a whole number from {least} to {most}")
    return value


def arrays(x: jax.Array, shape: Shape) -> Arrays:
    """The model at real parameters (2 · actions,)."""
    policy, value = jax.nn.softmax(x[: shape.actions]), jax.nn.sigmoid(x[shape.actions :])
    score = jnp.eye(shape.actions) - policy[None]
    if not shape.binary:
        return Arrays(policy, value, score, policy, value)
    chance = jnp.concatenate([policy * value, policy * (1 - value)])
    reward = jnp.concatenate([jnp.ones_like(value), jnp.zeros_like(value)])
    return Arrays(chance, reward, jnp.concatenate([score, score]), policy, value)


def dimension(shape: Shape) -> int:
    """How many parameters ``arrays`` takes."""
    return 2 * shape.actions


def odds(logits: Sequence[float] | NDArray[np.float64], n: int) -> list[int]:
    """Whole numbers from 1 to n in about the proportions of a softmax."""
    x = np.asarray(logits, float)
    return [max(1, round(n * float(np.exp(max(v, -LARGEST))))) for v in x - x.max()]


def fraction(x: float, n: int) -> int | str:
    """The nearest fraction with denominator up to n."""
    return written(Fraction(float(x)).limit_denominator(n))


def chance(x: float, n: int) -> int | str:
    """Likewise of a probability, which is not certain for n > 1."""
    return fraction(min(max(float(x), 1 / n), 1 - 1 / n), n)


def outcomes(value: float, n: int, binary: bool) -> list[dict[str, Any]]:
    """Of an action: a certain reward, or 1 with a chance of about ``value`` and else 0."""
    if not binary:
        return [{"share": 1, "rewards": [fraction(value, n)]}]
    exact = Fraction(float(value)).limit_denominator(n)
    shares = {1: exact.numerator, 0: exact.denominator - exact.numerator}
    return [{"share": s, "rewards": [r]} for r, s in shares.items() if s]


def model(x: NDArray[np.float64], shape: Shape, n: int) -> dict[str, Any]:
    """The document of the model at real parameters."""
    proportions = odds(x[: shape.actions], n)
    actions = [
        {"odds": o, "outcomes": outcomes(v, n, shape.binary)}
        for o, v in zip(proportions, expit(x[shape.actions :]), strict=True)
    ]
    return {"weights": [1], "prompts": [{"share": 1, "actions": actions}]}


def simpler(document: Document) -> Iterator[Document]:
    """With an action, or an outcome, less."""
    for i, prompt in enumerate(document["prompts"]):
        for j, action in enumerate(prompt["actions"]):
            if len(prompt["actions"]) > 1:
                yield _without(document, ("prompts", i, "actions"), j)
            for k in range(len(action["outcomes"])):
                if len(action["outcomes"]) > 1:
                    yield _without(document, ("prompts", i, "actions", j, "outcomes"), k)


def _without(document: Document, path: Sequence[Any], i: int) -> Mapping[str, Any]:
    changed = copy.deepcopy(dict(document))
    at: Any = changed
    for key in path:
        at = at[key]
    del at[i]
    return changed


def apart(found: Any, expected: Any) -> Any:
    """How far an equation is from true, above 1 from a relative difference of 1e-7 on.

    Squares, since a norm has no slope at zero.
    """
    gap, size = jnp.sum((found - expected) ** 2), jnp.sum(expected**2)
    return 1e14 * gap / (size + 1e-9)
