"""What points of several claims have in common: their fields, and what is left out to shrink them.

A document is a model (``theory.choice``, or with ``odds`` and slopes ``theory.line``) and, beside
its fields, what the claim speaks of: ``group_size``, ``estimator``, ...
"""

import copy
from collections.abc import Iterator
from fractions import Fraction
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from experiments.exact import Document
from theory.advantages import Estimator, EstimatorName
from theory.choice import Choice, parse_choice
from theory.line import at, parse_line, parse_odds

LARGEST_GROUP = 64


def whole(document: Document, field: str, least: int, most: int) -> int:
    """A whole number of the document. Raises ValueError outside ``least``..``most``."""
    value = document.get(field)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise ValueError(f"{field} = {value!r}: expected a whole number in {least}..{most}")
    return value


def group_size_of(document: Document) -> int:
    """The field ``group_size``."""
    return whole(document, "group_size", 2, LARGEST_GROUP)


def estimator_of(document: Document) -> Estimator:
    """The field ``estimator``: one of those within groups, eps = 0, ddof = 0."""
    name: Any = document.get("estimator")
    if name not in get_args(EstimatorName):
        raise ValueError(f"estimator = {name!r}: expected one of {get_args(EstimatorName)}")
    return Estimator(name)


def choice_of(document: Document) -> Choice:
    """The model and policy of a document, of either kind."""
    if "odds" in document:
        return at(parse_line(document), parse_odds(document))
    return parse_choice(document)


def smaller(document: Document) -> Iterator[Document]:
    """With a prompt, an outcome, an action, a component or a member less; not all are points."""
    prompts = document.get("prompts", [])
    for q in range(len(prompts)):
        yield _without(document, ("prompts",), q)
        for a in range(len(prompts[q]["actions"])):
            yield _without(document, ("prompts", q, "actions"), a)
            for o in range(len(prompts[q]["actions"][a]["outcomes"])):
                yield _without(document, ("prompts", q, "actions", a, "outcomes"), o)
    for k in range(len(document.get("weights", []))):
        yield _without_component(document, k)
    for field in ("group_size", "steps"):
        if isinstance(document.get(field), int):
            yield {**document, field: document[field] - 1}


def _without(document: Document, path: tuple[Any, ...], index: int) -> Document:
    changed: Any = copy.deepcopy(dict(document))
    at_path = changed
    for key in path:
        at_path = at_path[key]
    del at_path[index]
    return changed


def _without_component(document: Document, k: int) -> Document:
    changed: Any = copy.deepcopy(dict(document))
    del changed["weights"][k]
    for prompt in changed["prompts"]:
        for action in prompt["actions"]:
            for outcome in action["outcomes"]:
                del outcome["rewards"][k]
    return changed


def near(x: float, denominator: int) -> str:
    """The nearest fraction with a denominator up to a number, as text."""
    return str(Fraction(float(x)).limit_denominator(denominator))


def near_positive(x: float, denominator: int) -> str:
    """Likewise, not below 1/denominator."""
    return near(max(float(x), 1 / denominator), denominator)


def proportions(shares: NDArray[np.float64], most: int) -> list[int]:
    """Whole numbers from 1 to ``most`` in about these proportions."""
    relative = np.asarray(shares, float) / np.max(shares)
    return [int(x) for x in np.maximum(np.rint(relative * most), 1)]


def sure(reward: int | str, *others: int | str) -> dict[str, Any]:
    """An action with one outcome."""
    return {"outcomes": [{"share": 1, "rewards": [reward, *others]}]}


def conflict(odds: int | str) -> dict[str, Any]:
    """The instance `conflict` at x = ln ``odds``, as fields of a document."""
    prompts = [{"share": 1, "slope": f, "actions": [sure(1), sure(0)]} for f in (1, -2)]
    return {"odds": odds, "weights": [1], "prompts": prompts}
