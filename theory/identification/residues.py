"""What a residue cannot change: further numbers that a rule must explain, whatever rounding left.

Where all rewards of a group are equal, rounding of their mean may leave a number that is divided by
an eps near 0, and the tolerance of all that it reaches is then as large as the data. But equal
rewards leave equal numbers: a residue is one constant for each group, u_g. Deviations from the mean
of a group are free of it. Whitening a batch adds a shift and a factor 1/s that depend on it; then
free of it are deviations beside their root of sum of squares in the batch, the mean of the batch,
0, and its sd, sd/(sd + whiten) = 1 - whiten/s, where s is the deviations' size before over after.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.identification.candidates import Candidate
from grpo_checks.theory.identification.earned import Earned, Numbers
from grpo_checks.theory.identification.predicted import Predicted, by_eps
from grpo_checks.theory.numbers.grouped.segments import Values

DIVIDED_IN_GROUPS = ("group_normalized", "componentwise_normalized")


class Constraints(NamedTuple):
    """Numbers that are free of residues."""

    observed: Numbers
    predicted: Callable[[list[complex], complex], Predicted]
    """From the candidate's free numbers and a factor of all that was observed."""


def constraints(data: Earned, candidate: Candidate, observed: Numbers) -> Constraints | None:
    """Of a candidate; None where no residue is possible."""
    estimator = candidate.estimator
    if estimator.name not in DIVIDED_IN_GROUPS or not data.composite_rounded.any():
        return None
    plain = by_eps(data.exact, replace(estimator, whiten=None))

    def at(free: list[complex]) -> tuple[Predicted, complex]:
        numbers = dict(zip(candidate.free, free, strict=True))
        return plain(numbers["eps"]), numbers.get("whiten", 0j)

    if estimator.whiten is None:
        return Constraints(
            _deviations(data, observed), lambda free, scale: _centred(data, at(free)[0], scale)
        )
    after = _Whitened(data, estimator, observed)
    return Constraints(after.constrained(), lambda free, scale: after.predicted(*at(free), scale))


def _deviations(data: Earned, values: Values) -> Values:
    """From the mean of the group; 0 where a reward is missing, whose residue is not a constant."""
    return np.where(data.incomplete, 0.0, data.groups.centred(values))


def _centred(data: Earned, plain: Predicted, scale: complex) -> Predicted:
    size = data.groups.largest(np.abs(plain.values) + plain.gain)[data.groups.member]
    return Predicted(scale * _deviations(data, plain.values), 2 * np.abs(scale) * size)


class _Whitened:
    """Of numbers that were whitened; (B,) of batches, (N,) of members."""

    def __init__(self, data: Earned, estimator: Estimator, observed: Numbers) -> None:
        self.data, self.inside = data, estimator.whiten_inside
        weights = data.lengths if estimator.whiten_tokens else None
        counts = np.ones(len(observed)) if weights is None else weights
        total, member = data.batches.total, data.batches.member
        self.mean = total(counts * observed) / total(counts)
        spread = total(counts * (observed - self.mean[member]) ** 2)
        variance = spread / np.maximum(total(counts) - estimator.ddof, 1)
        self.variance = variance if self.inside else np.sqrt(variance)
        self.unit, self.root = self._beside_root(_deviations(data, observed))
        # An error e of each number moves one of these by at most 2 e (1 + |unit|)/root.
        self.share = np.real(self.root)[member] / (2 * (1 + np.abs(self.unit)))
        self.largest = data.batches.largest(np.abs(observed))

    def _beside_root(self, centred: Values) -> tuple[Values, Values]:
        batches = self.data.batches
        square = batches.total(centred**2)
        varied = np.real(square) > 0
        root = np.where(varied, np.sqrt(np.where(varied, square, 1.0)), 0.0)
        return centred / np.where(varied, root, 1.0)[batches.member], root

    def constrained(self) -> Numbers:
        """(N + 2 B,): deviations beside their root, mean, and sd (its square if inside)."""
        return np.concatenate([self.share * self.unit, self.mean, self.variance / 4])

    def predicted(self, plain: Predicted, whiten: complex, scale: complex) -> Predicted:
        batches = self.data.batches
        unit, root = self._beside_root(_deviations(self.data, plain.values))
        known = (np.real(root) > 0) & (self.root > 0)
        # What was observed, over what it was before it was whitened: the factor over s.
        ratio = np.where(known, self.root, 1.0) / np.where(known, root, 1.0)
        power = 2 if self.inside else 1
        spread = scale**power - whiten * ratio**power
        # Where nothing varies nothing is said.
        unit = np.where(known[batches.member], unit, self.unit)
        spread = np.where(known, spread, self.variance)
        size = batches.largest(np.abs(plain.values) + plain.gain)
        noise = size / np.where(known, np.abs(root), 1.0)
        # The root of n squares moves by at most sqrt(n) times what its numbers do.
        change = 2 * noise * (1 + np.sqrt(batches.sizes))
        of_units = self.share * change[batches.member] * (1 + np.abs(unit))
        return Predicted(
            np.concatenate([self.share * unit, np.zeros_like(self.mean), spread / 4]),
            np.concatenate(
                [
                    of_units,
                    self.largest + np.abs(ratio) * size,
                    np.abs(scale) ** power * (1 + change),
                ]
            ),
        )
