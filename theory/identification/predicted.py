"""Advantages of every estimator, for groups of any sizes, differentiable in both eps.

eps may be complex: with eps + i h the imaginary part over h is the derivative, without rounding
(complex step). Of the estimators of ``theory.estimators`` all but ``greedy_baseline`` are here,
whose baseline is not a function of the group.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.identification.candidates import PLAIN
from grpo_checks.theory.identification.deviations import Deviations, Numbers, gain, per_sd, silent
from grpo_checks.theory.identification.earned import Earned
from grpo_checks.theory.identification.whitening import Whitening, whitening
from grpo_checks.theory.numbers.grouped.segments import Ints, Values


class Predicted(NamedTuple):
    """What an estimator gives N members."""

    values: Values
    """(N,)."""
    gain: Numbers
    """(N,) what a rounding of size 1 in a reward may change, besides one in the value itself."""


ByEps = Callable[..., Predicted]
"""What an estimator gives the members of some data, from ``eps`` and ``whiten``, 0 if not told."""


def advantages(
    data: Earned, estimator: Estimator, eps: complex | float = 0.0, whiten: complex | float = 0.0
) -> Predicted:
    """Of all members. Raises ValueError where lengths are asked for and not known, and for
    ``greedy_baseline``."""
    return by_eps(data, estimator)(eps, whiten)


def by_eps(data: Earned, estimator: Estimator) -> ByEps:
    """The same for any eps, what these do not change computed once. Raises likewise."""
    if estimator.name not in _KINDS:
        raise ValueError(f"estimator = {estimator.name!r}: expected one of {tuple(_KINDS)}")
    kind, inside = _KINDS[estimator.name], estimator.whiten_inside
    if estimator.whiten is None:
        return lambda eps=0.0, whiten=0.0: kind(data, estimator, eps)
    within = lambda eps: _whitening(data, estimator, kind(data, estimator, eps))  # noqa: E731
    if estimator.name in PLAIN:
        fixed = within(0.0)
        return lambda eps=0.0, whiten=0.0: Predicted(*fixed.divided(whiten, inside))
    return lambda eps=0.0, whiten=0.0: Predicted(*within(eps).divided(whiten, inside))


def _scaled(
    data: Earned, varied: Deviations, member: Ints, estimator: Estimator, eps: complex | float
) -> Predicted:
    scale = per_sd(varied.square, varied.counts - estimator.ddof, eps, False)
    gained = gain(scale, eps, varied.size, varied.residue)[member]
    return Predicted(data.of_groups.centred * scale[member], gained)


def _group_normalized(data: Earned, estimator: Estimator, eps: complex | float) -> Predicted:
    return _scaled(data, data.of_groups, data.groups.member, estimator, eps)


def _batch_scaled(data: Earned, estimator: Estimator, eps: complex | float) -> Predicted:
    return _scaled(data, data.of_batches, data.batches.member, estimator, eps)


def _mean_baseline(data: Earned, estimator: Estimator, eps: complex | float) -> Predicted:
    return Predicted(data.of_groups.centred, _size(data))


def _size(data: Earned) -> Numbers:
    return data.of_groups.size[data.groups.member]


def _leave_one_out(data: Earned, estimator: Estimator, eps: complex | float) -> Predicted:
    values, size = _mean_baseline(data, estimator, eps)
    others = np.maximum(data.groups.sizes - 1, 1)
    factor = (data.groups.sizes / others)[data.groups.member]
    return Predicted(values * factor, size * factor)


def _componentwise(data: Earned, estimator: Estimator, eps: complex | float) -> Predicted:
    groups, varied = data.groups, data.of_components
    scale = per_sd(varied.square, varied.counts - estimator.ddof, eps, False)
    gained = (gain(scale, eps, varied.size, varied.residue) @ np.abs(data.weights))[groups.member]
    parts = varied.centred * (data.weights * scale)[groups.member]
    values = parts.sum(1)
    kept = ~silent(np.real(values), groups, np.abs(parts).sum(1))
    return Predicted(values * kept[groups.member], gained)


def _length_weighted(data: Earned, estimator: Estimator, eps: complex | float) -> Predicted:
    lengths, groups = _lengths(data), data.groups
    centred = data.of_groups.centred
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
    groups, rewards, varied = data.groups, data.composites, data.of_groups
    best = groups.largest(rewards)[groups.member]
    leaders = groups.total((rewards == best).astype(float))
    second = groups.largest(np.where(rewards == best, -np.inf, rewards))
    lead = np.where(leaders == 1, groups.largest(rewards) - second, 0.0)
    lead = np.where(np.isfinite(lead), lead, 0.0)
    scale = per_sd(varied.square, varied.counts - estimator.ddof, eps, False)
    values = np.where(rewards == best, (lead * scale)[groups.member], 0.0)
    gained = gain(scale, eps, varied.size, varied.residue)
    return Predicted(values, gained[groups.member])


def _mean_normalized(data: Earned, estimator: Estimator, eps: complex | float) -> Predicted:
    groups = data.groups
    mean = groups.total(data.composites) / groups.sizes
    scale = np.where(mean != 0, 1 / np.where(mean != 0, mean + eps, 1.0), 0.0)
    values = data.of_groups.centred * scale[groups.member]
    return Predicted(values, _size(data) * np.abs(scale)[groups.member])


def _whitening(data: Earned, estimator: Estimator, plain: Predicted) -> Whitening:
    counts = _lengths(data) if estimator.whiten_tokens else np.ones(len(plain.values))
    return whitening(plain.values, plain.gain, data.batches, counts, estimator.ddof)


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
