"""Claims, rows and verdicts: what is checked, and what a check comes back with."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, get_args

from grpo_checks.experiments.models.instances import InstanceSpec
from grpo_checks.experiments.models.settings import RunResult, RunSettings
from grpo_checks.experiments.origin.sources import Origin, origin
from grpo_checks.experiments.protocol.assumptions import Assumption
from grpo_checks.experiments.protocol.error_shares import claim_error, doublings
from grpo_checks.experiments.protocol.points import Case, Exact
from grpo_checks.experiments.protocol.soundness import ROW, check
from grpo_checks.experiments.protocol.verdict import Evidence, Verdict

Provenance = Literal["abstract", "reported", "derived", "literature"]


@dataclass(frozen=True)
class Scope:
    """What a command asks to be checked."""

    profile: str
    """"quick" or "paper"."""
    instance: InstanceSpec | None = None
    """Only on this instance."""
    mutant: str | None = None
    """Check this false version of the claim instead."""
    seeds: int = 1
    """At least this many seeds per run: a power of two, rounded up, since every number that is
    tried after seeing verdicts has its share of the error (``error_shares``)."""

    def __post_init__(self) -> None:
        """Rounds ``seeds`` up."""
        object.__setattr__(self, "seeds", 2 ** doublings(self.seeds))

    @property
    def error(self) -> float:
        """The chance of a false verdict that one claim may have."""
        return claim_error(self.seeds)

    def settings(self) -> dict[str, Any]:
        """What defines it, as JSON."""
        return {**vars(self), "instance": self.instance and self.instance.settings()}


class Levels(NamedTuple):
    """Of a sampled cell: the smallest error levels at which its confidence limits decide it.

    One level for each direction, 1 where no limit would do: p-values, by inverting limits that are
    valid at that level. ``weak``: holding is no better than a named trivial bound, *vacuous*.
    """

    holds: float
    refuted: float
    weak: bool = False


@dataclass(frozen=True)
class Row:
    """One checked cell, as it is stored."""

    claim: str
    instance: str
    parameters: Mapping[str, Any]
    observed: float | None
    lower: float | None
    """Confidence limits of ``observed``; equal to it where the cell is exact."""
    upper: float | None
    bound: float | None
    verdict: Verdict
    note: str = ""
    """Why, where the verdict alone does not say."""
    extra: Mapping[str, Any] = field(default_factory=dict)
    evidence: Evidence = "exact"
    levels: Levels | None = None
    rounding: float | None = None
    """Of an *exact* cell: what float64 may have done to observed - bound, >= 0; derived from what
    was computed (``theory.updates.rounding``), never a constant."""
    identity: bool = False
    """Whether both sides are equal whatever the policy, 0 = 0 included: no evidence."""

    def __post_init__(self) -> None:
        """An identity cannot hold, it is *vacuous*: whoever counts verdicts need not know.

        Raises ValueError, naming the field, for what is no row.
        """
        check("Row", self, ROW)
        if self.identity and self.verdict == "holds":
            object.__setattr__(self, "verdict", "vacuous")

    def flat(self) -> dict[str, Any]:
        """The row as columns; slack = bound - observed, ratio = bound / observed."""
        numbers = self.observed is not None and self.bound is not None
        slack = self.bound - self.observed if numbers else None  # type: ignore[operator]
        positive = numbers and self.observed > 0 and self.bound != 0  # type: ignore[operator]
        ratio = self.bound / self.observed if positive else None  # type: ignore[operator]
        sides = {k: getattr(self, k) for k in ("observed", "lower", "upper", "bound")}
        labels = {"claim": self.claim, "instance": self.instance, **self.parameters, **sides}
        known = ("verdict", "evidence", "rounding", "identity", "note")
        tail = {"slack": slack, "ratio": ratio, **{k: getattr(self, k) for k in known}}
        if self.levels is not None:
            tail |= {"p_holds": self.levels.holds, "p_refuted": self.levels.refuted}
        return {**labels, **tail, **self.extra}


def no_runs(scope: Scope) -> list[RunSettings]:
    """Of a claim that asks for no training."""
    return []


Facts = dict[str, object]
"""What a part of the ledger's template says, by the name of its place there."""


FactsFunction = Callable[..., Facts | None]
"""None where there is nothing to say."""


class Part(NamedTuple):
    """Of that template: what it says, and of what."""

    facts: FactsFunction
    inputs: tuple[str, ...]
    """Its arguments: claims, whose rows, and tables (``ledger.stored_inputs``)."""


@dataclass(frozen=True)
class Claim:
    """A statement that can come out false.

    ``runs(scope)`` lists the training runs it needs, none unless it says so; ``rows(scope,
    results)`` judges them.
    """

    name: str
    statement: str
    provenance: Provenance
    expected: Verdict
    assumptions: Sequence[Assumption]
    rows: Callable[[Scope, Mapping[RunSettings, RunResult]], list[Row]]
    runs: Callable[[Scope], list[RunSettings]] = no_runs
    exact: Exact | None = None
    """How it is decided at rational points, certified, and where a falsifier looks for them."""
    mutants: Mapping[str, str] = field(default_factory=dict)
    """False versions, by name, with what is changed, each of which must come out refuted: those of
    ``exact`` where none are given."""
    cases: Sequence[Case] = ()
    """Points of its own, decided at every verification beside those of its stored file."""
    proof: Sequence[str] = ()
    """Modules of ``theory`` whose docstrings prove it, or say where a proof is."""
    figures: Sequence[str] = ()
    """Names of the figures that show its rows."""
    facts: Mapping[str, FactsFunction | Part] = field(default_factory=dict)
    """What the ledger says of it, by the names of its parts: of its own rows, or as a ``Part``."""
    origin: Origin = field(default_factory=origin, compare=False, repr=False)
    """Its file, and what all others said when it was imported."""

    def __post_init__(self) -> None:
        """Of a statement the false versions are known."""
        if not self.mutants and isinstance(self.exact, Exact):
            object.__setattr__(self, "mutants", self.exact.changes)


def judge(upper: float, lower: float, bound: float) -> Verdict:
    """Of an inequality observed <= bound, from the confidence limits of observed.

    Limits that contradict each other are a fault of the computation, and decide nothing.
    """
    if lower > upper:
        return "inconclusive"
    if upper <= bound:
        return "holds"
    return "refuted" if lower > bound else "inconclusive"


STATISTICAL = "statistically, at the family-wise level; not certified"


def settled_by(seeds: float) -> str:
    """What to tell a user whose cell is inconclusive."""
    if seeds > 10**9:
        return "no practical number of seeds would settle it"
    return f"about {seeds:.0f} seeds would settle it"


def overall(verdicts: Sequence[Verdict]) -> Verdict:
    """Of a claim, from those of its cells: one refuted cell refutes it, silence proves nothing.

    Cells that are identities are among the *vacuous*: a claim with no other cell is vacuous.
    Raises ValueError where there are no cells: that is no verdict.
    """
    if not verdicts:
        raise ValueError("verdicts = (): expected at least one")
    for decisive in ("refuted", "inconclusive", "holds", "vacuous"):
        if decisive in verdicts:
            return decisive
    assert set(verdicts) <= set(get_args(Verdict))
    return "assumption unmet"
