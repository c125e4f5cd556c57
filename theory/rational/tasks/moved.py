"""One policy under two laws of task types, in rational numbers: how far its risk may move.

The bounds are those of ``theory.generalization.transfer``, written as limits of L_T - L_S.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from flint import fmpq

from grpo_checks.theory.numbers.balls import Number, root
from grpo_checks.theory.numbers.fields import UNIT, entry, numbers, shares
from grpo_checks.theory.numbers.logs import Logs, divergence
from grpo_checks.theory.rational.tasks.divergences import chi_square, variation
from grpo_checks.theory.rational.tasks.tasks import dot


class Moved(NamedTuple):
    """Z types; losses in [0, 1]."""

    source: tuple[fmpq, ...]
    target: tuple[fmpq, ...]
    loss: tuple[fmpq, ...]

    @property
    def risks(self) -> tuple[fmpq, fmpq]:
        """L_S and L_T."""
        return dot(self.loss, self.source), dot(self.loss, self.target)


def parse_moved(document: Mapping[str, Any]) -> Moved:
    """From JSON: ``source`` and ``target``, shares of the types, and ``loss``, one number each.

    Raises ValueError, naming the field.
    """
    source, target = (shares(f, entry(document, f), positive=False) for f in ("source", "target"))
    if len(target) != len(source):
        raise ValueError(f"target: {len(target)} types, expected {len(source)}")
    return Moved(source, target, numbers("loss", entry(document, "loss"), UNIT, len(source)))


def _oscillation(of: Moved) -> Number:
    return (max(of.loss) - min(of.loss)) * variation(of.source, of.target)


def _pinsker(apart: Logs | None) -> Number | None:
    return None if apart is None else root(apart.value / 2)


def _spread(of: Moved) -> Number | None:
    chi, risk = chi_square(of.target, of.source), of.risks[0]
    spread = dot([(x - risk) ** 2 for x in of.loss], of.source)
    return None if chi is None else root(chi * spread)


LIMITS: Mapping[str, Callable[[Moved], Number | None]] = MappingProxyType(
    {
        "oscillation": _oscillation,
        "variation": lambda of: variation(of.source, of.target),
        "pinsker": lambda of: _pinsker(divergence(of.target, of.source)),
        "pinsker_reversed": lambda of: _pinsker(divergence(of.source, of.target)),
        "chi_square": _spread,
    }
)
"""Of L_T - L_S, by the names of ``theory.generalization.transfer.Shifted``; None for infinity."""
