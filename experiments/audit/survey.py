"""How common is it that std-normalised GRPO does not become stationary: a survey of random models.

Models: ``theory.instances.cycles.random_composites``, all from number 0 on. The flow of E[g] of
`group_normalized` (eps = 0, ddof = 0) is followed from the uniform policy and three random ones
(``theory.convergence.cycles.long_run``), in windows of ``STEPS`` steps of length ``PACE``. A start
*goes round* if the policy still moves as widely in the last window as two windows before; it ends
at a *zero* if it rests where grad J is not 0; else it is *stationary*. Measured, not certified: at
G = 2 the duels say independently whether some action beats all others, which attracts.
"""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
from jaxtyping import Array, Float
from tqdm import tqdm

from grpo_checks.experiments.computing.work import BAR
from grpo_checks.theory.convergence.cycles.duels import duels
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
from grpo_checks.theory.instances.cycles.random_composites import SIDES, Composite, random_composite

ESTIMATOR = Estimator("group_normalized")
GROUPS = (2, 4, 8, 16)
LISTED = 4
"""The largest group whose counts are listed; beyond, the integral is faster."""
PACE, STEPS, SHORT, LONG = 0.15, 200, 2, 4
"""Models whose starts are not all stationary after SHORT windows are followed for LONG more."""
KINDS = ("stationary", "zero", "goes round", "undecided")
STARTS, PROMPTS, ACTIONS = 4, 3, 6
STILL, MOVES, FLAT = 1e-3, 0.05, 1e-8
"""Ranges of a chance in a window, and |grad J|^2, that count as none; MOVES: as going round."""
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
        whole = SIDES * (rewards @ model.weights)
        at = integrand(nodes(group_size, span), whole, group_size)
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


def _kinds(ends: Ends) -> Any:
    """(N, S) of 'stationary', 'zero', 'goes round' and, where it still slows down, 'undecided'."""
    last, before = ends.extent[..., -1], ends.extent[..., -3:-1].max(-1)
    rests = np.where(ends.squared_gradient < FLAT, "stationary", "zero")
    moves = np.where((last > MOVES) & (last > 0.98 * before), "goes round", "undecided")
    return np.where(np.maximum(last, before) < STILL, rests, moves)


def followed(models: Models, rewards: Any, group_size: int) -> tuple[Any, Any]:
    """Kinds and |grad J|^2 at the ends, (N, S)."""
    early = _chunks(models, rewards, group_size, SHORT)
    going = ~((early.extent[..., -1] < STILL) & (early.squared_gradient < FLAT)).all(1)
    kinds = np.full((*going.shape, STARTS), "stationary", dtype="<U10")
    squares = early.squared_gradient.copy()
    if going.any():
        rest = Models(*(x[going] for x in models))._replace(starts=early.logits[going])
        late = _chunks(rest, rewards, group_size, LONG)
        kinds[going], squares[going] = _kinds(late), late.squared_gradient
    return kinds, squares


def winner(model: Composite) -> bool:
    """Whether at G = 2 some action beats all others: it attracts from near by.

    Exact: chances are whole numbers over a power of two, and equal shares change no sign.
    """
    share = np.ones(len(model.share))
    law: Any = model.outcome
    wins = np.sign(np.asarray(duels(share, law, model.rewards, model.weights, ESTIMATOR)))  # type: ignore[arg-type]
    return bool((wins.sum(1) == len(wins) - 1).any())


def _records(numbers: list[int], group_size: int) -> list[dict[str, Any]]:
    """Of models with as many components."""
    drawn = [random_composite(i) for i in numbers]
    models = Models(*map(np.stack, zip(*map(padded, drawn, numbers), strict=True)))
    kinds, squares = followed(models, jnp.asarray(drawn[0].rewards), group_size)
    return [
        {
            "model": number,
            "components": len(model.weights),
            "prompts": len(model.share),
            "actions": model.outcome.shape[1],
            "coupled": model.coupled,
            "group_size": group_size,
            **{kind: int((kind_of == kind).sum()) for kind in KINDS},
            "squared_gradient": float(square[kind_of == "zero"].max(initial=0.0)),
            "winner": winner(model) if group_size == 2 else "",
        }
        for number, model, kind_of, square in zip(numbers, drawn, kinds, squares, strict=True)
    ]


def survey(count: int, sizes: tuple[int, ...] = GROUPS) -> pd.DataFrame:
    """A record for each of the first ``count`` models and each group size."""
    by_components: dict[int, list[int]] = {}
    for number in range(count):
        by_components.setdefault(len(random_composite(number).weights), []).append(number)
    cells = [(numbers, size) for size in sizes for numbers in by_components.values()]
    bar = tqdm(cells, "surveyed", leave=False, delay=2, bar_format=BAR, disable=None)
    records = [record for numbers, size in bar for record in _records(numbers, size)]
    return pd.DataFrame(records).sort_values(["group_size", "model"], ignore_index=True)
