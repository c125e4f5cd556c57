"""Two environments with the same layers of states, in rational numbers, by listing episodes.

A state offers one tool call, whose answer is the next state, and Y answers, which end the episode.
Source and target differ in the law of prompts and in what the tool answers. Rewards lie in [0, 1],
R_max = 1. Nothing of ``theory.evaluation.values`` or ``theory.generalization.transfer`` is used,
which makes this an oracle.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from flint import fmpq

from grpo_checks.theory.numbers.balls import total
from grpo_checks.theory.numbers.fields import REWARD, entry, listed, numbers, shares
from grpo_checks.theory.numbers.logs import Logs, divergence

Side = Literal["source", "target"]
Law = tuple[fmpq, ...]


def variation(p: Law, q: Law) -> fmpq:
    """TV(p, q)."""
    return total(abs(a - b) for a, b in zip(p, q, strict=True)) / 2


class State(NamedTuple):
    """A place of one layer."""

    policy: Law
    """Of the Y answers, then of the call; Y alone in the last layer."""
    other: Law
    """Of a second policy."""
    source: Law
    """Of the next state after a call; empty in the last layer."""
    target: Law
    reward: tuple[Law, ...]
    """(Q, Y)."""


class Layers(NamedTuple):
    """Both environments."""

    source: Law
    """Of prompts."""
    target: Law
    start: tuple[Law, ...]
    """(Q, S_0)."""
    layers: tuple[tuple[State, ...], ...]

    @property
    def depth(self) -> int:
        """D, the largest number of calls."""
        return len(self.layers) - 1


def parse_layers(document: Mapping[str, Any]) -> Layers:
    """From JSON: ``source`` and ``target``, shares of the prompts; ``start``, shares of the first
    layer's states for each prompt; ``layers`` of states with ``policy``, optionally ``other``,
    ``reward`` (for each prompt, for each answer) and, above the last layer, shares ``source`` and
    ``target`` of the next layer's states. Raises ValueError, naming the field.
    """
    prompts = [shares(f, entry(document, f), positive=False) for f in ("source", "target")]
    rows = listed("start", entry(document, "start"))
    start = tuple(shares("start", row, positive=False) for row in rows)
    listed_layers = listed("layers", entry(document, "layers"))
    layers = tuple(tuple(_state(s) for s in listed("layers", layer)) for layer in listed_layers)
    model = Layers(prompts[0], prompts[1], start, layers)
    _check(model)
    return model


def _state(state: Any) -> State:
    policy = shares("policy", entry(state, "policy"), positive=False)
    other = shares("other", state.get("other", state["policy"]), positive=False)
    rows = [shares(f, state[f], positive=False) if f in state else () for f in ("source", "target")]
    rewards = listed("reward", entry(state, "reward"))
    reward = tuple(numbers("reward", row, REWARD) for row in rewards)
    return State(policy, other, rows[0], rows[1], reward)


def _check(model: Layers) -> None:
    """Raises ValueError, naming the field, where lengths differ or a reward is outside [0, 1]."""
    prompts = len(model.source)
    if not len(model.target) == len(model.start) == prompts or not model.layers:
        raise ValueError(f"target, start: expected one entry for each of {prompts} prompts")
    if any(len(row) != len(model.layers[0]) for row in model.start):
        raise ValueError(f"start: expected {len(model.layers[0])} shares for each prompt")
    for h, layer in enumerate(model.layers):
        below = len(model.layers[h + 1]) if h < model.depth else 0
        answers = {len(row) for s in layer for row in s.reward}
        for s in layer:
            if len(s.source) != below or len(s.target) != below:
                raise ValueError(f"layers[{h}]: expected {below} shares of the next states")
            if len(s.reward) != prompts or len(answers) != 1 or 0 in answers:
                raise ValueError(f"layers[{h}].reward: expected one number per prompt and answer")
            actions = len(s.reward[0]) + (h < model.depth)
            if not len(s.policy) == len(s.other) == actions:
                raise ValueError(f"layers[{h}].policy: expected {actions} shares")


class Episode(NamedTuple):
    """Its chance under the policy and under the other one, and its reward."""

    chance: fmpq
    other: fmpq
    reward: fmpq


def episodes(model: Layers, prompt: int, side: Side) -> Iterator[Episode]:
    """All of one prompt that are possible under either policy."""

    def below(h: int, law: Sequence[fmpq]) -> Iterator[Episode]:
        for state, p in zip(model.layers[h], law, strict=True):
            for y, r in enumerate(state.reward[prompt]):
                yield Episode(p * state.policy[y], p * state.other[y], r)
            if h < model.depth:
                for e in below(h + 1, state.source if side == "source" else state.target):
                    called = (p * state.policy[-1] * e.chance, p * state.other[-1] * e.other)
                    yield Episode(*called, e.reward)

    return (e for e in below(0, model.start[prompt]) if e.chance > 0 or e.other > 0)


def value(model: Layers, side: Side) -> fmpq:
    """V of the policy."""
    law = model.source if side == "source" else model.target
    return total(
        rho * e.chance * e.reward for q, rho in enumerate(law) for e in episodes(model, q, side)
    )


def responses(model: Layers) -> fmpq:
    """max over states of TV(P_S, P_T) of the tool's answers; 0 without calls."""
    upper = (s for layer in model.layers[:-1] for s in layer)
    return max((variation(s.source, s.target) for s in upper), default=fmpq(0))


def episode_divergence(model: Layers, prompt: int) -> Logs | None:
    """KL(episodes of the policy ‖ of the other) in the source; None for infinity."""
    listed = list(episodes(model, prompt, "source"))
    return divergence([e.chance for e in listed], [e.other for e in listed])


def step_divergences(model: Layers) -> list[Logs | None]:
    """KL(pi(.|s) ‖ pi'(.|s)) of every state."""
    return [divergence(s.policy, s.other) for layer in model.layers for s in layer]
