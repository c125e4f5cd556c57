"""Rules that move entries about and change none.

Those with a NumPy twin use it. The others (gather, scatter) are run by JAX on the *places* of the
entries, and the entries are looked up: no index arithmetic is written a second time.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flint import fmpq
from jax.lax import GatherScatterMode

from grpo_checks.theory.arithmetic.numbers import UNKNOWN
from grpo_checks.theory.arithmetic.registry import Refused, Values, is_real, objects, rule

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


def _is_table(x: Values, *, dimension_numbers: Any, slice_sizes: Any, mode: Any, **_: Any) -> bool:
    """Whether single entries of a list are looked up: JAX would compile for each of its lengths."""
    single = x.ndim == 1 and tuple(slice_sizes) == (1,)
    is_plain = dimension_numbers.collapsed_slice_dims == (0,) and mode != GatherScatterMode.CLIP
    return single and is_plain


@rule(EXACT, "gather")
def gather(x: Values, places: Values, *, fill_value: Any = None, **parameters: Any) -> Values:
    """Entries at places; what lies outside is unknown, or the filler of integers."""
    if _is_table(x, **parameters):
        origin = np.where((places >= 0) & (places < x.size), places, -1)[..., 0]
    else:
        numbered = jnp.arange(x.size).reshape(x.shape)
        looked_up = jax.lax.gather(numbered, jnp.asarray(places), fill_value=-1, **parameters)
        origin = np.asarray(looked_up)
    outside = origin < 0
    entries = x.reshape(-1)[np.where(outside, 0, origin)] if x.size else np.full(origin.shape, None)
    if outside.any():
        if not is_real(x):
            raise Refused("gather: places outside of an array of integers")
        entries[outside] = UNKNOWN
    return entries


def _options(parameters: dict[str, Any]) -> dict[str, Any]:
    """Of a scattering, without the program that combines two floats."""
    return {k: v for k, v in parameters.items() if k not in ("update_jaxpr", "update_consts")}


@rule(EXACT, "scatter")
def scatter(x: Values, places: Values, updates: Values, **parameters: Any) -> Values:
    """Entries replaced at places."""
    options = _options(parameters)
    numbered = jnp.arange(x.size).reshape(x.shape)
    behind = x.size + jnp.arange(updates.size).reshape(updates.shape)
    origin = jax.lax.scatter(numbered, jnp.asarray(places), behind, **options)
    return np.concatenate([x.reshape(-1), updates.reshape(-1)])[np.asarray(origin)]


@rule("rational stays rational", "scatter-add")
def scatter_add(x: Values, places: Values, updates: Values, **parameters: Any) -> Values:
    """Entries added at places: each update goes where a 1 in its stead would."""
    options = _options(parameters)
    zeros, where = jnp.zeros(x.shape, int), jnp.asarray(places)
    units = jnp.eye(updates.size, dtype=int).reshape(updates.size, *updates.shape)
    arrivals = jax.vmap(lambda u: jax.lax.scatter_add(zeros, where, u, **options))(units)
    total = x.reshape(-1).copy()
    for arrival, update in zip(
        np.asarray(arrivals).reshape(updates.size, -1), updates.flat, strict=True
    ):
        for place in np.flatnonzero(arrival):
            total[place] = total[place] + update
    return total.reshape(x.shape)
