"""Models of many shapes as models of one: a single compilation then serves them all.

Padding adds states, actions and components that no policy can use or move, and prompts that repeat
the first one; answers that earn the same everywhere are merged first. Values over policies, their
best and their worst are unchanged (derived: nothing reachable changes).
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float
from numpy.typing import NDArray

from grpo_checks.theory.mdp.mdp import TAMDP


class Arrays(NamedTuple):
    """What backward induction reads of a model; a leading axis stacks models."""

    initial_distribution: Float[Array, "... Q S"]
    tool_transition: Float[Array, "... S U S"]
    legal: Bool[Array, "... S A"]
    reward: Float[Array, "... Q S Y K"]
    weights: Float[Array, "... K"]


class Shape(NamedTuple):
    """Sizes Q, S, U, Y, K and D."""

    prompts: int
    states: int
    tools: int
    answers: int
    components: int
    depth: int


def _merged(mdp: TAMDP) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """``legal (S, A)`` and ``reward (Q, S, Y, K)`` with one answer for each way to earn."""
    reward, legal = np.asarray(mdp.reward), np.asarray(mdp.legal)
    answers = legal[:, mdp.n_tools :]
    seen = np.where(answers[None, :, :, None], reward, 0)
    columns = np.moveaxis(seen, 2, 0).reshape(reward.shape[2], -1)
    kept = np.unique(np.concatenate([columns, answers.T], 1), axis=0, return_index=True)[1]
    return np.concatenate([legal[:, : mdp.n_tools], answers[:, kept]], 1), reward[:, :, kept]


def shape_of(models: Sequence[TAMDP]) -> Shape:
    """The smallest shape that holds all of them."""
    sizes = [
        (*m.initial_distribution.shape, m.n_tools, *_merged(m)[1].shape[2:], m.max_depth)
        for m in models
    ]
    return Shape(*(int(x) for x in np.max(sizes, axis=0)))


def _padded(mdp: TAMDP, shape: Shape) -> tuple[NDArray[Any], ...]:
    legal, reward = _merged(mdp)
    n_prompts, n_states, n_answers, n_components = reward.shape
    q = [*range(n_prompts), *[0] * (shape.prompts - n_prompts)]
    s, u, y = slice(n_states), slice(mdp.n_tools), slice(shape.tools, shape.tools + n_answers)
    initial = np.zeros((shape.prompts, shape.states))
    initial[:, s] = np.asarray(mdp.initial_distribution)[q]
    transition = np.zeros((shape.states, shape.tools, shape.states))
    transition[s, u, s] = np.asarray(mdp.tool_transition)
    allowed = np.zeros((shape.states, shape.tools + shape.answers), bool)
    allowed[s, u], allowed[s, y] = legal[:, : mdp.n_tools], legal[:, mdp.n_tools :]
    earned = np.zeros((shape.prompts, shape.states, shape.answers, shape.components))
    earned[:, s, slice(n_answers), slice(n_components)] = reward[q]
    weights = np.ones(shape.components)
    weights[:n_components] = np.asarray(mdp.weights)
    return initial, transition, allowed, earned, weights


def padded(mdp: TAMDP, shape: Shape) -> Arrays:
    """The model's arrays in a larger shape; new components always earn 0, with weight 1."""
    return Arrays(*jax.device_put(_padded(mdp, shape)))


def stack(models: Sequence[TAMDP], shape: Shape) -> Arrays:
    """All of them, one after another along the first axis."""
    every = zip(*[_padded(m, shape) for m in models], strict=True)
    return Arrays(*jax.device_put([np.stack(leaves) for leaves in every]))


def blank(shape: Shape) -> TAMDP:
    """A model of that shape to put arrays in."""
    n_states = shape.states
    legal = np.zeros((n_states, shape.tools + shape.answers), bool)
    legal[:, -1] = True
    return TAMDP(
        prompt_distribution=np.eye(shape.prompts)[0],
        initial_distribution=np.eye(n_states)[[0] * shape.prompts],
        depth=[min(s, shape.depth) for s in range(n_states)],
        tool_transition=np.zeros((n_states, shape.tools, n_states)),
        legal=legal,
        reward=np.zeros((shape.prompts, n_states, shape.answers, shape.components)),
        weights=[1] * shape.components,
    )


def filled(template: TAMDP, arrays: Arrays) -> TAMDP:
    """The template with a model's arrays, for what reads nothing but these: optima and values."""
    fields = lambda m: [getattr(m, name) for name in Arrays._fields]  # noqa: E731
    return eqx.tree_at(fields, template, list(arrays))


def policy_values(mdp: TAMDP, probs: Float[Array, "S A"]) -> Float[Array, "Q K"]:
    """J_qk by backward induction: like ``theory.evaluation.values.component_values`` without its
    classes.
    """
    tools, answers = probs[:, : mdp.n_tools], probs[:, mdp.n_tools :]
    stop = jnp.einsum("sy,qsyk->qsk", answers, mdp.reward)

    def layer(ahead: Float[Array, "Q S K"], _: None) -> tuple[Float[Array, "Q S K"], None]:
        called = jnp.einsum("su,sut,qtk->qsk", tools, mdp.tool_transition, ahead)
        return stop + called, None

    top, _ = jax.lax.scan(layer, stop, None, length=mdp.max_depth)
    return jnp.einsum("qs,qsk->qk", mdp.initial_distribution, top)
