"""How a claim is decided at a rational point, and how such points are searched for."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grpo_checks.experiments.protocol.soundness import one
from grpo_checks.experiments.protocol.verdict import Decision

Document = Mapping[str, Any]
"""A point of a claim as JSON: model, policy, group size, whatever it speaks of; integers and
fractions such as "7/20" only."""


@dataclass(frozen=True)
class Case:
    """One point that is kept: which claim or mutant, where, and what was found there."""

    name: str
    document: Document
    mutant: str | None = None
    found: Document | None = None
    """Verdict and enclosures, see ``certificates.summary``."""

    def as_json(self) -> dict[str, Any]:
        """As stored."""
        return {
            "name": self.name,
            "mutant": self.mutant,
            "document": self.document,
            "found": self.found,
        }


@dataclass(frozen=True)
class Search:
    """Where a falsifier looks. Discrete structure is a choice, all else real numbers.

    With ``by_gradient`` ``ratio`` is differentiable JAX code for one point, compiled once per
    choice; otherwise any function of a NumPy array, climbed without derivatives.
    """

    choices: Sequence[Any]
    """Hashable: group sizes, numbers of prompts, actions and components, ..."""
    dimension: Callable[[Any], int]
    """How many real parameters go with a choice; all of R is allowed for each."""
    ratio: Callable[[Any, Any], Any]
    """observed/bound at (parameters, choice): above 1 where the claim is violated. Any number that
    grows with the violation will do where the bound is 0."""
    document: Callable[[NDArray[np.float64], Any, int], Document]
    """The nearest rational point with denominators (or odds) up to a number."""
    by_gradient: bool = True


@dataclass(frozen=True)
class Exact:
    """A claim at rational points."""

    decide: Callable[[Document, str | None], Decision]
    """In rational or ball arithmetic, for the claim or for the mutant named. Raises ValueError for
    a document that is no point of the claim."""
    search: Search | None = None
    simpler: Callable[[Document], Iterable[Document]] = lambda document: ()
    """Documents with a prompt, action, component, ... less. Numbers are rounded elsewhere."""
    mutants: Mapping[str, Search] = field(default_factory=dict)
    """Of false versions whose own ratio is climbed; the others are met on the way of the claim."""
    deep: "Exact | None" = None
    """The claim on models with prompts, layers of states and tools, where it can be asked there."""
    changes: Mapping[str, str] = field(default_factory=dict)
    """What false versions change, in words, by name."""

    def decided(self, document: Document, mutant: str | None) -> Decision:
        """``decide``, which may be somebody's own. Raises ValueError, also for no Decision."""
        return one(self.decide, self.decide(document, mutant), Decision)

    def with_deep(self, deep: "Exact") -> "Exact":
        """The same, that decides points of deep models too: those with ``tool_transition``."""

        def kind(document: Document) -> "Exact":
            return deep if of_deep_model(document) else self

        return replace(
            self,
            decide=lambda document, mutant: kind(document).decide(document, mutant),
            simpler=lambda document: kind(document).simpler(document),
            deep=deep,
        )


def of_deep_model(document: Document) -> bool:
    """Whether a point is a model with prompts, layers of states and tools."""
    return "tool_transition" in document


def searched(
    name: str, exact: Exact | None, mutant: str | None, deep: bool
) -> tuple[Exact, Search]:
    """Where a claim of this name is decided, and what is climbed there, for it or a false version;
    ``deep``: among deep models. Raises ValueError where nothing is."""
    chosen = exact.deep if exact is not None and deep else exact
    if chosen is None or chosen.search is None:
        kind = " of deep models beside its own, which is searched without --deep" if deep else ""
        raise ValueError(f"claim = {name!r}: expected one with a search space{kind}")
    if deep and mutant is not None and mutant not in chosen.mutants:
        known = tuple(chosen.mutants)
        raise ValueError(f"mutant = {mutant!r}: expected one of deep models, {known}")
    return chosen, chosen.mutants.get(mutant or "", chosen.search)
