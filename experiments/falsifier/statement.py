"""A statement about points: two sides, written once, and all that is derived from them.

``sides(**point)`` is a JAX function of the fields of a point. In floating point a falsifier climbs
it and cells are computed by it; enclosed (``theory.arithmetic``) it decides rational points.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any, Literal, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from flint import arb, fmpq

from grpo_checks.experiments.falsifier.domain import Domain, Place, Point
from grpo_checks.experiments.protocol.points import Document, Exact, Search
from grpo_checks.experiments.protocol.verdict import Decision, agree, below, compare, tightest
from grpo_checks.theory.arithmetic.enclose import Enclosed, enclose, sharpened
from grpo_checks.theory.arithmetic.interpreter import Constants
from grpo_checks.theory.numbers.balls import PRECISION, Number
from grpo_checks.theory.numbers.rationals import abridged

Sides = Callable[..., tuple[Any, Any]]
"""Of the fields of a point: observed and bound, scalars or arrays, compared entry by entry."""
Version: TypeAlias = "Sides | Statement | Mapping[str, Any]"
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
    mutants: Mapping[str, "tuple[str, Version] | Version"] = field(default_factory=dict)
    """False versions, by name: what is changed, in words, unless the claim says it, and other
    sides, arguments of the sides that are changed or added, or all of a statement where more than
    its sides is false."""
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
    changed: Mapping[str, Any] = field(default_factory=dict)
    """Arguments of ``sides`` in place of fields of a point, or beside them."""

    @property
    def changes(self) -> dict[str, str]:
        """What mutants change, in words, by name."""
        return {name: m[0] for name, m in self.mutants.items() if isinstance(m, tuple)}

    @property
    def versions(self) -> dict[str, Any]:
        """The mutants, without words."""
        return {name: m[1] if isinstance(m, tuple) else m for name, m in self.mutants.items()}

    @cached_property
    def _false(self) -> Mapping[str, "Statement"]:
        """The mutants as statements of their own, of which nothing else is known to be true."""
        return {name: self._with(name, version) for name, version in self.versions.items()}

    def _with(self, name: str, version: Any) -> "Statement":
        if isinstance(version, Statement):
            return version
        known = replace(self, mutants={}, equal=_nothing, note=_nothing)
        if callable(version):
            return replace(known, sides=version)
        if isinstance(version, Mapping):
            return replace(known, changed={**self.changed, **version})
        expected = "expected sides, changed arguments of them, or a Statement"
        raise ValueError(f"mutant {name!r}: version = {abridged(version)}: {expected}")

    @cached_property
    def _enclosed(self) -> Enclosed:
        return _enclosed(self.sides, self.constants)

    @cached_property
    def _trivial(self) -> Enclosed:
        return _enclosed(self.trivial, self.constants)

    def decide(self, document: Document, mutant: str | None = None) -> Decision:
        """At a rational point. Raises ValueError for a document that is none, and where observed
        alone is infinite: there is no ratio to speak of; also for an unknown mutant."""
        if mutant not in (None, *self.mutants):
            raise ValueError(f"mutant = {mutant!r}: expected one of {tuple(self.mutants)}")
        if mutant is not None:
            return self._false[mutant].decide(document)
        point = self.domain.read(document)
        if (elsewhere := self.exception(**point)) is not None:
            return elsewhere
        point = {name: self.changed.get(name, x) for name, x in point.items()}

        def compared(bits: int) -> Decision:
            return tightest(
                [
                    self._compared(entry, partial(self.equal, i, **point), self.label(i, **point))
                    for i, entry in enumerate(self._entries(bits, point))
                ]
            )

        decision = sharpened(compared, lambda d: d.verdict != "inconclusive", PRECISION, FINEST)
        return decision._replace(note=decision.note or self.note(**point) or "")

    def _entries(self, bits: int, point: Point) -> list[Entry]:
        pairs = _listed(*self._enclosed.at(bits, {**point, **self.changed}))
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

    def ratio(self, x: Any, place: Place) -> Any:
        """observed/bound at real coordinates, the largest of several; above 1 is a violation."""
        changed = {n: float(v) if isinstance(v, fmpq) else v for n, v in self.changed.items()}
        observed, bound = self.sides(**{**self.domain.point(x, place), **changed})
        if self.relation == "equal":
            return gap(observed, bound)
        return jnp.max(observed / (bound + TINY))

    def exact(self, simpler: Callable[[Document], Any] | None = None) -> Exact:
        """Decision, search and shrinking, for a claim."""
        places = self.domain.places
        search = self._search() if places else None
        false = {name: mutant._search() for name, mutant in self._false.items() if places}
        simpler = simpler or self.domain.simpler
        return Exact(self.decide, search, simpler, false, changes=self.changes)

    def _search(self) -> Search:
        domain = self.domain
        ratio = self.ratio if self.smooth else jax.jit(self.ratio, static_argnums=1)
        return Search(domain.choices(), domain.dimension, ratio, domain.document, self.smooth)


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


def _listed(observed: Any, bound: Any) -> list[tuple[Number, Number]]:
    """Entry by entry."""
    full = np.broadcast_arrays(np.asarray(observed, object), np.asarray(bound, object))
    return list(zip(*(array.flat for array in full), strict=True))
