"""Sampled episodes by inverse CDF, one uniform number per random choice."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray, Shaped

from grpo_checks.theory.mdp.action_axis import prefix_sums
from grpo_checks.theory.mdp.places import Chances
from grpo_checks.theory.mdp.policy import greedy


class Episodes(NamedTuple):
    """N episodes, step by step; steps after the answer repeat the last one and are not taken."""

    state: Int[Array, "H N"]
    action: Int[Array, "H N"]
    taken: Bool[Array, "H N"]
    cell: Int[Array, "H N"]
    """state · A + action; S · A or more for a step that is not taken."""
    reward_class: Int[Array, " N"]
    """Index into ``TAMDP.class_vector`` and ``TAMDP.class_composite``."""
    composite: Float[Array, " N"]
    """R."""


def _read(table: Shaped[Array, "..."], index: Int[Array, "E ..."]) -> Shaped[Array, "E ..."]:
    """Rows of a table, for indices known to lie inside: no check, no wrapping, half the time."""
    return table.at[index].get(mode="promise_in_bounds", wrap_negative_indices=False)


def _rows(
    cdf: Float[Array, "S1 A *N"], state: Int[Array, " E"], lane: Int[Array, ""] | None
) -> Float[Array, "E B"]:
    """Of each state, all but the last."""
    if lane is None:
        return _read(cdf[:, :-1], state)
    _, size, lanes = cdf.shape
    actions = jnp.arange(size - 1, dtype=jnp.int32)[None]
    return _read(cdf.reshape(-1), (state[:, None] * size + actions) * lanes + lane)


def action_cdf(probs: Float[Array, "S A *N"]) -> Float[Array, "S1 A *N"]:
    """Cumulative probabilities of actions, ending at exactly 1, and a row for the end.

    A last axis of many policies is kept.
    """
    cdf = prefix_sums(probs)
    total = cdf[:, -1:]
    # The end acts too, since asking costs more than an action that leads nowhere.
    return jnp.concatenate([cdf / jnp.where(total > 0, total, 1), jnp.ones_like(cdf[:1])])


def greedy_cdf(cdf: Float[Array, "S1 A *N"]) -> Float[Array, "S1 A *N"]:
    """The same, of the policy that always takes the likeliest action."""
    probs = jnp.diff(cdf, axis=1, prepend=0.0)
    return prefix_sums(greedy(probs).astype(cdf.dtype))


def pick(cdf: Float[Array, "E M"], uniform: Float[Array, " E"]) -> Int[Array, " E"]:
    """The first outcome whose cumulative probability exceeds the uniform number in [0, 1).

    The last cumulative probability, always 1, may be left out.
    """
    return (cdf <= uniform[:, None]).sum(-1, dtype=jnp.int32)


class _Draws(NamedTuple):
    """The uniform numbers of N episodes, one row for each choice; no rows where there is none."""

    first: Float[Array, "F N"]
    action: Float[Array, "H N"]
    response: Float[Array, "R N"]


def _draw(key: PRNGKeyArray, chances: Chances, n: int, dtype: jnp.dtype) -> _Draws:
    first, horizon = int(chances.first_cdf.shape[1] > 1), len(chances.layers)
    responses = horizon - 1 if chances.next_cdf.shape[1] > 1 else 0
    rows = first + horizon + responses
    # Flat: the same numbers, and half the time to compile.
    draws = jax.random.uniform(key, (rows * n,), dtype).reshape(rows, n)
    return _Draws(draws[:first], draws[first : first + horizon], draws[first + horizon :])


def sample_episodes(
    key: PRNGKeyArray,
    chances: Chances,
    cdf: Float[Array, "S1 A *N"],
    prompts: Int[Array, " E"],
    lane: Int[Array, ""] | None = None,
) -> Episodes:
    """One episode for each entry of ``prompts``, actions by ``action_cdf``.

    ``lane``: which of many policies. The precision of ``cdf`` is that of the uniform numbers:
    float32 resolves probabilities to 6e-8. Choices with one possible outcome draw nothing.
    """
    (rows, n_actions, *_), prompts = cdf.shape, prompts.astype(jnp.int32)
    none, dtype = jnp.zeros_like(prompts), cdf.dtype
    draws = _draw(key, chances, prompts.shape[0], dtype)
    first_cdf, next_cdf = (x[:, :-1].astype(dtype) for x in (chances.first_cdf, chances.next_cdf))
    first = none
    if draws.first.shape[0]:
        first = pick(_read(first_cdf, prompts), draws.first[0])
    place = _read(chances.first_place.reshape(-1), prompts * chances.first_place.shape[1] + first)
    last, steps = [none, none, none], []
    for h in range(len(chances.layers)):
        state = place if chances.one_each else _read(chances.state, place)
        action, taken = pick(_rows(cdf, state, lane), draws.action[h]), state < rows - 1
        move = place * n_actions + action
        kept = zip((state, action, move), last, strict=True)
        last = [jnp.where(taken, new, old) for new, old in kept]
        steps.append((last[0], last[1], taken, state * n_actions + action))
        response = none
        if h < draws.response.shape[0]:
            response = pick(_read(next_cdf, move), draws.response[h])
        outcomes = chances.next_place.shape[1]
        place = _read(chances.next_place.reshape(-1), move * outcomes + response)
    states, actions, takens, cells = (jnp.stack(x) for x in zip(*steps, strict=True))
    # The last step taken is the answer.
    earned = _read(chances.reward_class, last[2])
    composite = _read(chances.composite.astype(dtype), last[2])
    return Episodes(states, actions, takens, cells, earned, composite)
