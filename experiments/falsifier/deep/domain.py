"""Deep models as the points of a statement: prompts, states in layers, tools that answer at random.

A point has the arrays of ``model.deep_model``, whatever else a claim speaks of, and one of two
kinds of policies: a table of odds, with or without a row for every state of a layer, or odds that
are log-linear in integer features. All of it is rational where a document is: with e^theta for
theta, pi is a product of integer powers.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from grpo_checks.experiments.falsifier.constraints import (
    Constraint,
    above_zero,
    integers,
    interval,
    simplex,
)
from grpo_checks.experiments.falsifier.domain import Domain, Place, Point
from grpo_checks.experiments.falsifier.rounding import Floats
from grpo_checks.experiments.protocol.points import Document

MODEL = {
    "prompt_distribution": simplex("prompts"),
    "initial_distribution": simplex("prompts", "states", support=False),
    "tool_transition": simplex("depth", "states", "tools", "states", support=False),
    "reward": interval("prompts", "layers", "states", "answers", "components"),
    "weights": above_zero("components"),
}
TABLE = {
    "tool_odds": above_zero("depth", "observations", "tools"),
    "answer_odds": above_zero("layers", "observations", "answers"),
}
LOG_LINEAR = {
    "tool_features": integers("depth", "states", "tools", "parameters"),
    "answer_features": integers("layers", "states", "answers", "parameters"),
    "parameters": above_zero("parameters"),
}


def size(
    depth: int, states: int, prompts: int = 1, components: int = 2, parameters: int = 0,
    tools: int = 1, answers: int = 2, shared: bool = False,
) -> dict[str, int]:  # fmt: skip
    """Lengths of all axes; log-linear where there are ``parameters``, else a table."""
    lengths = {"prompts": prompts, "depth": depth, "layers": depth + 1, "states": states}
    lengths |= {"tools": tools, "answers": answers, "components": components}
    kind = {"parameters": parameters} if parameters else {"observations": 1 if shared else states}
    return lengths | kind


SIZES = (
    size(1, 2),
    size(1, 2, prompts=2, components=3, shared=True),
    size(2, 2),
    size(1, 3, tools=2),
    size(1, 2, prompts=2, parameters=3),
)
"""Two or three layers of two or three states; what a claim may search."""


def placed(*choices: Mapping[str, Any], sizes: Sequence[Mapping[str, int]] = SIZES) -> Any:
    """Every size with every choice of options, and of axes that are no part of the model."""
    return [{**lengths, **choice} for lengths in sizes for choice in choices]


@dataclass(frozen=True)
class DeepDomain(Domain):
    """Deep models, with arrays and options beside."""

    arrays: Mapping[str, Constraint] = field(default_factory=dict)
    replaced: Sequence[str] = ()
    """Arrays of the model that a claim derives from its own."""

    @cached_property
    def kinds(self) -> Mapping[bool, Domain]:
        """Whether a policy is log-linear, and the domain of such points."""
        model = {name: c for name, c in MODEL.items() if name not in self.replaced}
        parts = {False: TABLE, True: LOG_LINEAR}
        return {
            kind: Domain({**model, **part, **self.arrays}, self.options, least=self.least)
            for kind, part in parts.items()
        }

    def check_place(self, place: Mapping[str, Any]) -> None:
        """Likewise."""
        self.kinds["parameters" in place].check_place(place)

    def _at(self, place: Place) -> Domain:
        return self.kinds["parameters" in dict(place)]

    def _of(self, document: Document) -> Domain:
        return self.kinds["parameters" in document]

    def dimension(self, place: Place) -> int:
        """Likewise."""
        return self._at(place).dimension(place)

    def point(self, x: Any, place: Place) -> Point:
        """Likewise."""
        return self._at(place).point(x, place)

    def document(self, x: Floats, place: Place, largest: int) -> Document:
        """Likewise."""
        return self._at(place).document(x, place, largest)

    def read(self, document: Document) -> Point:
        """Likewise. Raises ValueError also where layers, or rows of a table, do not fit."""
        point = self._of(document).read(document)
        depth, states = point["tool_transition"].shape[:2]
        name = "answer_features" if "parameters" in document else "answer_odds"
        layers, rows = point[name].shape[:2]
        if layers != depth + 1:
            raise ValueError(f"{name}: {layers} of layers, expected {depth + 1}")
        if rows not in (1, states):
            raise ValueError(f"{name}: {rows} of observations, expected 1 or {states}")
        return point

    def simpler(self, document: Document) -> Iterator[Document]:
        """Likewise; and with a layer less, or a state with its row of the table."""
        domain = self._of(document)
        lengths = domain.lengths(document)
        for i in range(lengths["layers"] if lengths["depth"] > 1 else 0):
            call = min(i, lengths["depth"] - 1)
            yield domain.without(domain.without(document, "layers", i), "depth", call)
        for i in range(lengths["states"] if lengths.get("observations", 1) > 1 else 0):
            yield domain.without(domain.without(document, "states", i), "observations", i)
        yield from domain.simpler(document)
