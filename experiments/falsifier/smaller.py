"""Documents with one member, component, call or action less: what counterexamples shrink by."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from grpo_checks.experiments.protocol.points import Document


def without(values: Sequence[Any], i: int) -> list[Any]:
    """All but one."""
    return [*values[:i], *values[i + 1 :]]


def fewer(document: Document, fields: tuple[str, ...], least: int = 1) -> Iterator[Document]:
    """One entry less, at the same place of all ``fields`` that the document has; ``least`` stay."""
    present = [f for f in fields if f in document]
    length = len(document[present[0]]) if present else 0
    for i in range(length if length > least else 0):
        yield {**document, **{f: without(document[f], i) for f in present}}


def one_less(document: Document, fields: tuple[str, ...]) -> Iterator[Document]:
    """A whole number less by one; too small a one is refused where it is read."""
    for field in fields:
        if isinstance(document.get(field), int):
            yield {**document, field: document[field] - 1}


def smaller_menu(document: Document) -> Iterator[Document]:
    """Of calls with chances of success: a call or a component less."""
    yield from fewer(document, ("calls", "odds"))
    components = len(document["calls"][0])
    field = "weights" if "weights" in document else "slopes"
    # There is one slope less than components: the last one is what balances the calls.
    for k in range(len(document[field]) if components > 1 else 0):
        calls = [without(row, k) for row in document["calls"]]
        yield {**document, "calls": calls, field: without(document[field], k)}


def smaller_choice(document: Document) -> Iterator[Document]:
    """Of a choice or line model: a prompt, a component, an action or an outcome less.

    None where the document describes its model otherwise.
    """
    prompts, weights = document.get("prompts", []), document.get("weights", [])
    yield from fewer(document, ("prompts",))
    for k in range(len(weights) if len(weights) > 1 else 0):
        others = [_fewer_components(prompt, k) for prompt in prompts]
        yield {**document, "weights": without(weights, k), "prompts": others}
    for q, prompt in enumerate(prompts):
        for shorter in _smaller_prompt(prompt):
            yield {**document, "prompts": [*prompts[:q], shorter, *prompts[q + 1 :]]}


def _fewer_components(prompt: Mapping[str, Any], k: int) -> Document:
    actions = [
        {
            **action,
            "outcomes": [{**o, "rewards": without(o["rewards"], k)} for o in action["outcomes"]],
        }
        for action in prompt["actions"]
    ]
    return {**prompt, "actions": actions}


def _smaller_prompt(prompt: Mapping[str, Any]) -> Iterator[Document]:
    yield from fewer(prompt, ("actions",))
    for a, action in enumerate(prompt["actions"]):
        for shorter in fewer(action, ("outcomes",)):
            actions = [*prompt["actions"][:a], shorter, *prompt["actions"][a + 1 :]]
            yield {**prompt, "actions": actions}


def smaller_run(document: Document) -> Iterator[Document]:
    """Of updates or runs of a choice or line model: that, or a member or a step less."""
    yield from smaller_choice(document)
    yield from one_less(document, ("group_size", "steps"))
