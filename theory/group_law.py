"""The exact law of group-relative advantages, by summing over count vectors of reward classes.

The advantage of a member depends on its group only through how many members earned each reward,
so E[A_1 | r_1 = v] is a finite sum over the counts of the other members (derived).
"""

from functools import lru_cache
from itertools import combinations
from math import comb, factorial, prod
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from theory.advantages import Estimator, check_group_size, scale

MAX_ENTRIES = 50_000_000
"""Of the largest array: 400 MB in float64."""


class GroupLaw(NamedTuple):
    """Conditional moments of advantages given the reward classes of one or two members."""

    mean: Float[Array, " C"]
    """h(v) = E[A_1 | r_1 = v]."""
    square: Float[Array, " C"]
    """E[A_1^2 | r_1 = v]."""
    cross: Float[Array, "C C"]
    """E[A_1 A_2 | r_1 = v, r_2 = u]."""


@lru_cache(maxsize=32)
def _count_vectors(n_classes: int, total: int) -> tuple[np.ndarray, np.ndarray]:
    """All count vectors (M, C) that sum to ``total``, with their multinomial coefficients (M,)."""
    bars = combinations(range(total + n_classes - 1), n_classes - 1)
    edges = np.array([(-1, *b, total + n_classes - 1) for b in bars], dtype=np.int64)
    counts = np.diff(edges, axis=1) - 1
    ways = [factorial(total) // prod(factorial(int(n)) for n in row) for row in counts]
    return counts, np.array(ways, dtype=float)


def _multinomial(
    law: Float[Array, " C"], total: int
) -> tuple[Float[Array, "M C"], Float[Array, " M"]]:
    """Count vectors of ``total`` draws and their probabilities; a polynomial in ``law``."""
    counts, ways = _count_vectors(law.shape[0], total)
    # Powers by products, not by exp(n log p): exact and differentiable at p = 0.
    ones = jnp.ones((law.shape[0], 1))
    factors = jnp.broadcast_to(law[:, None], (law.shape[0], total))
    powers = jnp.concatenate([ones, jnp.cumprod(factors, 1)], 1)
    chosen = powers[jnp.arange(law.shape[0])[None], counts]
    return jnp.asarray(counts, float), jnp.asarray(ways) * chosen.prod(1)


def _advantage(
    counts: Float[Array, "M C"],
    composite: Float[Array, " C"],
    estimator: Estimator,
    group_size: int,
) -> Float[Array, "M C"]:
    """The advantage of a member of each class in groups with these counts (each sums to G)."""
    # Measured from the first class that occurs, so that a silent group is recognised exactly.
    origin = composite[(counts > 0).argmax(1)]
    apart = composite[None] - origin[:, None]
    centred = apart - (counts * apart).sum(1, keepdims=True) / group_size
    spread = (counts * jnp.square(centred)).sum(1, keepdims=True)
    return centred * scale(spread, group_size, estimator)


def group_law(
    law: Float[Array, " C"], composite: Float[Array, " C"], group_size: int, estimator: Estimator
) -> GroupLaw:
    """Exact conditional moments of advantages for rewards with probabilities ``law`` (sum 1).

    ``composite (C,)``: the reward of each class, equal floats for equal rewards. Polynomial in
    ``law``, hence differentiable; batch over prompts with ``vmap``. Raises ValueError for a group
    size below 2, or one whose arrays or coefficients would be too large.
    """
    check_group_size(group_size)
    n_classes = law.shape[0]
    needed = comb(group_size + n_classes - 2, n_classes - 1)
    pairs = comb(group_size + n_classes - 3, n_classes - 1)
    entries = max(needed * n_classes**2, pairs * n_classes**3)
    # Beyond 10^300 the multinomial coefficients leave float64.
    if entries > MAX_ENTRIES or n_classes**group_size > 10**300:
        raise ValueError(
            f"group_size = {group_size} with {n_classes} reward classes: {needed} count vectors, "
            f"arrays of {entries} entries, expected at most {MAX_ENTRIES}"
        )
    unit = jnp.eye(n_classes)
    others, weight = _multinomial(law, group_size - 1)

    def one(v: Float[Array, " C"]) -> tuple[Float[Array, ""], Float[Array, ""]]:
        mine = _advantage(others + v[None], composite, estimator, group_size) @ v
        return weight @ mine, weight @ jnp.square(mine)

    rest, rest_weight = _multinomial(law, group_size - 2)

    def two(v: Float[Array, " C"], u: Float[Array, " C"]) -> Float[Array, ""]:
        both = _advantage(rest + (v + u)[None], composite, estimator, group_size)
        return rest_weight @ ((both @ v) * (both @ u))

    mean, square = jax.vmap(one)(unit)
    cross = jax.vmap(lambda v: jax.vmap(lambda u: two(v, u))(unit))(unit)
    return GroupLaw(mean, square, cross)
