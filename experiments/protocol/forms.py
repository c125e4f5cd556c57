"""A claim in several forms, told apart by a name in its documents."""

from collections.abc import Sequence
from typing import Any

from grpo_checks.experiments.protocol.points import Document, Exact, Search
from grpo_checks.experiments.protocol.verdict import Decision
from grpo_checks.theory.numbers.fields import one_of

Form = tuple[Sequence[str], Exact]
"""The names that mean it."""


def by_name(field: str, *forms: Form, default: str | None = None) -> Exact:
    """Decided, searched and made smaller by the form that ``field`` of a document names."""
    usual = {} if default is None else {field: default}
    exact_of = {name: exact for names, exact in forms for name in names}

    def chosen(document: Document) -> Exact:
        return exact_of[one_of({**usual, **document}, field, tuple(exact_of))]

    def decide(document: Document, mutant: str | None) -> Decision:
        return chosen(document).decide(document, mutant)

    searches = [exact.search for _, exact in forms if exact.search is not None]
    search = joined(searches) if searches else None
    return Exact(decide, search, lambda document: chosen(document).simpler(document))


def joined(searches: Sequence[Search]) -> Search:
    """A choice is the number of a search, with a choice of it; all climb in the same way."""
    (by_gradient,) = {search.by_gradient for search in searches}

    def ratio(x: Any, at: Any) -> Any:
        return searches[at[0]].ratio(x, at[1])

    def document(x: Any, at: Any, largest: int) -> Document:
        return searches[at[0]].document(x, at[1], largest)

    return Search(
        [(i, choice) for i, search in enumerate(searches) for choice in search.choices],
        lambda at: searches[at[0]].dimension(at[1]),
        ratio,
        document,
        by_gradient,
    )
