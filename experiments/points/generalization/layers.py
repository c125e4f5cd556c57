"""Two environments with the same layers of states, as documents and as arrays.

A state offers Y answers, which end the episode, and above the last layer one tool call: its answer
is a state of the next layer. A document has ``source`` and ``target``, shares of the prompts;
``start``, shares of the first layer's states for each prompt; ``layers`` of states with
``policy``, shares of the answers and then of the call, optionally ``other``, those of a second
policy, ``reward`` (for each prompt, for each answer) and, above the last layer, ``source`` and
``target``, shares of the next layer's states. Layers may have different numbers of states; where
arrays have more, these are never visited, and source and target do not differ there.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from grpo_checks.experiments.falsifier.domain import Point
from grpo_checks.experiments.falsifier.smaller import without
from grpo_checks.experiments.protocol.points import Document
from grpo_checks.theory.arithmetic.enclose import exact
from grpo_checks.theory.numbers.fields import REWARD, entry, listed, numbers, shares

SIDES, POLICIES = ("source", "target"), ("policy", "other")
Layers = Sequence[Sequence[Mapping[str, Any]]]


def read_layers(document: Document) -> Point:
    """``source``, ``target (Q,)``, ``start (Q, n)``, ``policy``, ``other (D+1, n, Y+1)``, the call
    last, ``source_tool``, ``target_tool (D, n, n)`` and ``reward (Q, D+1, n, Y)``.

    Raises ValueError, naming the field.
    """
    layers = [listed("layers", layer) for layer in listed("layers", entry(document, "layers"))]
    source = shares("source", entry(document, "source"), positive=False)
    rows = listed("reward", entry(layers[0][0], "reward"))
    shape = len(source), len(layers), max(map(len, layers)), len(listed("reward", rows[0]))
    point = _blank(*shape)
    point["source"], point["target"] = source, _law("", "target", document, len(source))
    start = listed("start", entry(document, "start"))
    if len(start) != len(source):
        raise ValueError(f"start: expected one entry for each of {len(source)} prompts")
    for q, row in enumerate(start):
        law = _law("", "start", {"start": row}, len(layers[0]))
        point["start"][q, : len(law)] = law
    for h, i in ((h, i) for h, layer in enumerate(layers) for i in range(len(layer))):
        _fill(point, layers, h, i)
    return {name: exact(np.asarray(array, object)) for name, array in point.items()}


def _blank(prompts: int, layers: int, states: int, answers: int) -> Point:
    """A state that is none gives the first answer and earns nothing."""
    policies = {f: np.zeros((layers, states, answers + 1), object) for f in POLICIES}
    for policy in policies.values():
        policy[..., 0] = 1
    tools = {f"{f}_tool": np.zeros((layers - 1, states, states), object) for f in SIDES}
    reward = np.zeros((prompts, layers, states, answers), object)
    return {"start": np.zeros((prompts, states), object), **policies, **tools, "reward": reward}


def _fill(point: Point, layers: Layers, h: int, i: int) -> None:
    """What one state says."""
    state, named, last = layers[h][i], f"layers[{h}].", h == len(layers) - 1
    prompts, _, _, answers = point["reward"].shape
    rows = listed(f"{named}reward", entry(state, "reward"))
    rewards = [numbers(f"{named}reward", row, REWARD) for row in rows]
    if len(rewards) != prompts or {*map(len, rewards)} != {answers}:
        raise ValueError(f"{named}reward: expected one number per prompt and answer")
    point["reward"][:, h, i] = rewards
    actions = answers + (not last)
    for f in POLICIES:
        point[f][h, i, :actions] = _law(named, f, {"other": state.get("policy"), **state}, actions)
    for f in SIDES:
        if last and f in state:
            raise ValueError(f"{named}{f}: expected none, there is no next layer")
        if not last:
            below = len(layers[h + 1])
            point[f"{f}_tool"][h, i, :below] = _law(named, f, state, below)


def _law(named: str, field: str, written: Mapping[str, Any], count: int) -> Any:
    law = shares(named + field, entry(written, field), positive=False)
    if len(law) != count:
        raise ValueError(f"{named}{field}: expected {count} shares")
    return law


def layered(flat: Document) -> Document:
    """The document of arrays as nested lists, which have the fields of ``read_layers``."""
    named = {n: flat[n] for n in flat if n in ("kind", *SIDES, "start")}
    last = len(flat["policy"]) - 1
    layers = []
    for h, rows in enumerate(flat["policy"]):
        layer = []
        for i in range(len(rows)):
            state = {f: flat[f][h][i] for f in POLICIES if f in flat}
            if h == last:
                state = {f: _answers(odds) for f, odds in state.items()}
            else:
                state |= {f: flat[f"{f}_tool"][h][i] for f in SIDES}
            layer.append({**state, "reward": [row[h][i] for row in flat["reward"]]})
        layers.append(layer)
    return {**named, "layers": layers}


def _answers(odds: list[Any]) -> list[Any]:
    """Without the call; all alike where nothing but the call was chosen."""
    return odds[:-1] if any(x != 0 for x in odds[:-1]) else [1] * (len(odds) - 1)


def simpler(document: Document) -> Iterator[Document]:
    """A layer, a state or a prompt less."""
    layers = document["layers"]
    if len(layers) > 1:
        last = [
            {"reward": s["reward"], **{f: _answers(s[f]) for f in POLICIES if f in s}}
            for s in layers[-2]
        ]
        yield {**document, "layers": [*layers[:-2], last]}
    sizes = [(h, i) for h, layer in enumerate(layers) if len(layer) > 1 for i in range(len(layer))]
    yield from (_without_state(document, h, i) for h, i in sizes)
    prompts = len(document["source"])
    for place in range(prompts if prompts > 1 else 0):
        fewer = {f: without(document[f], place) for f in (*SIDES, "start")}
        shorter = [
            [{**s, "reward": without(s["reward"], place)} for s in layer] for layer in layers
        ]
        yield {**document, **fewer, "layers": shorter}


def _without_state(document: Document, h: int, place: int) -> Document:
    """A document with one state less in layer h."""
    layers = [list(layer) for layer in document["layers"]]
    layers[h] = without(layers[h], place)
    if h == 0:
        start = [without(row, place) for row in document["start"]]
        return {**document, "layers": layers, "start": start}
    layers[h - 1] = [
        {**state, **{f: without(state[f], place) for f in SIDES}} for state in layers[h - 1]
    ]
    return {**document, "layers": layers}
