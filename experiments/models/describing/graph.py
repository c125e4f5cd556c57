"""The graph of a model with names: states, what tools respond, which answers are allowed."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from grpo_checks.experiments.models.building.labels import Labels
from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.numbers.validation import reachable

SHORT = 1000
"""Largest denominator of a chance that is shown as a fraction."""

SHOWN = 6
"""Reward vectors of an answer, and prompts of one, that are listed."""


class Response(NamedTuple):
    """What a tool may lead to."""

    tool: str
    states: list[tuple[int, str]]
    """Next states with their chances as text, in the order of states."""


class Node(NamedTuple):
    """A state as it is drawn."""

    number: int
    name: str
    depth: int
    prompts: list[str]
    """Prompts that may start here, with the chance where it is not 1."""
    responses: list[Response]
    answers: list[str]


def chance(value: float) -> str:
    """A fraction where a short one rounds to it, else four digits; nothing where it is sure."""
    if value == 1:
        return ""
    return fraction(value)


def fraction(value: float) -> str:
    """The same of any number, 1 included."""
    short = Fraction(value).limit_denominator(SHORT)
    return str(short) if abs(float(short) - value) <= 4 * np.spacing(value) else f"{value:.4g}"


def nodes(mdp: TAMDP, labels: Labels) -> Iterator[Node]:
    """Layer by layer, states in the order of their axis."""
    initial, legal = np.asarray(mdp.initial_distribution), np.asarray(mdp.legal)
    transition, reward = np.asarray(mdp.tool_transition), np.asarray(mdp.reward)
    reached = reachable(initial, transition, mdp.horizon)
    for depth, layer in enumerate(mdp.layers):
        for state in layer:
            starts = np.flatnonzero(initial[:, state])
            prompts = [f"{labels.prompts[q]} {chance(initial[q, state])}".rstrip() for q in starts]
            responses = [
                Response(labels.tools[u], _law(transition[state, u]))
                for u in np.flatnonzero(legal[state, : mdp.n_tools])
            ]
            here = reached[:, state]
            answers = [
                f"{labels.answers[y]} ({_earned(reward[:, state, y], here, labels.prompts)})"
                for y in np.flatnonzero(legal[state, mdp.n_tools :])
            ]
            yield Node(state, labels.states[state], depth, prompts, responses, answers)


def _earned(rewards: np.ndarray, reached: np.ndarray, prompts: Sequence[str]) -> str:
    """The reward vector (Q, K) at the prompts that reach the state: of each where it differs."""
    vectors: dict[str, list[str]] = {}
    for q in np.flatnonzero(reached).tolist():
        vectors.setdefault(", ".join(map(fraction, rewards[q])), []).append(prompts[q])
    if len(vectors) < 2:
        return next(iter(vectors), "not reached")
    parts = [f"{_few(names)}: {vector}" for vector, names in vectors.items()]
    return "; ".join(parts[:SHOWN] + ["..."] * (len(parts) > SHOWN))


def _few(names: Sequence[str]) -> str:
    return ", ".join([*names[:SHOWN]] + ["..."] * (len(names) > SHOWN))


def _law(row: np.ndarray) -> list[tuple[int, str]]:
    return [(int(state), chance(float(row[state]))) for state in np.flatnonzero(row)]
