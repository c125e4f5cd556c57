"""What a check comes back with, and what it rests on."""

from typing import Literal, NamedTuple

from flint import fmpq

from theory.balls import Number

Verdict = Literal["holds", "refuted", "vacuous", "assumption unmet", "inconclusive"]
Evidence = Literal["certified", "exact", "statistical"]
"""Decided in rational or ball arithmetic; computed exactly up to float64 rounding; sampled."""


class Decision(NamedTuple):
    """One point of a claim, decided without floating point."""

    observed: Number
    bound: Number
    verdict: Verdict
    note: str = ""


def compare(observed: Number, bound: Number, note: str = "") -> Decision:
    """Of an inequality observed <= bound; overlapping balls decide nothing."""
    if observed <= bound:
        return Decision(observed, bound, "holds", note)
    return Decision(observed, bound, "refuted" if observed > bound else "inconclusive", note)


def unmet(why: str) -> Decision:
    """The point breaks an assumption of the claim."""
    return Decision(fmpq(0), fmpq(0), "assumption unmet", why)
