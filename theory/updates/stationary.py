"""Where an estimator's expected update leads: its flow, followed to a zero, or for some steps."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from grpo_checks.theory.estimators.group_law import GroupLaw
from grpo_checks.theory.evaluation.values import Theta, gradient, value
from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.mdp.policy import Policy
from grpo_checks.theory.updates.moments import expected_update


class Arrival(NamedTuple):
    """The end of a path along an expected update."""

    theta: Theta
    squared_update: Float[Array, ""]
    """|E g|^2 there."""
    squared_gradient: Float[Array, ""]
    """|grad J|^2 there: what J could still gain to first order."""
    steps: Int[Array, ""]


def follow(
    mdp: TAMDP,
    policy: Policy,
    theta: Theta,
    group: GroupLaw,
    step: float | Float[Array, ""],
    most: int,
    tolerance: float = 1e-20,
) -> Arrival:
    """theta + step E[g], again and again, until |E g|^2 <= ``tolerance`` or ``most`` steps.

    Where the policy becomes deterministic no zero is at a finite theta, and both squares go on
    falling together.
    """

    def go_on(state: tuple[Theta, Theta, Int[Array, ""]]) -> Bool[Array, ""]:
        _, update, count = state
        return (jnp.square(update).sum() > tolerance) & (count < most)

    def move(
        state: tuple[Theta, Theta, Int[Array, ""]],
    ) -> tuple[Theta, Theta, Int[Array, ""]]:
        at, update, count = state
        at = at + step * update
        return at, expected_update(mdp, policy, at, group), count + 1

    start = theta, expected_update(mdp, policy, theta, group), jnp.asarray(0)
    at, update, count = jax.lax.while_loop(go_on, move, start)
    slope = gradient(mdp, policy, at)
    return Arrival(at, jnp.square(update).sum(), jnp.square(slope).sum(), count)


class Orbit(NamedTuple):
    """At theta_0, ..., theta_{T-1}."""

    theta: Float[Array, "T ..."]
    value: Float[Array, " T"]
    """J."""
    squared_update: Float[Array, " T"]
    """|E g|^2."""
    squared_gradient: Float[Array, " T"]
    """|grad J|^2."""


STRETCH = 1000
"""Steps of one call of the program, which then serves every number of steps."""


@jax.jit
def _stretch(
    mdp: TAMDP, policy: Policy, theta: Theta, group: GroupLaw, step: Float[Array, ""]
) -> tuple[Theta, Orbit]:
    """Where ``STRETCH`` steps lead, and what is passed on the way."""

    def advance(at: Theta, _: None) -> tuple[Theta, Orbit]:
        update, slope = expected_update(mdp, policy, at, group), gradient(mdp, policy, at)
        here = Orbit(at, value(mdp, policy, at), jnp.square(update).sum(), jnp.square(slope).sum())
        return at + step * update, here

    return jax.lax.scan(advance, theta, None, length=STRETCH)


def orbit(
    mdp: TAMDP,
    policy: Policy,
    theta: Theta,
    group: GroupLaw,
    step: float | Float[Array, ""],
    n_steps: int,
) -> Orbit:
    """theta_{t+1} = theta_t + ``step`` E[g], without noise, ``n_steps`` policies in all; call it
    outside jit."""
    parts = []
    for _ in range(0, n_steps, STRETCH):
        theta, part = _stretch(mdp, policy, theta, group, np.float64(step))
        parts.append(jax.device_get(part))
    return Orbit(
        *(jnp.asarray(np.concatenate(leaves)[:n_steps]) for leaves in zip(*parts, strict=True))
    )
