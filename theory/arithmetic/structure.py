"""Rules that move entries about and change none, as NumPy does."""

from typing import Any

import numpy as np
from flint import fmpq

from grpo_checks.theory.arithmetic.registry import Values, objects, rule

EXACT = "moves entries"


@rule(EXACT, "reshape")
def reshape(x: Values, *, new_sizes: Any, **_: Any) -> Values:
    """Row by row."""
    return x.reshape(new_sizes)


@rule(EXACT, "transpose")
def transpose(x: Values, *, permutation: Any, **_: Any) -> Values:
    """Axes in another order."""
    return np.transpose(x, permutation)


@rule(EXACT, "broadcast_in_dim")
def broadcast(x: Values, *, shape: Any, broadcast_dimensions: Any, **_: Any) -> Values:
    """New axes, along which entries repeat."""
    sizes = [1] * len(shape)
    for axis, target in enumerate(broadcast_dimensions):
        sizes[target] = x.shape[axis]
    return np.broadcast_to(x.reshape(sizes), shape)


@rule(EXACT, "squeeze")
def squeeze(x: Values, *, dimensions: Any, **_: Any) -> Values:
    """Axes of size 1 go."""
    return np.squeeze(x, tuple(dimensions)) if dimensions else x


@rule(EXACT, "expand_dims")
def expand(x: Values, *, dimensions: Any, **_: Any) -> Values:
    """Axes of size 1 come."""
    return np.expand_dims(x, tuple(dimensions))


@rule(EXACT, "slice")
def cut(x: Values, *, start_indices: Any, limit_indices: Any, strides: Any, **_: Any) -> Values:
    """A regular part."""
    steps = strides or (1,) * x.ndim
    parts = zip(start_indices, limit_indices, steps, strict=True)
    return x[tuple(slice(*part) for part in parts)]


@rule(EXACT, "rev")
def reverse(x: Values, *, dimensions: Any, **_: Any) -> Values:
    """Backwards along axes."""
    return np.flip(x, tuple(dimensions))


@rule(EXACT, "concatenate")
def concatenate(*operands: Values, dimension: int, **_: Any) -> Values:
    """One after the other."""
    return np.concatenate(operands, dimension)


@rule(EXACT, "stack")
def stack(*operands: Values, axis: int = 0, **_: Any) -> Values:
    """Side by side on a new axis."""
    return np.stack(operands, axis)


@rule(EXACT, "unstack")
def unstack(x: Values, *, axis: int, **_: Any) -> list[Values]:
    """Along an axis, one by one."""
    rows = np.moveaxis(x, axis, 0)
    return [rows[i, ...] for i in range(len(rows))]  # An array, also where it has no axis left.


@rule(EXACT, "split")
def split(x: Values, *, sizes: Any, axis: int, **_: Any) -> list[Values]:
    """Into parts of given sizes."""
    return np.split(x, np.cumsum(sizes)[:-1], axis)


@rule(EXACT, "iota")
def iota(*_: Values, dtype: Any, shape: Any, dimension: int, **__: Any) -> Values:
    """0, 1, 2, ... along an axis."""
    sizes = [1] * len(shape)
    sizes[dimension] = shape[dimension]
    counted = np.broadcast_to(np.arange(shape[dimension]).reshape(sizes), shape)
    if np.dtype(dtype).kind == "f":
        return objects([fmpq(int(i)) for i in counted.flat], shape)
    return counted.astype(dtype)


@rule(EXACT, "pad")
def pad(x: Values, filler: Values, *, padding_config: Any, **_: Any) -> Values:
    """Fillers before, behind and between; negative ones cut off."""
    padding_config = [tuple(map(int, p)) for p in padding_config]
    sizes = [
        max(0, low + high + n + max(0, n - 1) * inner)
        for n, (low, high, inner) in zip(x.shape, padding_config, strict=True)
    ]
    padded = np.full(sizes, filler[()], x.dtype)
    places = []
    for axis, (low, _, inner) in enumerate(padding_config):
        place = low + np.arange(x.shape[axis]) * (inner + 1)
        places.append((place, (place >= 0) & (place < sizes[axis])))
    inside = x[np.ix_(*(np.flatnonzero(kept) for _, kept in places))]
    padded[np.ix_(*(place[kept] for place, kept in places))] = inside
    return padded


def _start(sizes: Any, part: Any, starts: Any) -> tuple[slice, ...]:
    """Clamped, as JAX does, so that the part lies inside."""
    ranges = []
    for n, m, first in zip(sizes, part, starts, strict=True):
        begin = min(max(int(first), 0), n - m)
        ranges.append(slice(begin, begin + m))
    return tuple(ranges)


@rule(EXACT, "dynamic_slice")
def dynamic_slice(x: Values, *starts: Values, slice_sizes: Any, **_: Any) -> Values:
    """A part that starts where integers say."""
    return x[_start(x.shape, slice_sizes, starts)]


@rule(EXACT, "dynamic_update_slice")
def dynamic_update(x: Values, part: Values, *starts: Values, **_: Any) -> Values:
    """A part put in where integers say."""
    changed = x.copy()
    changed[_start(x.shape, part.shape, starts)] = part
    return changed
