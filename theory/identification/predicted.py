"""Advantages of every estimator, for groups of any sizes, differentiable in both eps.

eps may be complex: with eps + i h the imaginary part over h is the derivative, without rounding
(complex step). Of the estimators of ``theory.estimators`` all but ``greedy_baseline`` are here,
whose baseline is not a function of the group.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.identification.earned import Earned, Numbers
from grpo_checks.theory.numbers.grouped.segments import Segments, Values

NO_EPS = 1e-30
"""Where eps is 0: a residue may then be anything up to its largest size."""


class Predicted(NamedTuple):
    """What an estimator gives N members."""

    values: Values
    """(N,)."""
    gain: Numbers
    """(N,) what a rounding of size 1 in a reward may change, besides one in the value itself."""


def advantages(
    data: Earned, estimator: Estimator, eps: complex | float = 0.0, whiten: complex | float = 0.0
) -> Predicted:
    """Of all members. Raises ValueError where lengths are asked for and not known, and for
    ``greedy_baseline``."""
    if estimator.name not in _KINDS:
        raise ValueError(f"estimator = {estimator.name!r}: expected one of {tuple(_KINDS)}")
    plain = _KINDS[estimator.name](data, estimator, eps)
    return plain if estimator.whiten is None else _whitened(data, estimator, plain, whiten)


def deviations(values: Numbers, within: Segments, size: Numbers) -> Numbers:
    """Less the mean of their segment; 0 where only rounding is left, relative to ``size``."""
    centred = within.centred(values)
    return np.where(_silent(centred, within, size)[within.member], 0.0, centred)


def _silent(centred: Numbers, within: Segments, size: Numbers) -> NDArray[np.bool_]:
    # A sum of n numbers is right to n roundings of its largest.
    noise = (within.sizes + 4) * np.finfo(float).eps * within.largest(size)
    return within.largest(np.abs(centred)) <= noise


def _per_sd(spread: Values, freedom: Values, eps: complex | float, inside: bool) -> Values:
    """1/(sd + eps) or, ``inside``, 1/sqrt(sd^2 + eps), and 0 where nothing varies."""
    varied = (np.real(spread) > 0) & (freedom > 0)
    square = np.where(varied, spread, 1.0) / np.where(varied, freedom, 1.0)
    sd = np.sqrt(square + eps) if inside else np.sqrt(square) + eps
    return np.where(varied, 1 / sd, 0.0)


def _gain(scale: Values, eps: complex | float, size: Numbers, rounded: Numbers) -> Numbers:
    """size/(sd + eps); where all are equal, what a residue of rounding would be scaled by.

    ``rounded``: the size of what rounding may leave a residue of, 0 where sums are exact.
    """
    silent = rounded / max(float(np.real(eps)), NO_EPS)
    return np.where(scale == 0, silent, np.abs(scale) * size)


def _scaled(
    data: Earned, within: Segments, estimator: Estimator, eps: complex | float
) -> Predicted:
    size = data.size
    centred = deviations(data.composites, within, size)
    scale = _per_sd(within.total(centred**2), within.sizes - estimator.ddof, eps, False)
    rounded = within.largest(size * data.composite_rounded)
    gain = _gain(scale, eps, within.largest(size), rounded)[within.member]
    if within is not data.groups:
        centred = deviations(data.composites, data.groups, size)
    return Predicted(centred * scale[within.member], gain)


def _group_normalized(data: Earned, estimator: Estimator, eps: complex | float) -> Predicted:
    return _scaled(data, data.groups, estimator, eps)


def _batch_scaled(data: Earned, estimator: Estimator, eps: complex | float) -> Predicted:
    return _scaled(data, data.batches, estimator, eps)


def _mean_baseline(data: Earned, estimator: Estimator, eps: complex | float) -> Predicted:
    return Predicted(deviations(data.composites, data.groups, data.size), _size(data))


def _size(data: Earned) -> Numbers:
    return data.groups.largest(data.size)[data.groups.member]


def _leave_one_out(data: Earned, estimator: Estimator, eps: complex | float) -> Predicted:
    values, size = _mean_baseline(data, estimator, eps)
    others = np.maximum(data.groups.sizes - 1, 1)
    factor = (data.groups.sizes / others)[data.groups.member]
    return Predicted(values * factor, size * factor)


def _componentwise(data: Earned, estimator: Estimator, eps: complex | float) -> Predicted:
    groups, there = data.groups, ~np.isnan(data.rewards)
    rewards = np.where(there, data.rewards, 0.0)
    counts = groups.total(there.astype(float))
    size = groups.largest(np.abs(rewards))
    centred = groups.centred(rewards, there)
    noise = (groups.sizes[:, None] + 4) * np.finfo(float).eps * size
    varied = groups.largest(np.abs(centred)) > noise
    centred = np.where(varied[groups.member], centred, 0.0)
    scale = _per_sd(groups.total(centred**2), counts - estimator.ddof, eps, False)
    rounded = groups.largest(np.abs(rewards) * data.rounded)
    gain = (_gain(scale, eps, size, rounded) @ np.abs(data.weights))[groups.member]
    scale = data.weights * scale
    values = (centred * scale[groups.member]).sum(1)
    kept = ~_silent(np.real(values), groups, np.abs(centred * scale[groups.member]).sum(1))
    return Predicted(values * kept[groups.member], gain)


def _length_weighted(data: Earned, estimator: Estimator, eps: complex | float) -> Predicted:
    lengths, groups = _lengths(data), data.groups
    centred = deviations(data.composites, groups, data.size)
    baseline = groups.total(lengths * centred) / groups.total(lengths)
    return Predicted(centred - baseline[groups.member], _size(data))


def _lengths(data: Earned) -> Numbers:
    if data.lengths is None:
        raise ValueError("lengths = None: expected tokens of each member")
    return data.lengths


def _nonzero_scaled(data: Earned, estimator: Estimator, eps: complex | float) -> Predicted:
    values, size = _mean_baseline(data, estimator, eps)
    nonzero = data.batches.total((data.composites != 0).astype(float))
    factor = (data.batches.sizes / np.maximum(nonzero, 1))[data.batches.member]
    return Predicted(values * factor, size * factor)


def _pass_at_k(data: Earned, estimator: Estimator, eps: complex | float) -> Predicted:
    groups, rewards = data.groups, data.composites
    centred = deviations(rewards, groups, data.size)
    best = groups.largest(rewards)[groups.member]
    leaders = groups.total((rewards == best).astype(float))
    second = groups.largest(np.where(rewards == best, -np.inf, rewards))
    lead = np.where(leaders == 1, groups.largest(rewards) - second, 0.0)
    lead = np.where(np.isfinite(lead), lead, 0.0)
    scale = _per_sd(groups.total(centred**2), groups.sizes - estimator.ddof, eps, False)
    values = np.where(rewards == best, (lead * scale)[groups.member], 0.0)
    rounded = groups.largest(data.size * data.composite_rounded)
    gain = _gain(scale, eps, groups.largest(data.size), rounded)
    return Predicted(values, gain[groups.member])


def _mean_normalized(data: Earned, estimator: Estimator, eps: complex | float) -> Predicted:
    groups = data.groups
    mean = groups.total(data.composites) / groups.sizes
    scale = np.where(mean != 0, 1 / np.where(mean != 0, mean + eps, 1.0), 0.0)
    values = deviations(data.composites, groups, data.size) * scale[groups.member]
    return Predicted(values, _size(data) * np.abs(scale)[groups.member])


def _whitened(
    data: Earned, estimator: Estimator, plain: Predicted, whiten: complex | float
) -> Predicted:
    batches, values = data.batches, plain.values
    counts = _lengths(data) if estimator.whiten_tokens else np.ones(len(values))
    total = batches.total(counts)
    mean = batches.total(counts * values) / total
    centred = values - mean[batches.member]
    size = np.abs(values)
    centred = np.where(_silent(np.abs(centred), batches, size)[batches.member], 0.0, centred)
    spread = batches.total(counts * centred**2)
    scale = _per_sd(spread, total - estimator.ddof, whiten, estimator.whiten_inside)
    largest = batches.largest(plain.gain)
    gain = _gain(scale, whiten, largest, largest)
    return Predicted(centred * scale[batches.member], gain[batches.member])


_KINDS: dict[str, Callable[[Earned, Estimator, complex | float], Predicted]] = {
    "mean_baseline": _mean_baseline,
    "leave_one_out": _leave_one_out,
    "group_normalized": _group_normalized,
    "componentwise_normalized": _componentwise,
    "batch_scaled": _batch_scaled,
    "length_weighted": _length_weighted,
    "nonzero_scaled": _nonzero_scaled,
    "pass_at_k": _pass_at_k,
    "mean_normalized": _mean_normalized,
}
