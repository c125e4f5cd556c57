"""Advantages less their mean over a batch, divided by their sd there."""

from typing import NamedTuple

import numpy as np

from grpo_checks.theory.identification.deviations import Numbers, gain, per_sd, silent
from grpo_checks.theory.numbers.grouped.segments import Ints, Segments, Values


class Whitening(NamedTuple):
    """N members of B batches before the division, which alone depends on its eps."""

    centred: Values
    """(N,), 0 where only rounding is left."""
    spread: Values
    """(B,): sum of squares by counts."""
    freedom: Numbers
    """(B,)."""
    gain: Numbers
    """(B,): the largest of what a rounding of size 1 may change before."""
    member: Ints
    """(N,): the batch of each."""

    def divided(self, eps: complex | float, inside: bool) -> tuple[Values, Numbers]:
        """(N,) values, and what a rounding may change of each; ``inside``: eps within the root."""
        scale = per_sd(self.spread, self.freedom, eps, inside)
        gained = gain(scale, eps, self.gain, self.gain)
        return self.centred * scale[self.member], gained[self.member]


def whitening(
    values: Values, gained: Numbers, batches: Segments, counts: Numbers, ddof: int
) -> Whitening:
    """Of advantages (N,) and what a rounding may change of each; a member counts ``counts``."""
    total = batches.total(counts)
    mean = batches.total(counts * values) / total
    centred = values - mean[batches.member]
    size = np.abs(values)
    centred = np.where(silent(np.abs(centred), batches, size)[batches.member], 0.0, centred)
    spread = batches.total(counts * centred**2)
    return Whitening(centred, spread, total - ddof, batches.largest(gained), batches.member)
