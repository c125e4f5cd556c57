"""Starts of the survey followed along the flow of E[g], and what becomes of them."""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from grpo_checks.theory.convergence.cycles.group_field import (
    action_payoffs,
    advantage_table,
    payoffs,
)
from grpo_checks.theory.convergence.cycles.group_integral import (
    expected_advantages,
    integrand,
    nodes,
)
from grpo_checks.theory.convergence.cycles.long_run import long_run
from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.instances.cycles.random_composites import SIDES, Composite

ESTIMATOR = Estimator("group_normalized")
LISTED = 4
"""The largest group whose counts are listed; beyond, the integral is faster."""
PACE, STEPS, SHORT, LONG = 0.15, 200, 2, 20
"""Models whose starts are not all stationary after SHORT windows are followed for LONG more."""
KINDS = ("stationary", "zero", "goes round", "undecided")
STARTS, PROMPTS, ACTIONS = 4, 3, 6
STILL, MOVES, STEADY, FLAT = 1e-3, 0.05, 0.98, 1e-8
"""Ranges of a chance that count as rest and as going round, the least share of the range before
that the latter keeps, and |grad J|^2 that counts as none."""
CHUNK, BATCH = 64, {"cpu": 4}
"""Models in a call, and at once; on accelerators all of a call."""


class Models(NamedTuple):
    """N models with as many components, padded by prompts of share 0 and actions of logit -inf."""

    share: Any
    """(N, Q)"""
    outcome: Any
    """(N, Q, A, O)"""
    weights: Any
    """(N, K)"""
    starts: Any
    """(N, S, A), logits"""


def padded(model: Composite, index: int) -> Models:
    """One model, without the axis N; ``index`` seeds its random starts."""
    prompts, actions, outcomes = model.outcome.shape
    outcome = np.zeros((PROMPTS, ACTIONS, outcomes))
    outcome[:, :, 0] = 1
    outcome[:prompts, :actions] = model.outcome
    starts = np.full((STARTS, ACTIONS), -np.inf)
    drawn = np.random.default_rng([2605, index]).normal(size=(STARTS, actions))
    drawn[0] = 0
    starts[:, :actions] = drawn - drawn.mean(1, keepdims=True)
    share = np.zeros(PROMPTS)
    share[:prompts] = model.share
    return Models(share, outcome, model.weights, starts)


def _field(model: Models, rewards: Float[Array, "O K"], group_size: int) -> Any:
    """E[g] as a function of the logits."""
    if group_size <= LISTED:
        table = advantage_table(rewards, model.weights, ESTIMATOR, group_size)
        pay = partial(payoffs, model.share, model.outcome, table, group_size)
    else:
        span = SIDES * rewards.shape[1]
        composite = SIDES * (rewards @ model.weights)
        at = integrand(nodes(group_size, span), composite, group_size)
        response = partial(expected_advantages, at, group_size=group_size)
        pay = partial(action_payoffs, model.share, model.outcome, response)

    def update(theta: Float[Array, " A"]) -> Float[Array, " A"]:
        policy = jax.nn.softmax(theta)
        return policy * pay(policy)

    return update


@partial(jax.jit, static_argnames=("group_size", "windows"))
def _followed(
    models: Models, rewards: Float[Array, "O K"], group_size: int, windows: int
) -> tuple[Float[Array, "N S W"], Float[Array, "N S"], Float[Array, "N S A"]]:
    """Extents of the windows, |grad J|^2 at the end, and the logits there."""

    def one(model: Models) -> Any:
        update = _field(model, rewards, group_size)
        value = jnp.einsum("q,qao,ok,k->a", model.share, model.outcome, rewards, model.weights)

        def start(theta: Float[Array, " A"]) -> Any:
            path = long_run(update, theta, PACE, STEPS, windows)
            policy = jax.nn.softmax(path.theta[-1])
            slope = policy * (value - policy @ value)
            return path.extent, jnp.square(slope).sum(), path.theta[-1]

        return jax.vmap(start)(model.starts)

    return jax.lax.map(one, models, batch_size=BATCH.get(jax.default_backend(), CHUNK))


class Ends(NamedTuple):
    """Of S starts of N models."""

    extent: Float[np.ndarray, "N S W"]
    squared_gradient: Float[np.ndarray, "N S"]
    logits: Float[np.ndarray, "N S A"]


def _chunks(models: Models, rewards: Any, group_size: int, windows: int) -> Ends:
    """All models, so many at a time that one compilation serves them all."""
    count, parts = len(models.share), []
    size = min(count, CHUNK)
    for first in range(0, count, size):
        numbers = np.arange(first, first + size) % count
        parts.append(_followed(Models(*(x[numbers] for x in models)), rewards, group_size, windows))
    ends = (np.concatenate([np.asarray(x) for x in xs])[:count] for xs in zip(*parts, strict=True))
    return Ends(*ends)


def kinds_of(ends: Ends) -> Any:
    """(N, S) of 'stationary', 'zero', 'goes round' and, where it slows down still, 'undecided'."""
    late = ends.extent[..., LONG // 2 :].max(-1)
    early = ends.extent[..., : LONG // 2].max(-1)
    rests = np.where(ends.squared_gradient < FLAT, "stationary", "zero")
    moves = np.where((late > MOVES) & (late > STEADY * early), "goes round", "undecided")
    return np.where(ends.extent[..., -2:].max(-1) < STILL, rests, moves)


def followed(models: Models, rewards: Any, group_size: int) -> tuple[Any, Any]:
    """Kinds and |grad J|^2 at the ends, (N, S)."""
    early = _chunks(models, rewards, group_size, SHORT)
    going = ~((early.extent[..., -1] < STILL) & (early.squared_gradient < FLAT)).all(1)
    squares = early.squared_gradient.copy()
    kinds = np.full(squares.shape, "stationary", dtype="<U10")
    if going.any():
        rest = Models(*(x[going] for x in models))._replace(starts=early.logits[going])
        late = _chunks(rest, rewards, group_size, LONG)
        kinds[going], squares[going] = kinds_of(late), late.squared_gradient
    return kinds, squares
