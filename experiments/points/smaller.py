"""Documents with one member, component, call or action less: what counterexamples shrink by."""

from collections.abc import Iterator, Mapping
from typing import Any

from experiments.exact import Document


def without(values: list[Any], i: int) -> list[Any]:
    """All but one."""
    return [*values[:i], *values[i + 1 :]]


def fewer(document: Document, fields: tuple[str, ...]) -> Iterator[Document]:
    """One entry less, at the same place of all ``fields`` that the document has."""
    present = [f for f in fields if f in document]
    length = len(document[present[0]])
    for i in range(length if length > 1 else 0):
        yield {**document, **{f: without(document[f], i) for f in present}}


def smaller_group(document: Document) -> Iterator[Document]:
    """Of samples: a member or a component less."""
    yield from fewer(document, ("rewards", "ratios"))
    for k in range(len(document["weights"]) if len(document["weights"]) > 1 else 0):
        rows = [without(row, k) for row in document["rewards"]]
        yield {**document, "rewards": rows, "weights": without(document["weights"], k)}


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
    """Of a choice model: a prompt, a component, an action or an outcome less."""
    yield from fewer(document, ("prompts",))
    for k in range(len(document["weights"]) if len(document["weights"]) > 1 else 0):
        prompts = [_fewer_components(prompt, k) for prompt in document["prompts"]]
        yield {**document, "weights": without(document["weights"], k), "prompts": prompts}
    for q, prompt in enumerate(document["prompts"]):
        for shorter in _smaller_prompt(prompt):
            prompts = [*document["prompts"][:q], shorter, *document["prompts"][q + 1 :]]
            yield {**document, "prompts": prompts}


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
