"""Exact numbers of many policies of one model at once; the last axis, N lanes, is theirs.

What a training run records at every step for all its seeds. The formulas are those of
``theory.exact``, ``theory.score`` and ``theory.update``, over places (``theory.chances``) instead
of prompts times states, and laid out so that every operation runs along the lanes.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from theory.action_axis import add_up, softmax
from theory.chances import Chances
from theory.exact import Theta
from theory.policy import LogLinear, Policy


def lane_probs(policy: Policy, theta: Theta) -> Float[Array, "S A N"]:
    """pi_theta(a|s), as ``Policy.probs``."""
    legal, logits, row = policy.rows(theta)
    legal = legal[:, :, None]
    # A state without legal actions is unreachable; giving it all actions keeps NaN out.
    allowed = legal | ~legal.any(1, keepdims=True)
    raw = jnp.where(allowed, logits.astype(theta.dtype), -jnp.inf)
    probs = jnp.where(legal, softmax(raw), 0.0)
    return probs if row is None else probs[row]


def at_places(chances: Chances, by_state: Float[Array, "S ..."]) -> Float[Array, "P ..."]:
    """Rows of places from rows of states."""
    return by_state if chances.one_each else by_state[chances.state[:-1]]


def _worth(
    chances: Chances, probs: Float[Array, "P A N"]
) -> tuple[Float[Array, "P A N"], Float[Array, "P N"]]:
    """E[R | place, action] and E[R | place], by one backward sweep; 0 for calls in layer D."""
    tools, answers = probs[:, : chances.n_tools], probs[:, chances.n_tools :]
    earned = chances.earned[:, :, None]
    answered = add_up(answers * earned)[:, 0]
    value = [answered[slice(*chances.layers[-1])]]
    ahead = [jnp.zeros((value[0].shape[0], *tools.shape[1:]))]
    for layer, response in zip(chances.layers[-2::-1], chances.responses[::-1], strict=True):
        here = slice(*layer)
        called = (response @ value[0]).reshape(tools[here].shape)
        value.insert(0, answered[here] + add_up(called * tools[here])[:, 0])
        ahead.insert(0, called)
    all_earned = jnp.broadcast_to(earned, answers.shape)
    return jnp.concatenate([jnp.concatenate(ahead), all_earned], 1), jnp.concatenate(value)


def _tabular_step(
    carry: Float[Array, "R m N"], score: Float[Array, "R B N"]
) -> Float[Array, "R B m N"]:
    """An episode meets each observation at most once: the steps' scores are orthogonal."""
    mass, square = carry[:, None, 0], carry[:, None, 1]
    return jnp.stack([jnp.broadcast_to(mass, score.shape), square + mass * score], 2)


def _log_linear_step(
    carry: Float[Array, "R m N"], score: Float[Array, "R B d N"]
) -> Float[Array, "R B m N"]:
    """Mass, E[s 1{place}] and E[|s|^2 1{place}]."""
    mass, first, square = carry[:, None, :1], carry[:, None, 1:-1], carry[:, None, -1:]
    added = 2 * (first * score).sum(2, keepdims=True)
    second = square + added + mass * jnp.square(score).sum(2, keepdims=True)
    return jnp.concatenate([jnp.broadcast_to(mass, second.shape), first + mass * score, second], 2)


def _forward(
    chances: Chances, policy: Policy, probs: Float[Array, "P A N"]
) -> tuple[Float[Array, "P N"], Float[Array, "P Y N"]]:
    """P(place) and E[|s|^2 1{place, answer}], by one forward sweep."""
    if isinstance(policy, LogLinear):
        phi = at_places(chances, policy.features)[..., None]
        phi = jnp.where(probs[:, :, None] > 0, phi, 0.0)
        score = phi - (probs[:, :, None] * phi).sum(1, keepdims=True)
        size, step = phi.shape[2] + 2, _log_linear_step
    else:
        # |grad log pi(a|s)|^2 = |e_a - pi|^2 for a table of logits.
        score = 1 - 2 * probs + add_up(jnp.square(probs))
        size, step = 2, _tabular_step
    tools, lanes = chances.n_tools, probs.shape[2]
    first = chances.start[slice(*chances.layers[0])]
    here = jnp.zeros((first.shape[0], size, lanes)).at[:, 0].set(first[:, None])
    carried = [here]
    for layer, response in zip(chances.layers[:-1], chances.responses, strict=True):
        at = slice(*layer)
        moved = step(here, score[at, :tools]) * probs[at, :tools, None]
        flat = response.T @ moved.reshape(response.shape[0], size * lanes)
        here = flat.reshape(response.shape[1], size, lanes)
        carried.append(here)
    every = jnp.concatenate(carried)
    last = step(every, score[:, tools:])[:, :, -1]
    return every[:, 0], last * probs[:, tools:]


class LaneMoments(NamedTuple):
    """Per prompt: J, its gradient, and what the variance of `leave_one_out` depends on."""

    value: Float[Array, "Q N"]
    """J_q."""
    gradient: Float[Array, "Q n N"]
    """grad J_q, theta flattened."""
    spread: Float[Array, "Q N"]
    """a, as in ``theory.update.PairMoments``; likewise the next."""
    excess: Float[Array, "Q N"]


def lane_moments(chances: Chances, policy: Policy, theta: Theta) -> LaneMoments:
    """Of every lane's policy."""
    probs = at_places(chances, lane_probs(policy, theta))
    answers = probs[:, chances.n_tools :]
    worth, worth_of_place = _worth(chances, probs)
    mass, squared = _forward(chances, policy, probs)
    value = chances.belongs @ (chances.start[:, None] * worth_of_place)
    # d J_q / d logit = visits pi (E[R|a] - E[R]), the policy gradient theorem.
    slope = mass[:, None] * probs * (worth - worth_of_place[:, None])
    _, pull = jax.vjp(lambda t: at_places(chances, policy.logits(t)), theta)
    each = jax.vmap(lambda own: pull(own[:, None, None] * slope)[0])(chances.belongs)
    gradient = each.reshape(*chances.belongs.shape[:1], -1, each.shape[-1])
    # Central, not raw: a large constant part of R must not cancel the variance away.
    mean = (chances.belongs.T @ value)[:, None]
    central = jnp.square(chances.earned[:, :, None] - mean)
    per_prompt = lambda x: chances.belongs @ add_up(x)[:, 0]  # noqa: E731
    squared_gradient = jnp.square(gradient).sum(1)
    spread = per_prompt(squared * central) - squared_gradient
    variance = per_prompt(mass[:, None] * answers * central)
    return LaneMoments(value, gradient, spread, variance * per_prompt(squared) + squared_gradient)
