"""Deviations of rewards from the means of their groups, and their sizes: what no eps changes."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from grpo_checks.theory.numbers.grouped.segments import Segments, Values

Numbers = NDArray[np.float64]
NO_EPS = 1e-30
"""Where eps is 0: a residue may then be anything up to its largest size."""


class Deviations(NamedTuple):
    """Of N rewards in M segments, or of K components of each."""

    centred: Numbers
    """(N, ...), 0 where only rounding is left."""
    square: Numbers
    """(M, ...): sum of their squares."""
    counts: Numbers
    """(M, ...): rewards that are there."""
    size: Numbers
    """(M, ...): the largest that rounding is relative to."""
    residue: Numbers
    """(M, ...): the largest of those that sums may round, 0 where they are exact."""


def silent(centred: Values, within: Segments, size: Values) -> NDArray[np.bool_]:
    """(M, ...): whether all are rounding of sums of numbers of this size."""
    # A sum of n numbers is right to n roundings of its largest.
    sizes = within.sizes.reshape(-1, *[1] * (size.ndim - 1))
    noise = (sizes + 4) * np.finfo(float).eps * within.largest(size)
    return np.asarray(within.largest(np.abs(centred)) <= noise)


def deviations(
    values: Numbers, within: Segments, size: Numbers, rounded: NDArray[np.bool_]
) -> Deviations:
    """Of values (N, ...), NaN where missing, from the means of their segments.

    ``size``: what the rounding of each is relative to; ``rounded``: whether a sum may round it.
    """
    there = ~np.isnan(values)
    centred = within.centred(np.where(there, values, 0.0), there)
    centred = np.where(silent(centred, within, size)[within.member], 0.0, centred)
    return Deviations(
        centred,
        within.total(centred**2),
        within.total(there.astype(float)),
        within.largest(size),
        within.largest(size * rounded),
    )


def per_sd(spread: Values, freedom: Values, eps: complex | float, inside: bool) -> Values:
    """1/(sd + eps) or, ``inside``, 1/sqrt(sd^2 + eps), and 0 where nothing varies."""
    varied = (np.real(spread) > 0) & (freedom > 0)
    square = np.where(varied, spread, 1.0) / np.where(varied, freedom, 1.0)
    sd = np.sqrt(square + eps) if inside else np.sqrt(square) + eps
    return np.where(varied, 1 / sd, 0.0)


def gain(scale: Values, eps: complex | float, size: Numbers, rounded: Numbers) -> Numbers:
    """size/(sd + eps); where all are equal, what a residue of rounding would be scaled by.

    ``rounded``: the size of what rounding may leave a residue of, 0 where sums are exact.
    """
    left = rounded / max(float(np.real(eps)), NO_EPS)
    return np.where(scale == 0, left, np.abs(scale) * size)
