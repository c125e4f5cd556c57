"""A statement about points: two sides, written once, and all that is derived from them.

``sides(**point)`` is a JAX function of the fields of a point. In floating point a falsifier climbs
it and cells are computed by it; enclosed (``theory.arithmetic``) it decides rational points.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
from flint import arb, fmpq

from grpo_checks.experiments.falsifier.domain import Domain, Place, Point
from grpo_checks.experiments.protocol.points import Document, Exact, Search
from grpo_checks.experiments.protocol.verdict import Decision, agree, below, compare, worst
from grpo_checks.theory.arithmetic.enclose import Enclosed, enclose, sharpened
from grpo_checks.theory.arithmetic.interpreter import Constants
from grpo_checks.theory.numbers.balls import PRECISION, Number, ends

Sides = Callable[..., tuple[Any, Any]]
"""Of the fields of a point: observed and bound, scalars or arrays, compared entry by entry."""
Entry = tuple[Number, Number, Number]
"""Observed, bound, and the trivial bound."""
TINY = 1e-9
"""Keeps ratios finite where a bound is 0; far above rounding."""
INFINITY = arb.pos_inf()
FINEST = 2048
"""Bits of the balls, at most."""


def _nothing(*entry: int, **point: Any) -> None:
    """No exception, no note, no proof of equality."""


def _infinity(**point: Any) -> Any:
    return jnp.inf


@dataclass(frozen=True)
class Statement:
    """observed <= bound, observed < bound, or observed = bound, at every point of a domain."""

    sides: Sides
    domain: Domain
    relation: Literal["at most", "below", "equal"] = "at most"
    mutants: Mapping[str, "Sides | Statement | Mapping[str, Any]"] = field(default_factory=dict)
    """False versions, by name: other sides, arguments of the sides that are changed or added, or
    all of a statement where more than its sides is false."""
    trivial: Callable[..., Any] = _infinity
    """What observed never exceeds, in JAX: a bound that is not below it says nothing, and is
    *vacuous*."""
    exception: Callable[..., Decision | None] = _nothing
    """Where the statement does not speak, *assumption unmet* or *vacuous*, or what decides before
    its sides do; of exact numbers."""
    equal: Callable[..., bool | str | None] = _nothing
    """Whether, or why, an undecided entry, its number first, has certainly equal sides, which balls
    never show; of exact numbers."""
    note: Callable[..., str | None] = _nothing
    """What is told beside the verdict; of exact numbers."""
    label: Callable[..., str | None] = _nothing
    """What an entry, its number first, is called: told where it is the one that decides."""
    constants: Constants = field(default_factory=dict)
    """What rounded floats in its programs stand for."""
    smooth: bool = True
    """Whether derivatives of ``sides`` lead a climb; jumps are climbed without them."""

    @cached_property
    def _enclosed(self) -> Mapping[str | None, Enclosed]:
        versions: list[tuple[Any, Any]] = [(None, self.sides), *self.mutants.items()]
        return {
            name: _enclosed(version if callable(version) else self.sides, self.constants)
            for name, version in versions
            if not isinstance(version, Statement)
        }

    @cached_property
    def _trivial(self) -> Enclosed:
        return _enclosed(self.trivial, self.constants)

    def decide(self, document: Document, mutant: str | None = None) -> Decision:
        """At a rational point. Raises ValueError for a document that is none, and where observed
        alone is infinite: there is no ratio to speak of; also for an unknown mutant."""
        if mutant not in (None, *self.mutants):
            raise ValueError(f"mutant = {mutant!r}: expected one of {tuple(self.mutants)}")
        if isinstance(version := self.mutants.get(mutant or ""), Statement):
            return version.decide(document)
        point = self.domain.read(document)
        if (elsewhere := self.exception(**point)) is not None:
            return elsewhere
        if version is not None:
            changes = {} if callable(version) else version
            return self._closer(mutant, {**point, **changes}, _nothing)
        true = self._closer(None, point, self.equal)
        return true._replace(note=true.note or self.note(**point) or "")

    def _closer(
        self, version: str | None, point: Point, equal: Callable[..., bool | str | None]
    ) -> Decision:
        """With balls as small as it needs."""

        def compared(bits: int) -> Decision:
            return tightest(
                [
                    self._compared(entry, partial(equal, i, **point), self.label(i, **point))
                    for i, entry in enumerate(self._entries(version, bits, point))
                ]
            )

        return sharpened(compared, lambda d: d.verdict != "inconclusive", PRECISION, FINEST)

    def _entries(self, version: str | None, bits: int, point: Point) -> list[Entry]:
        pairs = _listed(*self._enclosed[version].at(bits, point))
        if self.trivial is _infinity or all(observed > bound for observed, bound in pairs):
            return [(*pair, INFINITY) for pair in pairs]
        trivial = np.broadcast_to(self._trivial.at(bits, point), len(pairs))
        return [(*pair, most) for pair, most in zip(pairs, trivial, strict=True)]

    def _compared(
        self, entry: Entry, is_equal: Callable[[], bool | str | None], label: str | None
    ) -> Decision:
        observed, bound, trivial = entry
        if self.relation != "at most":
            compared = agree if self.relation == "equal" else below
            return compared(observed, bound, label or "")
        decision = compare(observed, bound, label or "")
        if decision.verdict != "refuted" and bound >= trivial:
            return _vacuous(observed, trivial)
        if observed >= INFINITY:
            raise ValueError("observed = inf: expected a point where it is finite")
        if decision.verdict == "inconclusive" and (why := is_equal()):
            return decision._replace(verdict="holds", note=why if isinstance(why, str) else "equal")
        return decision

    def ratio(self, x: Any, place: Place, mutant: str | None = None) -> Any:
        """observed/bound at real coordinates, the largest of several; above 1 is a violation."""
        version = self.mutants[mutant] if mutant else self.sides
        if isinstance(version, Statement):
            return version.ratio(x, place)
        sides, changed = (version, {}) if callable(version) else (self.sides, version)
        changes = {n: float(v) if isinstance(v, fmpq) else v for n, v in changed.items()}
        observed, bound = sides(**{**self.domain.point(x, place), **changes})
        if self.relation == "equal":
            return gap(observed, bound)
        return jnp.max(observed / (bound + TINY))

    def exact(self, simpler: Callable[[Document], Any] | None = None) -> Exact:
        """Decision, search and shrinking, for a claim."""
        domain = self.domain
        simpler = simpler or domain.simpler
        if not domain.places:
            return Exact(self.decide, None, simpler)
        true, *false = (self._search(mutant) for mutant in (None, *self.mutants))
        return Exact(self.decide, true, simpler, dict(zip(self.mutants, false, strict=True)))

    def _search(self, mutant: str | None) -> Search:
        version = self.mutants.get(mutant or "")
        domain = version.domain if isinstance(version, Statement) else self.domain
        ratio = partial(self.ratio, mutant=mutant)
        climbed = ratio if self.smooth else jax.jit(ratio, static_argnums=1)
        return Search(domain.choices(), domain.dimension, climbed, domain.document, self.smooth)


def gap(observed: Any, expected: Any) -> Any:
    """How far an equation is from true, above 1 from a relative difference of 1e-7 on.

    Squares, since a norm has no slope at zero.
    """
    square, size = jnp.sum((observed - expected) ** 2), jnp.sum(expected**2)
    return 1e14 * square / (size + 1e-9)


def _enclosed(function: Callable[..., Any], constants: Constants) -> Enclosed:
    return enclose(lambda point: function(**point), constants)


def _vacuous(observed: Number, trivial: Number) -> Decision:
    if arb(trivial).is_finite():
        return Decision(observed, trivial, "vacuous", "no better than the trivial bound")
    return Decision(fmpq(0), fmpq(1), "vacuous", "the bound is infinite")


def tightest(decisions: Sequence[Decision]) -> Decision:
    """Of several entries: the first that is violated, or undecided, or the one with least slack."""
    decision = worst(decisions)
    if decision.verdict in ("refuted", "inconclusive"):
        return decision
    telling = [d for d in decisions if d.verdict != "vacuous"] or decisions
    # Balls of equal numbers overlap: their slack is 0, and a fraction comes first.
    return min(telling, key=lambda d: max(0.0, float(ends(d.bound - d.observed)[0])))


def _listed(observed: Any, bound: Any) -> list[tuple[Number, Number]]:
    """Entry by entry."""
    full = np.broadcast_arrays(np.asarray(observed, object), np.asarray(bound, object))
    return list(zip(*(array.flat for array in full), strict=True))
