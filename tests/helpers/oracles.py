"""An oracle for exact quantities: every episode written out, in NumPy, from the definitions."""

from fractions import Fraction
from functools import cache
from itertools import product
from math import lcm
from typing import Any, NamedTuple

import equinox as eqx
import jax
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Vector = tuple[Fraction, ...]
UNITS = 4
"""Composites of random instances are multiples of 1/4."""


class Paths(NamedTuple):
    """All N episodes of one prompt that the model allows, in a fixed order, whatever the policy."""

    chance: Floats
    """(N,): of the first state and of the tools' responses."""
    state: NDArray[np.int64]
    action: NDArray[np.int64]
    taken: NDArray[np.bool_]
    """(N, H): steps after the answer are not taken."""
    reward: list[Vector]
    weights: Vector
    composite: list[Fraction]
    """R of each episode."""


class Episodes(NamedTuple):
    """The same episodes under one policy."""

    probability: Floats
    score: Floats
    """(N, n): s(tau), theta flattened."""
    paths: Paths

    @property
    def value(self) -> Floats:
        """(N,): composite rewards."""
        return np.array(self.paths.composite, float)


def composites(vectors: tuple[Vector, ...], weights: Vector) -> list[Fraction]:
    """R of each reward vector, exactly."""
    return [sum((w * r for w, r in zip(weights, v, strict=True)), Fraction()) for v in vectors]


@cache
def rational(number: float) -> Fraction:
    """The rational that the writer of a float meant."""
    return Fraction(number).limit_denominator(10**6)


def _walks(mdp: Any, prompt: int) -> list[tuple[float, list[tuple[int, int]]]]:
    """Chance and (state, action) pairs of every episode, depth first."""
    legal, transition = np.asarray(mdp.legal), np.asarray(mdp.tool_transition)
    observed = []

    def go_on(state: int, chance: float, steps: list[tuple[int, int]]) -> None:
        for action in map(int, np.flatnonzero(legal[state])):
            now = [*steps, (state, action)]
            if action >= transition.shape[1]:
                observed.append((chance, now))
                continue
            for after in map(int, np.flatnonzero(transition[state, action])):
                go_on(after, chance * float(transition[state, action, after]), now)

    start = np.asarray(mdp.initial_distribution)[prompt]
    for state in map(int, np.flatnonzero(start)):
        go_on(state, float(start[state]), [])
    return observed


def list_paths(mdp: Any, prompt: int) -> Paths:
    """The episodes of a prompt, found by walking through the model."""
    walks = _walks(mdp, prompt)
    reward, weights = np.asarray(mdp.reward), tuple(map(rational, mdp.weights.tolist()))
    padded = np.full((len(walks), int(np.asarray(mdp.depth).max()) + 1, 2), -1)
    for row, (_, steps) in zip(padded, walks, strict=True):
        row[: len(steps)] = steps
    last = [steps[-1] for _, steps in walks]
    n_tools = np.asarray(mdp.tool_transition).shape[1]
    vectors = [tuple(map(rational, reward[prompt, s, a - n_tools].tolist())) for s, a in last]
    chance = np.array([c for c, _ in walks])
    state, action = padded[..., 0], padded[..., 1]
    distinct = tuple(set(vectors))
    composite = dict(zip(distinct, composites(distinct, weights), strict=True))
    earned = [composite[v] for v in vectors]
    return Paths(chance, state, action, state >= 0, vectors, weights, earned)


