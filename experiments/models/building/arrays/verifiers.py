"""Noisy verifiers: what each will say is drawn when the episode starts, hidden from the policy.

A verifier with false positives a and false negatives b passes an answer worth 1 with chance 1 - b
and one worth 0 with chance a. With a + b <= 1 that is the law of three verifiers: one that tells
the truth (chance 1 - a - b), one that always passes (a), one that always fails (b). Which of them
an episode meets is part of its first state, which looks alike, so that numbers of decisions, scores
and policies are those of the model without noise.
"""

from collections.abc import Sequence
from fractions import Fraction
from itertools import product
from math import prod
from typing import Literal, NamedTuple

from grpo_checks.experiments.models.building.records import Component

Says = Literal["the truth", "pass", "fail"]


class Verdicts(NamedTuple):
    """What the verifiers of all components say in one episode."""

    says: tuple[Says, ...]
    chance: Fraction

    def label(self, components: Sequence[str]) -> str:
        """Nothing where all tell the truth."""
        pairs = zip(components, self.says, strict=True)
        words = [f"{name}: always {says}" for name, says in pairs if says != "the truth"]
        return f" ({', '.join(words)})" if words else ""


def _one(component: Component) -> list[tuple[Says, Fraction]]:
    passes, fails = component.false_positive, component.false_negative
    law: list[tuple[Says, Fraction]] = [
        ("the truth", 1 - passes - fails), ("pass", passes), ("fail", fails)
    ]  # fmt: skip
    return [(says, chance) for says, chance in law if chance]


def is_noisy(component: Component) -> bool:
    """Whether its verifier errs."""
    return bool(component.false_positive or component.false_negative)


def verdicts(components: Sequence[Component]) -> list[Verdicts]:
    """The law of what independent verifiers say; one sure outcome where none errs."""
    return [
        Verdicts(tuple(says for says, _ in joint), prod((p for _, p in joint), start=Fraction(1)))
        for joint in product(*map(_one, components))
    ]
