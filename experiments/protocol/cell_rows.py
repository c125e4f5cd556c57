"""Rows of cells without sampling: what they compare, and models that a claim says nothing of."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from grpo_checks.experiments.models.instances import InstanceSpec
from grpo_checks.experiments.protocol.claim import Row, Scope, Verdict

Floats = NDArray[np.float64]


class Models(NamedTuple):
    """What a claim is put on: a few in the quick profile, these and more in the paper's."""

    few: Sequence[InstanceSpec]
    more: Sequence[InstanceSpec]

    def chosen(self, scope: Scope) -> list[InstanceSpec]:
        """The model that was asked about, else those of the profile."""
        if scope.instance is not None:
            return [scope.instance]
        return [*self.few, *(self.more if scope.profile == "paper" else ())]


def at_most(observed: float, bound: float, rounding: float) -> Verdict:
    """Of observed <= bound in floating point, whose rounding error is up to ``rounding`` >= 0."""
    return "holds" if observed <= bound + rounding else "refuted"


def nearest(observed: Floats, bound: Floats, rounding: Floats) -> int:
    """Of many cells, the one whose observed number, less its error, is most of its bound >= 0."""
    least = observed - rounding
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(bound > 0, least / bound, np.where(least > 0, np.inf, -np.inf))
    return int(share.argmax())


def inequality(
    claim: str,
    instance: str,
    parameters: Mapping[str, Any],
    observed: float,
    bound: float,
    rounding: float,
    note: str = "",
    extra: Mapping[str, Any] | None = None,
    identity: bool = False,
) -> Row:
    """A cell that holds where observed <= bound, up to the rounding error of their difference."""
    verdict = at_most(observed, bound, rounding)
    row = exact(claim, instance, parameters, observed, bound, verdict, note, extra)
    return replace(row, rounding=rounding, identity=identity)


def equality(
    claim: str,
    instance: str,
    parameters: Mapping[str, Any],
    observed: float,
    expected: float,
    rounding: float,
    note: str = "",
    extra: Mapping[str, Any] | None = None,
    identity: bool = False,
) -> Row:
    """A cell that holds where two independent computations of one number agree, up to the rounding
    error of their difference."""
    verdict = at_most(abs(observed - expected), 0.0, rounding)
    row = exact(claim, instance, parameters, observed, expected, verdict, note, extra)
    return replace(row, rounding=rounding, identity=identity)


def exact(
    claim: str,
    instance: str,
    parameters: Mapping[str, Any],
    observed: float,
    bound: float,
    verdict: Verdict,
    note: str = "",
    extra: Mapping[str, Any] | None = None,
) -> Row:
    """A cell known without error: its limits are the number itself."""
    limits = (observed, observed, observed)
    return Row(claim, instance, parameters, *limits, bound, verdict, note, extra or {})


def no_better(row: Row, why: str) -> Row:
    """*Vacuous* where it holds: the bound is no better than a trivial one, named by ``why``."""
    return replace(row, verdict="vacuous", note=why) if row.verdict == "holds" else row


def seen(row: Row) -> Row:
    """*Vacuous* where it holds and both its numbers, >= 0, are rounding errors."""
    sides = [x for x in (row.observed, row.bound, row.rounding) if x is not None]
    # Of three numbers the error is the largest.
    hidden = len(sides) == 3 and max(sides) == row.rounding
    return no_better(row, "both sides are within their rounding error") if hidden else row


def certified(row: Row) -> Row:
    """The row of a cell that was decided in rational or ball arithmetic."""
    return replace(row, evidence="certified", rounding=None)


def unmet(claim: str, instance: str, parameters: Mapping[str, Any], why: str) -> Row:
    """The instance breaks an assumption of the claim; no numbers."""
    return Row(claim, instance, parameters, None, None, None, None, "assumption unmet", why)


def stored_only(claim: str, scope: Scope) -> list[Row]:
    """No rows of its own: stored cases decide, which are of no instance of a user's."""
    if scope.instance is None:
        return []
    return [unmet(claim, scope.instance.name, {}, "decided on stored cases alone")]
