"""Models as sparse files, format ta-mdp/2: the entries of a written model, as JSON.

The schema is ta-mdp-2.schema.json beside this module; docs/models.md explains the fields.
"""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any, TypeVar

from grpo_checks.experiments.models.building.description import Description
from grpo_checks.experiments.models.building.entries import written
from grpo_checks.experiments.storage.input_file import check_keys
from grpo_checks.theory.numbers.rationals import abridged

FORMAT = "ta-mdp/2"
LISTS: Mapping[str, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    "components": (
        "component", ("component",), ("weight", "units", "false_positive", "false_negative")
    ),
    "prompts": ("prompt", ("prompt", "start"), ("chance",)),
    "tools": ("tool", ("tool", "at", "to"), ()),
    "answers": ("answer", ("answer",), ("at", "last")),
    "rewards": ("reward", ("reward",), ("prompt", "at", "answer")),
    "observations": ("alike", ("observation", "states"), ()),
    "features": ("feature", ("at", "action", "values"), ()),
    "logits": ("logit", ("at", "action", "value"), ()),
}  # fmt: skip
"""Of each list of a file: the method that takes an entry, its keys, and those it may have."""
REQUIRED, OPTIONAL = ("format", "name"), ("description", "depth", "theta", *LISTS)
Written = TypeVar("Written", bound=Description)


def parse(content: Any, kind: type[Written]) -> Written:
    """The model that a decoded file describes. Raises ValueError, naming the entry."""
    if isinstance(content, dict) and content.get("format", FORMAT) != FORMAT:
        raise ValueError(f"format = {abridged(content['format'])}: expected {FORMAT!r}")
    check_keys("file", content, REQUIRED, OPTIONAL)
    model = kind(content["name"], content.get("description", ""), content.get("depth"))
    for key, (method, required, optional) in LISTS.items():
        entries = content.get(key, [])
        if not isinstance(entries, list):
            raise ValueError(f"{key} = {abridged(entries)}: expected a list")
        for i, entry in enumerate(entries):
            check_keys(f"{key}[{i}]", entry, required, optional)
            try:
                getattr(model, method)(**entry)
            except ValueError as error:
                raise ValueError(f"{key}[{i}]: {error}") from None
    if not isinstance(content.get("theta", []), list):
        raise ValueError(f"theta = {abridged(content['theta'])}: expected a list of numbers")
    return model.start_at(content.get("theta", []))


def document(model: Description) -> dict[str, Any]:
    """The model as a file has it; what is as usual is left out."""
    lists: dict[str, list[dict[str, Any]]] = {
        "components": [_component(name, *k) for name, k in model.components.items()],
        "prompts": [
            {"prompt": name, "start": _law(law), "chance": _number(chance)}
            for name, (law, chance) in model.prompts.items()
        ],
        "tools": [{"tool": t, "at": _names(at), "to": _law(law)} for t, at, law in model.tools],
        "answers": [
            {"answer": answer, "at": _names(at), "last": last or None}
            for answer, at, last in model.answers
        ],
        "rewards": [
            {"reward": {k: written(x) for k, x in e.reward.items()}, "prompt": _names(e.prompt),
             "at": _names(e.at), "answer": _names(e.answer)}
            for e in model.rewards
        ],
        "observations": [
            {"observation": name, "states": _names(at)} for name, at in model.observations.items()
        ],
        "features": [
            {"at": _names(e.at), "action": e.action, "values": [*map(written, e.values)]}
            for e in model.features
        ],
        "logits": [
            {"at": _names(e.at), "action": e.action, "value": written(e.values[0])}
            for e in model.logits
        ],
    }  # fmt: skip
    content: dict[str, Any] = {"format": FORMAT, "name": model.name}
    content |= {"description": model.description} if model.description else {}
    content |= {"depth": model.depth} if model.depth is not None else {}
    for key, rows in lists.items():
        plain = [{k: x for k, x in row.items() if x is not None} for row in rows]
        content |= {key: plain} if plain else {}
    return content | ({"theta": [*map(written, model.theta)]} if model.theta else {})


def _component(
    name: str, weight: Fraction, low: Fraction, high: Fraction, passes: Fraction, fails: Fraction
) -> dict[str, Any]:
    entry: dict[str, Any] = {"component": name, "weight": written(weight)}
    entry |= {"units": [written(low), written(high)]} if (low, high) != (0, 1) else {}
    entry |= {"false_positive": written(passes)} if passes else {}
    return entry | ({"false_negative": written(fails)} if fails else {})


def _number(value: Fraction | None) -> int | float | str | None:
    return None if value is None else written(value)


def _names(names: list[str] | None) -> str | list[str] | None:
    """One name without brackets."""
    return names[0] if names is not None and len(names) == 1 else names


def _law(law: Mapping[str, Fraction]) -> str | dict[str, int | float | str]:
    """What is sure by its name alone."""
    if len(law) == 1 and set(law.values()) == {1}:
        return next(iter(law))
    return {name: written(chance) for name, chance in law.items()}
