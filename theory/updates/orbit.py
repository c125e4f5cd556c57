"""A run of expected updates, with what Theorem 1 speaks of at every step."""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from grpo_checks.theory.estimators.group_law import GroupLaw
from grpo_checks.theory.evaluation.values import Theta, gradient, value
from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.mdp.policy import Policy
from grpo_checks.theory.updates.moments import expected_update


class Orbit(NamedTuple):
    """At theta_0, ..., theta_{T-1}."""

    theta: Float[Array, "T ..."]
    value: Float[Array, " T"]
    """J."""
    squared_update: Float[Array, " T"]
    """|E g|^2."""
    squared_gradient: Float[Array, " T"]
    """|grad J|^2."""


@partial(jax.jit, static_argnames="n_steps")
def orbit(
    mdp: TAMDP,
    policy: Policy,
    theta: Theta,
    group: GroupLaw,
    step: float | Float[Array, ""],
    n_steps: int,
) -> Orbit:
    """theta_{t+1} = theta_t + ``step`` E[g], without noise, ``n_steps`` policies in all."""

    def advance(at: Theta, _: None) -> tuple[Theta, Orbit]:
        update, slope = expected_update(mdp, policy, at, group), gradient(mdp, policy, at)
        here = Orbit(at, value(mdp, policy, at), jnp.square(update).sum(), jnp.square(slope).sum())
        return at + step * update, here

    return jax.lax.scan(advance, theta, None, length=n_steps)[1]
