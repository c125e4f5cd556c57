"""What points of several claims have in common: their fields.

A document is a model (``theory.rational.choices.choice``, or with ``odds`` and slopes
``theory.rational.lines.line``) and, beside its fields, what the claim speaks of: ``group_size``,
``estimator``, ...
"""

from typing import Any

from flint import fmpq

from grpo_checks.experiments.protocol.points import Document
from grpo_checks.theory.estimators.advantages import WITHIN_GROUP, Estimator
from grpo_checks.theory.numbers.fields import (
    NOT_NEGATIVE,
    POSITIVE,
    entry,
    integer,
    number,
    numbers,
    one_of,
)
from grpo_checks.theory.rational.choices.choice import Choice, parse_choice
from grpo_checks.theory.rational.lines.line import at, parse_line, parse_odds

LARGEST_GROUP = 64


def group_size_of(document: Document, most: int = LARGEST_GROUP) -> int:
    """The field ``group_size``."""
    return integer(document, "group_size", 2, most)


def estimator_of(document: Document) -> Estimator:
    """The field ``estimator``: one of those within groups, eps = 0, ddof = 0."""
    name: Any = one_of(document, "estimator", WITHIN_GROUP)
    return Estimator(name)


def between(document: Document) -> tuple[fmpq, fmpq]:
    """The field ``between``: two odds, in order."""
    low, high = numbers("between", entry(document, "between"), POSITIVE, 2)
    if not low < high:
        raise ValueError(f"between = {document['between']}: expected two odds, in order")
    return low, high


def normalized(document: Document) -> Estimator:
    """`group_normalized` with the fields ``ddof`` and ``eps``, both 0 by default."""
    ddof = integer({"ddof": 0, **document}, "ddof", 0, 1)
    eps = number("eps", document.get("eps", 0), NOT_NEGATIVE)
    return Estimator("group_normalized", ddof, float(eps))


def choice_of(document: Document) -> Choice:
    """The model and policy of a document, of either kind."""
    if "odds" in document:
        return at(parse_line(document), parse_odds(document))
    return parse_choice(document)