def pad_classes(mdp: Any, size: int | None = None, unit: int = UNITS) -> Any:
    """Add reward vectors that no answer earns, and count composites in a common unit.

    Models of one shape then share a compilation; no reward changes. ``size``: how many there are
    to be, 3^K if not told; ``unit``: 1/``unit`` is a multiple of the common one.
    """
    extra = (size or 3**mdp.weights.size) - mdp.class_composite.size
    unit = lcm(mdp.composite_denominator, unit)

    def tables(m: Any) -> list[Any]:
        return [m.class_vector, m.class_composite, m.class_numerator]

    vector, composite, numerator = map(np.asarray, tables(mdp))
    numerator = numerator * (unit // mdp.composite_denominator)
    padded = [np.pad(x, ((0, extra), (0, 0))[: x.ndim]) for x in (vector, composite, numerator)]
    filled = eqx.tree_at(tables, mdp, jax.device_put(padded))
    # Static: part of what a program is known by.
    object.__setattr__(filled, "composite_denominator", unit)
    return filled


def features(policy: Any) -> Floats:
    """phi (S, A, n) of either policy class; a table's are one-hot, shared by an observation."""
    if hasattr(policy, "features"):
        return np.asarray(policy.features)
    n_actions = np.asarray(policy.legal).shape[1]
    row = np.eye(policy.n_observations)[np.asarray(policy.observation)]
    table = np.einsum("so,ab->saob", row, np.eye(n_actions))
    return table.reshape(*table.shape[:2], -1)


def action_probs(policy: Any, theta: Any) -> Floats:
    """Softmax of phi·theta over legal actions; a state without any gets zeros."""
    legal = np.asarray(policy.legal)
    logits = np.where(legal, features(policy) @ np.asarray(theta).reshape(-1), -np.inf)
    top = np.where(legal.any(1), logits.max(1), 0.0)
    raw = np.exp(logits - top[:, None])
    return raw / np.where(legal.any(1), raw.sum(1), 1.0)[:, None]


def path_probability(paths: Paths, probs: Floats) -> Floats:
    """(N,): of each whole episode."""
    return paths.chance * np.where(paths.taken, probs[paths.state, paths.action], 1.0).prod(1)


def list_episodes(mdp: Any, policy: Any, theta: Any) -> list[Episodes]:
    """The episodes of each prompt; s(tau) sums phi(s,a) - sum_b pi(b|s) phi(s,b) over its steps."""
    probs, phi = action_probs(policy, theta), features(policy)
    step = phi - np.einsum("sb,sbn->sn", probs, phi)[:, None]
    listed = []
    for prompt in range(len(mdp.prompt_distribution)):
        p = list_paths(mdp, prompt)
        score = np.where(p.taken[..., None], step[p.state, p.action], 0.0).sum(1)
        listed.append(Episodes(path_probability(p, probs), score, p))
    return listed


def by_class(mdp: Any, prompt: Episodes, amount: Floats) -> Floats:
    """E[amount 1{reward vector = v}] for each v in the model's order; amount (N, ...)."""
    vectors = [tuple(map(rational, v)) for v in mdp.class_vector.tolist()]
    total = np.zeros((len(vectors), *amount.shape[1:]))
    # The first place of a vector: classes that fill a model up repeat one.
    place = {v: vectors.index(v) for v in set(prompt.paths.reward)}
    earned = [place[v] for v in prompt.paths.reward]
    np.add.at(total, earned, np.einsum("n,n...->n...", prompt.probability, amount))
    return total


def deterministic_values(mdp: Any) -> Floats:
    """J of every map from states to legal actions."""
    listed = [list_paths(mdp, q) for q in range(len(mdp.prompt_distribution))]
    legal = np.asarray(mdp.legal)
    used = {int(s) for p in listed for s in p.state[p.taken]}
    options = [np.flatnonzero(row) if s in used else [0] for s, row in enumerate(legal)]
    maps = np.array(list(product(*options)))
    value = np.zeros(len(maps))
    for rho, p in zip(np.asarray(mdp.prompt_distribution), listed, strict=True):
        for i, reward in enumerate(p.composite):
            agrees = (maps[:, p.state[i]] == p.action[i]) | ~p.taken[i]
            value += rho * p.chance[i] * float(reward) * agrees.all(1)
    return value


def moments(weight: Floats, outcome: Floats) -> tuple[Floats, float]:
    """Mean (n,) and total variance E|x|^2 - |E x|^2 of a listed law."""
    mean = weight @ outcome
    return mean, float(weight @ np.square(outcome - mean).sum(1))
