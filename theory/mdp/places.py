"""The model's own random choices, reduced to what can occur: what sampling and training walk on."""

from itertools import pairwise

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Array, Float, Int
from numpy.typing import NDArray

from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.numbers.validation import reachable

Index = NDArray[np.int64]


class Chances(eqx.Module):
    """Places, the pairs of a prompt and a state that some policy reaches, numbered layer by layer.

    P places and, as number P, the end that an answer leads to and nothing leaves. M0, M: the most
    initial states of a prompt and the most responses to a tool call. Rows with fewer outcomes are
    padded with a cumulative probability of 1, which no uniform exceeds. Call it outside jit.
    """

    prompt_distribution: Float[Array, " Q"]
    belongs: Float[Array, "Q P"]
    """1 where the place is the prompt's."""
    prompt: Int[Array, " P"]
    state: Int[Array, " P1"]
    """Of each place; S for the end."""
    start: Float[Array, " P"]
    """The chance that an episode of the place's prompt begins there."""
    responses: tuple[Float[Array, "RU T"], ...]
    """From the (place, call) pairs of a layer to the places of the next."""
    first_place: Int[Array, "Q M0"]
    first_cdf: Float[Array, "Q M0"]
    next_place: Int[Array, "V M"]
    """For each of the V = (P+1) A moves, number place · A + action; likewise the next three."""
    next_cdf: Float[Array, "V M"]
    reward_class: Int[Array, " V"]
    """0 unless the action is an answer; likewise the next."""
    composite: Float[Array, " V"]
    n_tools: int = eqx.field(static=True)
    layers: tuple[tuple[int, int], ...] = eqx.field(static=True)
    """First place of each layer, and first of the next."""
    one_each: bool = eqx.field(static=True)
    """Whether place and state are the same number."""

    def __init__(self, mdp: TAMDP) -> None:
        mu, transition = np.asarray(mdp.initial_distribution), np.asarray(mdp.tool_transition)
        layer = np.asarray(mdp.depth)
        prompt, state = _places(reachable(mu, transition, mdp.horizon), layer)
        size, number = state.size, np.full(mu.shape, state.size)
        number[prompt, state] = np.arange(size)
        ends = np.searchsorted(layer[state], np.arange(mdp.horizon + 1))
        self.layers = tuple(pairwise(ends.tolist()))
        self.n_tools, n_states = transition.shape[1], layer.size
        self.one_each = np.array_equal(state, np.arange(n_states))
        self.prompt_distribution = mdp.prompt_distribution
        self.belongs = jax.device_put((prompt == np.arange(mu.shape[0])[:, None]).astype(float))
        self.prompt = jax.device_put(prompt.astype(np.int32))
        self.state = jax.device_put(np.append(state, n_states).astype(np.int32))
        self.start = jax.device_put(mu[prompt, state])
        self.responses = tuple(
            _responses(transition, prompt, state, here, below)
            for here, below in pairwise(self.layers)
        )
        first, cdf = _support(mu)
        self.first_place = jax.device_put(np.take_along_axis(number, first, 1).astype(np.int32))
        self.first_cdf = jax.device_put(cdf)
        self._set_moves(mdp, number, prompt, state)

    @property
    def earned(self) -> Float[Array, "P Y"]:
        """R of each answer."""
        return self.composite.reshape(self.state.shape[0], -1)[:-1, self.n_tools :]

    def _set_moves(self, mdp: TAMDP, number: Index, prompt: Index, state: Index) -> None:
        """Where an action leads, and what it earns."""
        size, (_, n_actions), tools = state.size, mdp.legal.shape, self.n_tools
        outcome, cdf = _support(np.asarray(mdp.tool_transition))
        following = np.full((size + 1, n_actions, outcome.shape[2]), size)
        following[:-1, :tools] = number[prompt[:, None, None], outcome[state]]
        chance = np.ones(following.shape)
        chance[:-1, :tools] = cdf[state]
        by_move = (-1, outcome.shape[2])
        self.next_place = jax.device_put(following.reshape(by_move).astype(np.int32))
        self.next_cdf = jax.device_put(chance.reshape(by_move))
        earned = np.zeros((size + 1, n_actions), np.int64)
        earned[:-1, tools:] = np.asarray(mdp.class_index)[prompt, state]
        composite = np.zeros(earned.shape)
        composite[:-1, tools:] = np.asarray(mdp.class_composite)[earned[:-1, tools:]]
        self.reward_class = jax.device_put(earned.reshape(-1).astype(np.int32))
        self.composite = jax.device_put(composite.reshape(-1))


def _places(seen: NDArray[np.bool_], layer: Index) -> tuple[Index, Index]:
    """Prompt and state of each place, by layer, then state."""
    state, prompt = np.nonzero(seen.T)
    order = np.argsort(layer[state], kind="stable")
    return prompt[order], state[order]


def _responses(
    transition: NDArray[np.float64],
    prompt: Index,
    state: Index,
    here: tuple[int, int],
    below: tuple[int, int],
) -> Float[Array, "RU T"]:
    above, under = slice(*here), slice(*below)
    block = transition[state[above]][:, :, state[under]]
    same = prompt[above, None] == prompt[None, under]
    size, n_tools, following = block.shape
    return jax.device_put((block * same[:, None]).reshape(size * n_tools, following))


def _support(rows: NDArray[np.float64]) -> tuple[Index, NDArray[np.float64]]:
    """Outcomes with positive probability first, and their cumulative probabilities."""
    most = max(1, int((rows > 0).sum(-1).max(initial=0)))
    order = np.argsort(rows == 0, axis=-1, kind="stable")[..., :most]
    kept = np.take_along_axis(rows, order, -1)
    cdf = np.cumsum(kept, -1)
    # The last outcome that can occur takes the rounding error, so that u < 1 always finds one.
    last = np.arange(most) >= (kept > 0).sum(-1, keepdims=True) - 1
    return order, np.where(last, 1.0, cdf)
