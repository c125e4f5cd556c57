"""Rules that look entries up, put them in and add them at places: gather and scatter.

They are run by JAX on the *places* of the entries, and the entries are looked up: no index
arithmetic is written a second time.
"""

from functools import partial
from typing import Any

import jax
import numpy as np
from jax.lax import GatherScatterMode

from grpo_checks.theory.arithmetic.numbers import UNKNOWN
from grpo_checks.theory.arithmetic.registry import Refused, Values, is_real, rule
from grpo_checks.theory.arithmetic.structure import EXACT

MODES = ("dimension_numbers", "indices_are_sorted", "unique_indices", "mode")
# One program for each of them, not one for each of JAX's own steps. They are given arrays of NumPy:
# ``jnp.asarray`` of one compiles a copy for each shape.
_gather = jax.jit(jax.lax.gather, static_argnames=(*MODES, "slice_sizes", "fill_value"))
_scatter = jax.jit(jax.lax.scatter, static_argnames=MODES)


@partial(jax.jit, static_argnames=MODES)
def _arrivals(zeros: Any, places: Any, units: Any, **options: Any) -> Any:
    """Where each of some updates goes."""
    return jax.vmap(lambda u: jax.lax.scatter_add(zeros, places, u, **options))(units)


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
        numbered = np.arange(x.size).reshape(x.shape)
        origin = np.asarray(_gather(numbered, places, fill_value=-1, **parameters))
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
    numbered = np.arange(x.size).reshape(x.shape)
    behind = x.size + np.arange(updates.size).reshape(updates.shape)
    origin = _scatter(numbered, places, behind, **options)
    return np.concatenate([x.reshape(-1), updates.reshape(-1)])[np.asarray(origin)]


@rule("rational stays rational", "scatter-add")
def scatter_add(x: Values, places: Values, updates: Values, **parameters: Any) -> Values:
    """Entries added at places: each update goes where a 1 in its stead would."""
    options = _options(parameters)
    units = np.eye(updates.size, dtype=int).reshape(updates.size, *updates.shape)
    arrivals = _arrivals(np.zeros(x.shape, int), places, units, **options)
    total = x.reshape(-1).copy()
    for arrival, update in zip(
        np.asarray(arrivals).reshape(updates.size, -1), updates.flat, strict=True
    ):
        for place in np.flatnonzero(arrival):
            total[place] = total[place] + update
    return total.reshape(x.shape)
