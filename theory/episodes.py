"""Sampled episodes by inverse CDF, one uniform number per random choice."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from theory.model import TAMDP

FLOAT64 = jnp.dtype("float64")


class Episodes(NamedTuple):
    """N episodes, step by step; steps after the answer repeat the last one and are not taken."""

    state: Int[Array, "H N"]
    action: Int[Array, "H N"]
    taken: Bool[Array, "H N"]
    reward_class: Int[Array, " N"]
    """Index into ``TAMDP.class_vector`` and ``TAMDP.class_composite``."""


class Chances(eqx.Module):
    """The model's own random choices, reduced to the outcomes that can occur.

    M0, M: the most initial states of a prompt and the most responses to a tool call. Rows with
    fewer outcomes are padded with a cumulative probability of 1, which no uniform exceeds.
    """

    first_state: Int[Array, "Q M0"]
    first_cdf: Float[Array, "Q M0"]
    next_state: Int[Array, "S U M"]
    next_cdf: Float[Array, "S U M"]

    def __init__(self, mdp: TAMDP) -> None:
        self.first_state, self.first_cdf = _support(np.asarray(mdp.initial_distribution))
        transition = np.asarray(mdp.tool_transition)
        if mdp.n_tools == 0:
            # A call that nobody makes, so that there is something to index.
            transition = np.zeros((transition.shape[0], 1, transition.shape[2]))
        self.next_state, self.next_cdf = _support(transition)


def _support(rows: np.ndarray) -> tuple[Int[Array, "..."], Float[Array, "..."]]:
    """Outcomes with positive probability first, and their cumulative probabilities."""
    most = max(1, int((rows > 0).sum(-1).max(initial=0)))
    order = np.argsort(rows == 0, axis=-1, kind="stable")[..., :most]
    kept = np.take_along_axis(rows, order, -1)
    cdf = np.cumsum(kept, -1)
    # The last outcome that can occur takes the rounding error, so that u < 1 always finds one.
    last = np.arange(most) >= (kept > 0).sum(-1, keepdims=True) - 1
    return jnp.asarray(order), jnp.asarray(np.where(last, 1.0, cdf))


def action_cdf(probs: Float[Array, "S A"], dtype: jnp.dtype) -> Float[Array, "S A"]:
    """Cumulative probabilities of actions, ending at exactly 1."""
    # A parallel prefix sum may differ by an ulp where nothing is added: an impossible action must
    # not get that interval.
    cdf = jax.lax.cummax(jnp.where(probs > 0, jnp.cumsum(probs, -1), 0.0), 1)
    total = cdf[:, -1:]
    return (cdf / jnp.where(total > 0, total, 1.0)).astype(dtype)


def _pick(cdf: Float[Array, "N M"], uniform: Float[Array, " N"]) -> Int[Array, " N"]:
    """The first outcome whose cumulative probability exceeds the uniform number in [0, 1)."""
    return (cdf <= uniform[:, None]).sum(-1)


def sample_episodes(
    key: PRNGKeyArray,
    mdp: TAMDP,
    chances: Chances,
    probs: Float[Array, "S A"],
    prompts: Int[Array, " N"],
    dtype: jnp.dtype = FLOAT64,
) -> Episodes:
    """One episode for each entry of ``prompts``, under action probabilities ``probs``.

    ``dtype`` is the precision of the uniform numbers: float32 resolves probabilities to 6e-8.
    Choices with one possible outcome draw nothing.
    """
    n, horizon, depth = prompts.shape[0], mdp.horizon, mdp.max_depth
    chosen_first = int(chances.first_cdf.shape[1] > 1)
    chosen_next = depth if chances.next_cdf.shape[2] > 1 else 0
    draws = jax.random.uniform(key, (chosen_first + horizon + chosen_next, n), dtype)
    action_draws = draws[chosen_first : chosen_first + horizon]
    response_draws = (
        draws[chosen_first + horizon :] if chosen_next else jnp.zeros((depth, n), dtype)
    )
    cdf = action_cdf(probs, dtype)
    next_cdf = chances.next_cdf.astype(dtype)
    first = _pick(chances.first_cdf.astype(dtype)[prompts], draws[0]) if chosen_first else 0
    state = chances.first_state[prompts, first]
    action = _pick(cdf[state], action_draws[0])
    taken = jnp.ones(n, bool)
    states, actions, takens = [state], [action], [taken]
    for step in range(depth):
        taken = taken & (action < mdp.n_tools)
        tool = jnp.minimum(action, max(mdp.n_tools, 1) - 1)
        response = _pick(next_cdf[state, tool], response_draws[step])
        state = jnp.where(taken, chances.next_state[state, tool, response], state)
        action = jnp.where(taken, _pick(cdf[state], action_draws[step + 1]), action)
        states.append(state)
        actions.append(action)
        takens.append(taken)
    earned = mdp.class_index[prompts, state, action - mdp.n_tools]
    return Episodes(jnp.stack(states), jnp.stack(actions), jnp.stack(takens), earned)
