"""Laws of totals: sums of independent draws of several kinds on one lattice."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from grpo_checks.theory.estimators.group_law import MAX_ENTRIES, SAMPLING
from grpo_checks.theory.estimators.lattice import Lattice
from grpo_checks.theory.numbers.tracing import traced_once


@traced_once
def law_of_total(
    points: Lattice, kinds: Float[Array, "Q C"], draws: Int[Array, " Q"]
) -> Float[Array, " N"]:
    """P(total) of ``draws[q]`` draws of each kind q, which is class c with chance ``kinds[q, c]``.

    As ``lattice_law``, which has a term of the program for each class; a batch has too many.
    """
    start = jnp.zeros(points.point.shape[0]).at[0].set(1.0)
    ends = jnp.cumsum(draws)

    def draw(i: Int[Array, ""] | int, mass: Float[Array, " N"]) -> Float[Array, " N"]:
        kind = jnp.searchsorted(ends, i, side="right")
        return jnp.concatenate([mass, jnp.zeros(1)])[points.source] @ kinds[kind]

    return jax.lax.fori_loop(0, ends[-1], draw, start)


def check_entries(what: str, needed: int) -> None:
    """Raises ValueError, with the cost, where a table would be too large."""
    if needed > MAX_ENTRIES:
        raise ValueError(f"{what}: {needed} entries, expected at most {MAX_ENTRIES}; {SAMPLING}")
