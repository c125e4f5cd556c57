"""Arrays of a TA-MDP from a description of its states as Python values."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from grpo_checks.theory.mdp.mdp import TAMDP

State = Hashable
Law = Sequence[tuple[Any, Fraction]]  # outcomes may repeat: their chances add up


def explore(
    starts: Sequence[State], tools: Sequence[str], respond: Callable[[Any, str], Law], depth: int
) -> list[list[State]]:
    """The states of each layer 0..depth that some policy reaches, in a fixed order."""
    layers: list[list[State]] = [list(dict.fromkeys(starts))]
    for _ in range(depth):
        reached = [after for s in layers[-1] for u in tools for after, _ in respond(s, u)]
        layers.append(list(dict.fromkeys(reached)))
    return layers


def build(
    prompts: Mapping[Any, Fraction],
    start: Callable[[Any], State],
    tools: Sequence[str],
    respond: Callable[[Any, str], Law],
    answers: Sequence[str],
    score: Callable[[Any, Any, str], Sequence[Fraction]],
    weights: Sequence[Any],
    depth: int,
) -> tuple[TAMDP, list[State]]:
    """A model in which every tool call is legal above the last layer and every answer everywhere.

    ``prompts``: rho. ``start(q)``: its first state. ``respond(s, u)``: law of the next state.
    ``score(q, s, y)``: component rewards. States must differ between layers. Also returns the
    states in the order of the model's state axis.
    """
    layers = explore([start(q) for q in prompts], tools, respond, depth)
    states = [s for layer in layers for s in layer]
    number = {s: i for i, s in enumerate(states)}
    level = np.array([d for d, layer in enumerate(layers) for _ in layer])
    exact = np.full((len(states), len(tools), len(states)), Fraction(0))
    for s in states[: len(states) - len(layers[-1])]:
        for u, tool in enumerate(tools):
            for after, chance in respond(s, tool):
                exact[number[s], u, number[after]] += chance
    initial = np.zeros((len(prompts), len(states)))
    initial[np.arange(len(prompts)), [number[start(q)] for q in prompts]] = 1
    legal = np.ones((len(states), len(tools) + len(answers)), bool)
    legal[level == depth, : len(tools)] = False
    reward = [
        [[[float(x) for x in score(q, s, y)] for y in answers] for s in states] for q in prompts
    ]
    mdp = TAMDP(
        prompt_distribution=[float(p) for p in prompts.values()],
        initial_distribution=initial,
        depth=level,
        tool_transition=exact.astype(float),
        legal=legal,
        reward=reward,
        weights=weights,
    )
    return mdp, states
