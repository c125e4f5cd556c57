"""Choice models of a fixed shape as real vectors, for falsifiers: relaxed, and rounded."""

from collections.abc import Iterator
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from grpo_checks.experiments.falsifier.building import choices, lottery
from grpo_checks.experiments.falsifier.relaxed import Kinds
from grpo_checks.experiments.falsifier.rounding import near, odds, table


class Shape(NamedTuple):
    """How many of each; every prompt has a table of logits of its own."""

    prompts: int = 1
    actions: int = 2
    outcomes: int = 1
    components: int = 1
    binary: bool = False
    """Rewards are 0 or 1 and stay so: bit k of the number of an action's outcome, negated."""
    weights: tuple[int, ...] = ()
    """Of the components; none: 1 each."""

    @property
    def weighed(self) -> tuple[int, ...]:
        """(K,)."""
        return self.weights or (1,) * self.components


class Parts(NamedTuple):
    """A vector cut into its parts: logits of shares and odds, and rewards in (0, 1)."""

    prompts: Any
    actions: Any
    outcomes: Any
    rewards: Any


def _sizes(shape: Shape) -> Iterator[tuple[int, ...]]:
    q, a, o, k, binary, _ = shape
    yield from ((q,), (q, a), (q, a, o))
    if not binary:
        yield (q, a, o, k)


def _binary(shape: Shape) -> NDArray[np.float64]:
    q, a, o, k, *_ = shape
    number = np.arange(a * o).reshape(a, o, 1)
    return np.broadcast_to(1.0 - (number >> np.arange(k) & 1), (q, a, o, k))


def dimension(shape: Shape) -> int:
    """How many real numbers."""
    return sum(int(np.prod(s)) for s in _sizes(shape))


@partial(jax.jit, static_argnums=1, inline=True)
def parts(x: Any, shape: Shape) -> Parts:
    """From a vector, in JAX."""
    arrays, start = [], 0
    for size in _sizes(shape):
        count = int(np.prod(size))
        arrays.append(x[start : start + count].reshape(size))
        start += count
    shares, odds, outcomes, *free = arrays
    # Steeper: rewards at the ends are within reach.
    rewards = jax.nn.sigmoid(2 * free[0]) if free else jnp.asarray(_binary(shape))
    return Parts(shares, odds, outcomes, rewards)


def relaxed(x: Any, shape: Shape) -> tuple[Any, list[Kinds]]:
    """Chances of the prompts, and each prompt's kinds of episodes."""
    cut = parts(x, shape)
    policy, law = jax.nn.softmax(cut.actions, axis=1), jax.nn.softmax(cut.outcomes, axis=2)
    listed, n = [], shape.actions
    for q in range(shape.prompts):
        chance = (policy[q][:, None] * law[q]).reshape(-1)
        scores = jnp.repeat(jnp.eye(n) - policy[q][None], shape.outcomes, axis=0)
        score = jnp.zeros((len(scores), shape.prompts * n)).at[:, q * n : (q + 1) * n].set(scores)
        listed.append(Kinds(chance, cut.rewards[q].reshape(-1, shape.components), score))
    return jax.nn.softmax(cut.prompts), listed


def document(x: NDArray[np.float64], shape: Shape, n: int) -> dict[str, Any]:
    """The nearest model with odds and denominators up to ``n``."""
    cut = Parts(*(np.asarray(part) for part in parts(x, shape)))
    prompts = []
    for q, share in enumerate(odds(cut.prompts, n)):
        outcomes = [
            lottery(logits, table(rewards, near, n), n)
            for logits, rewards in zip(cut.outcomes[q], cut.rewards[q], strict=True)
        ]
        prompts.append({"share": share, "actions": choices(cut.actions[q], outcomes, n)})
    return {"weights": list(shape.weighed), "prompts": prompts}
