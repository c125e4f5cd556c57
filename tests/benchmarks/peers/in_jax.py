"""A peer: GRPO in plain JAX as it is commonly written, float32.

An environment with reset and step functions, actions by ``jax.random.categorical``, a rollout by
``lax.scan``, the surrogate differentiated, ``vmap`` over episodes and seeds, updates by
``lax.scan``.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from peers.model import Task


class Env(NamedTuple):
    """The task's tables as float32 arrays on the device."""

    log_initial: Array
    log_response: Array
    reward: Array
    legal: Array
    observation: Array


class State(NamedTuple):
    """Of one episode."""

    prompt: Array
    state: Array
    done: Array


def env(task: Task) -> Env:
    """Of one task."""
    log = lambda p: jnp.log(jnp.asarray(p, jnp.float32))  # noqa: E731
    reward = jnp.asarray(task.composite, jnp.float32)
    observation = jnp.asarray(task.observation, jnp.int32)
    return Env(log(task.initial), log(task.response), reward, jnp.asarray(task.legal), observation)


def reset(key: Array, environment: Env, prompt: Array) -> State:
    """The first state of an episode."""
    return State(
        prompt, jax.random.categorical(key, environment.log_initial[prompt]), jnp.asarray(False)
    )


def env_step(
    key: Array, environment: Env, n_tools: int, at: State, action: Array
) -> tuple[State, Array]:
    """The state after an action, and its reward; nothing happens once an answer is given."""
    answered = action >= n_tools
    tool = jnp.minimum(action, n_tools - 1)
    following = jax.random.categorical(key, environment.log_response[at.state, tool])
    earned = environment.reward[at.prompt, at.state, jnp.maximum(action - n_tools, 0)]
    reward = jnp.where(answered & ~at.done, earned, 0.0)
    state = jnp.where(answered | at.done, at.state, following)
    return State(at.prompt, state, at.done | answered), reward


def _log_probs(theta: Array, environment: Env) -> Array:
    logits = jnp.where(environment.legal, theta[environment.observation], -jnp.inf)
    return jax.nn.log_softmax(logits, -1)


def _rollout(
    key: Array, theta: Array, environment: Env, task: Task, prompt: Array
) -> tuple[Array, Array, Array, Array]:
    """States, actions, which steps count, and the episode's reward."""
    first, later = jax.random.split(key)
    log_probs = _log_probs(theta, environment)

    def one(at: State, key: Array) -> tuple[State, Any]:
        act, answer = jax.random.split(key)
        action = jax.random.categorical(act, log_probs[at.state])
        after, reward = env_step(answer, environment, task.n_tools, at, action)
        return after, (at.state, action, ~at.done, reward)

    keys = jax.random.split(later, task.horizon)
    _, (state, action, live, reward) = jax.lax.scan(one, reset(first, environment, prompt), keys)
    return state, action, live, reward.sum()


def update(key: Array, theta: Array, environment: Env, task: Task) -> Array:
    """g of one seed."""
    n_prompts, g = task.rho.size, task.group_size
    prompts = jnp.repeat(jnp.arange(n_prompts), g)
    keys = jax.random.split(key, prompts.size)
    draw = lambda k, p: _rollout(k, theta, environment, task, p)  # noqa: E731
    state, action, live, reward = jax.vmap(draw)(keys, prompts)
    grouped = reward.reshape(n_prompts, g)
    advantage = (grouped - grouped.mean(1, keepdims=True)) * (g / (g - 1))
    weight = advantage * jnp.asarray(task.rho, jnp.float32)[:, None] / g

    def loss(th: Array) -> Array:
        taken = _log_probs(th, environment)[state, action]
        ratio = jnp.exp(taken - jax.lax.stop_gradient(taken))
        return -(jnp.where(live, ratio, 0.0) * weight.reshape(-1, 1)).sum()

    return -jax.grad(loss)(theta)


def trainer(task: Task, steps: int) -> Callable[[Array, Array, Array], Array]:
    """f(keys (B,), theta (B, O, A), step) -> theta after ``steps`` updates; jitted."""
    environment = env(task)

    @jax.jit
    @partial(jax.vmap, in_axes=(0, 0, None))
    def run(key: Array, theta: Array, step: Array) -> Array:
        def one(at: Array, key: Array) -> tuple[Array, None]:
            return at + step.astype(at.dtype) * update(key, at, environment, task), None

        return jax.lax.scan(one, theta, jax.random.split(key, steps))[0]

    return run
