"""Where the flow of expected updates leads, followed for a given length in the space of logits.

The flow theta' = E[g] is followed at unit speed, by the classical Runge-Kutta method: it slows down
without end on its way to a deterministic policy, where a clock of its own would not arrive.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

Logits = Float[Array, " A"]


class Windows(NamedTuple):
    """Of W consecutive stretches of the path."""

    extent: Float[Array, " W"]
    """The widest range of an action's chance in each."""
    theta: Float[Array, "W A"]
    """At the end of each."""


def long_run(
    update: Callable[[Logits], Logits], theta: Logits, pace: float, steps: int, windows: int
) -> Windows:
    """``windows`` times ``steps`` steps of length ``pace`` along ``update``.

    An action whose logit is -inf does not exist.
    """

    def direction(at: Logits) -> Logits:
        move = update(at)
        length = jnp.sqrt(jnp.square(move).sum())
        return jnp.where(length > 0, move / jnp.where(length > 0, length, 1.0), 0.0)

    def step(
        _: Int[Array, ""], state: tuple[Logits, Logits, Logits]
    ) -> tuple[Logits, Logits, Logits]:
        at, least, most = state
        a = direction(at)
        b = direction(at + pace / 2 * a)
        c = direction(at + pace / 2 * b)
        d = direction(at + pace * c)
        at = at + pace / 6 * (a + 2 * b + 2 * c + d)
        policy = jax.nn.softmax(at)
        return at, jnp.minimum(least, policy), jnp.maximum(most, policy)

    def window(at: Logits, _: None) -> tuple[Logits, Windows]:
        policy = jax.nn.softmax(at)
        end, least, most = jax.lax.fori_loop(0, steps, step, (at, policy, policy))
        return end, Windows((most - least).max(), end)

    return jax.lax.scan(window, theta, None, length=windows)[1]
