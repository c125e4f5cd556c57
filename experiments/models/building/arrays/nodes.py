"""States of a written model as the rows of its arrays, and names as indices of its axes."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from grpo_checks.experiments.models.building.arrays.layers import layers, responses, unreachable
from grpo_checks.experiments.models.building.description import DEFAULT, ONE, ZERO, Description
from grpo_checks.experiments.models.building.entries import known
from grpo_checks.experiments.models.building.records import Component


class Axes(NamedTuple):
    """What the rows of all arrays are; N nodes, a state at one depth each."""

    prompts: list[str]
    states: list[str]
    """Of each node; a state occurs once for every depth."""
    depth: list[int]
    tools: list[str]
    answers: list[str]
    components: Mapping[str, Component]
    unreachable: list[str]

    def nodes(self, field: str, at: Sequence[str] | None) -> list[int]:
        """Those of some states; all of them for None. Raises ValueError for an unknown name."""
        if at is None:
            return list(range(len(self.states)))
        spoken = {*self.states, *self.unreachable}
        wanted = {known(f"{field}: at", state, spoken) for state in at}
        return [i for i, state in enumerate(self.states) if state in wanted]

    def positions(
        self, field: str, chosen: Sequence[str] | None, among: Sequence[str]
    ) -> list[int]:
        """Positions of some names; all of them for None. Raises ValueError for an unknown one."""
        if chosen is None:
            return list(range(len(among)))
        return [among.index(known(field, x, among)) for x in chosen]


def components_of(model: Description) -> dict[str, Component]:
    """Those that are described; else the one that rewards without a name are of."""
    plain = Component(ONE, ZERO, ONE, ZERO, ZERO)
    return dict(model.components) or {DEFAULT: plain}


def axes(model: Description, copies: int) -> Axes:
    """Of a model that has a prompt and an answer. Raises ValueError for one that has none."""
    for field, entries in (("prompt", model.prompts), ("answer", model.answers)):
        if not entries:
            raise ValueError(f"{field}: none: expected at least one")
    reached = layers(model, responses(model), copies)
    return Axes(
        prompts=list(model.prompts),
        states=[state for layer in reached for state in layer],
        depth=[depth for depth, layer in enumerate(reached) for _ in layer],
        tools=list(dict.fromkeys(tool for tool, _, _ in model.tools)),
        answers=list(dict.fromkeys(answer for answer, _, _ in model.answers)),
        components=components_of(model),
        unreachable=unreachable(model, reached),
    )
