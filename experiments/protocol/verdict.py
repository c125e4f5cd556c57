"""What a check comes back with, and what it rests on."""

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from flint import fmpq

from grpo_checks.theory.numbers.balls import Number, ends, magnitude

Verdict = Literal["holds", "refuted", "vacuous", "assumption unmet", "inconclusive"]
Evidence = Literal["certified", "exact", "statistical"]
"""Decided in rational or ball arithmetic; computed exactly up to float64 rounding; sampled."""
AGREEMENT = fmpq(1, 10**50)
"""Balls cannot show that two irrational numbers are equal: they are to be this close, certainly."""


class Decision(NamedTuple):
    """One point of a claim, decided without floating point."""

    observed: Number
    bound: Number
    verdict: Verdict
    note: str = ""

    @property
    def numbers(self) -> tuple[float, float, float, float]:
        """As a row has them: observed, its lower and upper end, and the bound's lower end."""
        low, high = ends(self.observed)
        return float((low + high) / 2), float(low), float(high), float(ends(self.bound)[0])


def compare(observed: Number, bound: Number, note: str = "") -> Decision:
    """Of an inequality observed <= bound; overlapping balls decide nothing."""
    if observed <= bound:
        return Decision(observed, bound, "holds", note)
    return Decision(observed, bound, "refuted" if observed > bound else "inconclusive", note)


def below(observed: Number, bound: Number, note: str = "") -> Decision:
    """Of an inequality observed < bound; likewise."""
    if observed < bound:
        return Decision(observed, bound, "holds", note)
    return Decision(observed, bound, "refuted" if observed >= bound else "inconclusive", note)


def agree(observed: Number, expected: Number, note: str = "") -> Decision:
    """Of an equation; exactly where both sides are rational, else to 50 digits."""
    difference = observed - expected
    tolerance = fmpq(0) if isinstance(difference, fmpq) else AGREEMENT
    verdict = compare(magnitude(difference), tolerance).verdict
    return Decision(observed, expected, verdict, note)


def worst(decisions: Iterable[Decision]) -> Decision:
    """Of a statement about several numbers: the first that is violated, or undecided, or any."""
    listed = list(decisions)
    for verdict in ("refuted", "inconclusive"):
        for decision in listed:
            if decision.verdict == verdict:
                return decision
    return listed[0]


def tightest(decisions: Sequence[Decision]) -> Decision:
    """Of several entries: the first that is violated, or undecided, or the one with least slack."""
    decision = worst(decisions)
    if decision.verdict in ("refuted", "inconclusive"):
        return decision
    telling = [d for d in decisions if d.verdict != "vacuous"] or decisions
    # Balls of equal numbers overlap: their slack is 0, and a fraction comes first.
    return min(telling, key=lambda d: max(0.0, float(ends(d.bound - d.observed)[0])))


def unmet(why: str) -> Decision:
    """The point breaks an assumption of the claim."""
    return Decision(fmpq(0), fmpq(0), "assumption unmet", why)
