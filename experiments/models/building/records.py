"""What a written model consists of, one record for each thing that was said of it."""

from fractions import Fraction
from typing import NamedTuple


class Component(NamedTuple):
    """A reward component in its own units, as its verifier tells it."""

    weight: Fraction
    """> 0, for one of its units."""
    low: Fraction
    high: Fraction
    false_positive: Fraction
    """Chance that the verifier passes what is worth 0."""
    false_negative: Fraction
    """Chance that it fails what is worth 1."""


class ToolEntry(NamedTuple):
    """What one tool responds in some states."""

    tool: str
    at: list[str]
    to: dict[str, Fraction]


class AnswerEntry(NamedTuple):
    """Where an answer may be given."""

    answer: str
    at: list[str] | None
    """None: in every state."""
    last: bool
    """Only in the last layer."""


class RewardEntry(NamedTuple):
    """What answers earn; None: at all prompts, in all states, for all answers."""

    reward: dict[str, Fraction]
    prompt: list[str] | None
    at: list[str] | None
    answer: list[str] | None


class ParameterEntry(NamedTuple):
    """Numbers of an action in some states: a logit, or features."""

    at: list[str]
    action: str
    values: list[Fraction]
