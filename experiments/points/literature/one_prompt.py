"""Choice models of one prompt and one component as real parameters: as JAX arrays, and rounded.

Parameters of a shape: a logit for each action, then an unbounded number for each action's reward.
"""

from fractions import Fraction
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from grpo_checks.experiments.falsifier.building import choices
from grpo_checks.experiments.falsifier.rounding import near


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


def outcomes(value: float, n: int, binary: bool) -> list[dict[str, Any]]:
    """Of an action: a certain reward, or 1 with a chance of about ``value`` and else 0."""
    if not binary:
        return [{"share": 1, "rewards": [near(value, n)]}]
    exact = Fraction(float(value)).limit_denominator(n)
    shares = {1: exact.numerator, 0: exact.denominator - exact.numerator}
    return [{"share": s, "rewards": [r]} for r, s in shares.items() if s]


def model(x: NDArray[np.float64], shape: Shape, n: int) -> dict[str, Any]:
    """The document of the model at real parameters."""
    kinds = [outcomes(v, n, shape.binary) for v in expit(x[shape.actions :])]
    actions = choices(x[: shape.actions], kinds, n)
    return {"weights": [1], "prompts": [{"share": 1, "actions": actions}]}
