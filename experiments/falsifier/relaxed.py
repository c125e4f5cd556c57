"""Choice models with real numbers, differentiable: what falsifiers climb on.

Rewards are real here, so that groups are listed and advantages computed without telling classes of
equal rewards apart; ``theory.estimators.group_law`` needs them fixed. Of `leave_one_out` all of it
is enclosed exactly.
"""

from functools import cache
from itertools import accumulate
from math import comb
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from numpy.typing import NDArray

from grpo_checks.theory.estimators.advantages import Estimator, inverse_sd
from grpo_checks.theory.rational.multinomial import check_ways, compositions
from grpo_checks.theory.updates.ustatistic import Noise, moments


class Kinds(NamedTuple):
    """Of one prompt, as ``theory.rational.choices.choice.Kind``."""

    chance: Float[Array, " N"]
    rewards: Float[Array, "N K"]
    score: Float[Array, "N n"]


class Moments(NamedTuple):
    """E[g], and E|g|^2 - |E[g]|^2, of one prompt's update."""

    mean: Float[Array, " n"]
    variance: Float[Array, ""]


@cache
def listed_groups(group_size: int, n_kinds: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """All groups without order: how many members of each kind (M, N), and in how many ways these
    are chosen among those of this kind and of the kinds before, (M, N).

    Raises ValueError where there are too many to list.
    """
    check_ways("group_size", group_size, n_kinds)
    counts = list(compositions(group_size, n_kinds))
    ways = [list(map(comb, accumulate(c), c)) for c in counts]
    return np.array(counts, float), np.array(ways)


class Groups(NamedTuple):
    """All groups without order."""

    chance: Float[Array, " M"]
    counts: NDArray[np.float64]
    """How many members of each kind, (M, N)."""
    advantage: Float[Array, "M N"]
    """Of a member of each kind."""


def _scaled(
    values: Float[Array, " N"],
    counts: NDArray[np.float64],
    size: int,
    estimator: Estimator,
    eps: Any,
) -> Float[Array, "M N"]:
    # Of differences: equal rewards leave exactly 0, however far from a short number their mean is.
    centred = jnp.asarray(counts) @ (values[None] - values[:, None]) / size
    if estimator.is_plain:
        # Divided in the program, where fractions stay what they are.
        return size * centred / (size - 1) if estimator.name == "leave_one_out" else centred
    spread = (counts * jnp.square(centred)).sum(1)
    return centred * inverse_sd(spread, size - estimator.ddof, eps)[:, None]


def groups(
    kinds: Kinds, weights: Float[Array, " K"], size: int, estimator: Estimator, eps: Any = None
) -> Groups:
    """Listed; ``eps``: in place of the estimator's, where it is exact or climbed."""
    counts, ways = listed_groups(size, kinds.chance.shape[0])
    # Whole numbers until here: a product of the ways has more digits than a float.
    chance = jnp.prod(jnp.asarray(ways).astype(float) * kinds.chance[None] ** counts, 1)
    eps = jnp.asarray(estimator.eps if eps is None else eps, float)
    if estimator.name == "componentwise_normalized":
        columns = zip(weights, kinds.rewards.T, strict=True)
        every = sum(w * _scaled(c, counts, size, estimator, eps) for w, c in columns)
    else:
        every = _scaled(kinds.rewards @ weights, counts, size, estimator, eps)
    return Groups(chance, counts, every)


def update(
    kinds: Kinds,
    weights: Float[Array, " K"],
    group_size: int,
    estimator: Estimator,
    eps: Any = None,
) -> Moments:
    """By listing groups."""
    chance, counts, every = groups(kinds, weights, group_size, estimator, eps)
    g = (counts * every) @ kinds.score / group_size
    mean = chance @ g
    return Moments(mean, chance @ jnp.square(g - mean[None]).sum(1))


def noise(kinds: Kinds, weights: Float[Array, " K"]) -> Noise:
    """What the error of `leave_one_out` depends on, from pairs of episodes."""
    composite = kinds.rewards @ weights
    return moments(kinds.chance, composite, composite - kinds.chance @ composite, kinds.score)
