"""What a person says of a model: states, tools and answers by name, transitions sparse."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Self

from grpo_checks.experiments.models.building import entries
from grpo_checks.experiments.models.building.entries import Law, Number
from grpo_checks.experiments.models.building.records import (
    AnswerEntry,
    Component,
    ParameterEntry,
    RewardEntry,
    ToolEntry,
)
from grpo_checks.theory.numbers.rationals import abridged

MAX_DEPTH = 10**4
Names = str | Sequence[str]
DEFAULT = "reward"
"""The component of a model that names none."""
ZERO, ONE = Fraction(0), Fraction(1)


@dataclass
class Description:
    """A TA-MDP under construction; each method adds to it, returns it, and raises ValueError.

    ``depth``: at most so many tool calls; each state then has a copy for every number of calls
    after which it is reached, and tools end there. Without it every state must be reached after
    one number of calls.
    """

    name: str
    description: str = ""
    depth: int | None = None
    components: dict[str, Component] = field(default_factory=dict)
    prompts: dict[str, tuple[dict[str, Fraction], Fraction | None]] = field(default_factory=dict)
    """Law of the first state, and the chance of the prompt; None: equal ones."""
    tools: list[ToolEntry] = field(default_factory=list)
    answers: list[AnswerEntry] = field(default_factory=list)
    rewards: list[RewardEntry] = field(default_factory=list)
    observations: dict[str, list[str]] = field(default_factory=dict)
    features: list[ParameterEntry] = field(default_factory=list)
    logits: list[ParameterEntry] = field(default_factory=list)
    theta: list[Fraction] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Raises ValueError for a name or a depth that is none."""
        if not (isinstance(self.name, str) and self.name.isidentifier() and len(self.name) <= 64):
            expected = "up to 64 letters, digits and underscores"
            raise ValueError(f"name = {abridged(self.name)}: expected {expected}")
        if not isinstance(self.description, str):
            raise ValueError(f"description = {abridged(self.description)}: expected a text")
        is_integer = isinstance(self.depth, int) and not isinstance(self.depth, bool)
        if self.depth is not None and not (is_integer and 0 <= self.depth <= MAX_DEPTH):
            raise ValueError(f"depth = {abridged(self.depth)}: expected 0..{MAX_DEPTH} tool calls")

    def component(
        self,
        component: str,
        weight: Number = 1,
        units: Sequence[Number] = (0, 1),
        false_positive: Number = 0,
        false_negative: Number = 0,
    ) -> Self:
        """A reward component. ``units``: the lowest and highest reward, as they are written.

        Rewards are shifted and scaled from ``units`` into [0, 1] and the weight by their width, so
        that differences of composites are those that were written. A noisy verifier passes what is
        worth 0 with chance ``false_positive`` and fails what is worth 1 with ``false_negative``.
        """
        entries.name("component", component)
        _once("component", component, self.components)
        where = f"component {component!r}"
        if isinstance(units, str) or not isinstance(units, Sequence) or len(units) != 2:
            raise ValueError(f"{where}: units = {abridged(units)}: expected [low, high]")
        low, high = (entries.exact(f"{where}: units", x) for x in units)
        if not low < high:
            raise ValueError(f"{where}: units = {abridged(units)}: expected low < high")
        share = entries.exact(f"{where}: weight", weight)
        if share <= 0:
            raise ValueError(f"{where}: weight = {abridged(weight)}: expected a weight > 0")
        errors = [
            entries.between(f"{where}: {key}", chance, ZERO, ONE)
            for key, chance in (
                ("false_positive", false_positive),
                ("false_negative", false_negative),
            )
        ]
        if sum(errors) > 1:
            sums = f"false_positive + false_negative = {sum(errors)}"
            raise ValueError(f"{where}: {sums}: expected at most 1, else failing means passing")
        self.components[component] = Component(share, low, high, *errors)
        return self

    def prompt(self, prompt: str, start: Law, chance: Number | None = None) -> Self:
        """A prompt, the first state or its law, and its chance (by default all are equal)."""
        entries.name("prompt", prompt)
        _once("prompt", prompt, self.prompts)
        first = entries.law(f"prompt {prompt!r}: start", start)
        share = chance
        if share is not None:
            share = entries.between(f"prompt {prompt!r}: chance", share, ZERO, ONE)
        self.prompts[prompt] = (first, share)
        return self

    def tool(self, tool: str, at: Names, to: Law) -> Self:
        """A tool call that may be made in the state, or states, ``at``, and where it leads."""
        entries.name("tool", tool)
        states = entries.names(f"tool {tool!r}: at", at)
        self.tools.append(ToolEntry(tool, states, entries.law(f"tool {tool!r}: to", to)))
        return self

    def answer(
        self,
        answer: str,
        at: Names | None = None,
        reward: Number | Mapping[str, Number] | None = None,
        prompt: Names | None = None,
        last: bool = False,
    ) -> Self:
        """An answer that may be given, by default in every state; with ``last`` in the last layer.

        ``reward`` is what it earns there, at ``prompt`` or at all of them; see ``reward``.
        """
        where = f"answer {entries.name('answer', answer)!r}"
        states = None if at is None else entries.names(f"{where}: at", at)
        if not isinstance(last, bool):
            raise ValueError(f"{where}: last = {abridged(last)}: expected true or false")
        self.answers.append(AnswerEntry(answer, states, last))
        if reward is None and prompt is not None:
            raise ValueError(f"{where}: prompt = {abridged(prompt)}: expected a reward with it")
        return self if reward is None else self.reward(reward, prompt, at, answer)

    def reward(
        self,
        reward: Number | Mapping[str, Number],
        prompt: Names | None = None,
        at: Names | None = None,
        answer: Names | None = None,
    ) -> Self:
        """What ``answer`` earns in the state ``at``, by component; what is not said is for all.

        A later entry replaces an earlier one. A number alone is the reward of the only component.
        What no entry tells of earns 0, or the lowest reward where 0 is none.
        """
        if not isinstance(reward, Mapping):
            if len(self.components) > 1:
                expected = f"one for each of {', '.join(self.components)}"
                raise ValueError(f"reward = {abridged(reward)}: expected {expected}")
            reward = {next(iter(self.components), DEFAULT): reward}
        values = {
            entries.name("reward", key): entries.exact(f"reward[{key!r}]", value)
            for key, value in reward.items()
        }
        where = (("prompt", prompt), ("at", at), ("answer", answer))
        chosen = [None if x is None else entries.names(f"reward: {k}", x) for k, x in where]
        self.rewards.append(RewardEntry(values, *chosen))
        return self

    def alike(self, observation: str, states: Names) -> Self:
        """States that the policy cannot tell from one another: they share their logits."""
        entries.name("observation", observation)
        _once("observation", observation, self.observations)
        self.observations[observation] = entries.names(f"observation {observation!r}", states)
        return self

    def feature(self, at: Names, action: str, values: Sequence[Number]) -> Self:
        """phi(s, a) of a log-linear policy; zeros where no entry tells of it."""
        return self._parameters(self.features, "feature", at, action, values)

    def logit(self, at: Names, action: str, value: Number) -> Self:
        """Where training starts: a logit of a tabular policy, at a state or an observation."""
        return self._parameters(self.logits, "logit", at, action, [value])

    def start_at(self, theta: Sequence[Number]) -> Self:
        """Where training of a log-linear policy starts: a parameter for each feature."""
        self.theta = [entries.exact(f"theta[{i}]", x) for i, x in enumerate(theta)]
        return self

    def _parameters(
        self, kept: list[ParameterEntry], kind: str, at: Names, action: str, values: Any
    ) -> Self:
        entries.name(f"{kind}: action", action)
        states = entries.names(f"{kind}: at", at)
        if isinstance(values, str) or not isinstance(values, Sequence) or not values:
            raise ValueError(f"{kind}: values = {abridged(values)}: expected a list of numbers")
        numbers = [entries.exact(f"{kind} of {action!r}", x) for x in values]
        kept.append(ParameterEntry(states, action, numbers))
        return self


def _once(kind: str, value: str, before: Mapping[str, Any]) -> None:
    if value in before:
        raise ValueError(f"{kind} = {value!r}: occurs twice: expected once")
