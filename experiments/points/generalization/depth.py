"""T3.depth at rational points: both environments by their episodes, listed.

A document is that of ``theory.rational.tasks.layers`` with ``kind`` "value" (the gap |V_T - V_S|)
or "KL of episodes" (of two policies in the source).
"""

from collections.abc import Iterable
from typing import Any

from flint import fmpq

from grpo_checks.experiments.falsifier.smaller import without
from grpo_checks.experiments.points.generalization.deep import DEPTH
from grpo_checks.experiments.points.generalization.depth_search import SEARCH
from grpo_checks.experiments.protocol.points import Document, Exact
from grpo_checks.experiments.protocol.verdict import Decision, compare, compare_logs
from grpo_checks.theory.numbers.balls import largest
from grpo_checks.theory.numbers.fields import one_of
from grpo_checks.theory.numbers.logs import Logs
from grpo_checks.theory.rational.tasks.layers import (
    Layers,
    episode_divergence,
    parse_layers,
    responses,
    step_divergences,
    value,
    variation,
)

KINDS = ("value", "KL of episodes")


def _gap(model: Layers, mutant: str | None) -> Decision:
    counted = {
        None: fmpq(model.depth),
        "half of the depth": fmpq(model.depth, 2),
        "no depth": fmpq(1),
    }
    bound = variation(model.source, model.target) + counted[mutant] * responses(model)
    gap = abs(value(model, "target") - value(model, "source"))
    if mutant is None and bound >= 1:
        return Decision(gap, bound, "vacuous", "no better than R_max")
    return compare(gap, bound)


def _of_episodes(model: Layers) -> Decision:
    """The largest KL over prompts against H times the largest of a step."""
    steps = step_divergences(model)
    divergences = [episode_divergence(model, q) for q in range(len(model.source))]
    if None in steps:
        return Decision(fmpq(0), fmpq(1), "vacuous", "KL of a step is infinite")
    horizon = fmpq(model.depth + 1)
    top, most = (max((x for x in xs if x), key=_middle) for xs in (steps, divergences))
    decision = compare_logs(most, Logs().plus(top, horizon))
    # Largest by their midpoints: a violation must be one of all enclosures.
    if decision.verdict == "refuted":
        return compare(most.value, horizon * largest(x.value for x in steps if x))
    return decision


def _middle(logs: Logs) -> float:
    return float(logs.value)


def decide(document: Document, mutant: str | None) -> Decision:
    """Of the kind named in the document; the mutants are about the gap."""
    kind = one_of(document, "kind", KINDS)
    model = parse_layers(document)
    return _of_episodes(model) if kind == KINDS[1] and mutant is None else _gap(model, mutant)


def _without_state(document: Document, h: int, place: int) -> dict[str, Any]:
    """A document with one state less in layer h."""
    layers = [list(layer) for layer in document["layers"]]
    layers[h] = without(layers[h], place)
    if h == 0:
        start = [without(row, place) for row in document["start"]]
        return {**document, "layers": layers, "start": start}
    fewer = ("source", "target")
    layers[h - 1] = [
        {**state, **{f: without(state[f], place) for f in fewer}} for state in layers[h - 1]
    ]
    return {**document, "layers": layers}


def _answers(odds: list[Any]) -> list[Any]:
    """Without the call; all alike where nothing but the call was chosen."""
    return odds[:-1] if any(x != 0 for x in odds[:-1]) else [1] * (len(odds) - 1)


def simpler(document: Document) -> Iterable[Document]:
    """A layer, a state or a prompt less."""
    layers = document["layers"]
    if len(layers) > 1:
        last = [
            {"reward": s["reward"], **{f: _answers(s[f]) for f in ("policy", "other") if f in s}}
            for s in layers[-2]
        ]
        yield {**document, "layers": [*layers[:-2], last]}
    sizes = [(h, i) for h, layer in enumerate(layers) if len(layer) > 1 for i in range(len(layer))]
    yield from (_without_state(document, h, i) for h, i in sizes)
    prompts = len(document["source"])
    for place in range(prompts if prompts > 1 else 0):
        fewer = {f: without(document[f], place) for f in ("source", "target", "start")}
        shorter = [
            [{**s, "reward": without(s["reward"], place)} for s in layer] for layer in layers
        ]
        yield {**document, **fewer, "layers": shorter}


EXACT = Exact(decide, SEARCH, simpler).with_deep(DEPTH.exact())
