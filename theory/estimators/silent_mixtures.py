"""All silent groups of different reward vectors, where count vectors are too many to be listed.

They are groups over antichains (``theory.estimators.cancelling``), which are few where vectors are.
"""

from itertools import islice
from math import comb
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float
from numpy.typing import NDArray
from scipy.special import gammaln

from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.estimators.cancelling import antichains
from grpo_checks.theory.estimators.group_counts import advantages
from grpo_checks.theory.numbers.counts import count_vectors

MAX_GROUPS, MAX_CHAINS = 20_000, 2_000


class Mixtures(NamedTuple):
    """Silent groups of different vectors: up to M over V vectors, filled up with 0 ways."""

    counts: Float[Array, "M V"]
    log_ways: Float[Array, " M"]
    """Logarithms of multinomial coefficients."""
    all_silent: Bool[Array, ""]
    """Whether no group over these vectors ever speaks."""

    def chance(self, law: Float[Array, " V"]) -> Float[Array, ""]:
        """P(one of them)."""
        occurs = law > 0
        possible = self.counts @ (~occurs).astype(float) == 0
        logs = self.log_ways + self.counts @ jnp.log(jnp.where(occurs, law, 1.0))
        return jnp.where(possible, jnp.exp(logs), 0.0).sum()


def silent_mixtures(
    columns: NDArray[np.float64],
    weights: NDArray[np.float64],
    group_size: int,
    estimator: Estimator,
    room: int,
) -> Mixtures | None:
    """For different reward vectors ``columns (V, K)``; None: too many groups to look at.

    In the shape of those for groups of ``room``, where these are not too many.
    """
    chains = _few(columns, group_size)
    if chains is None:
        return None
    silent = [np.zeros((0, len(columns)))]
    for chain in chains:
        counts = _containing(len(chain), group_size)
        speaks = advantages(columns[list(chain)], weights, counts, estimator)[1]
        rows = np.zeros((int((~speaks).sum()), len(columns)))
        rows[:, list(chain)] = counts[~speaks]
        silent.append(rows)
    groups = np.concatenate(silent)
    log_ways = gammaln(group_size + 1) - gammaln(groups + 1).sum(1)
    kinds = comb(group_size + len(columns) - 1, group_size) - len(columns)
    larger = _few(columns, room) if room > group_size else None
    needed = _groups(chains, group_size) if larger is None else _groups(larger, room)
    return _filled(groups, log_ways, len(groups) == kinds, needed)


def _few(columns: NDArray[np.float64], group_size: int) -> list[tuple[int, ...]] | None:
    """The antichains of groups of this size; None: too many, or too many groups over them."""
    chains = list(islice(antichains(columns, group_size), MAX_CHAINS + 1))
    many = len(chains) > MAX_CHAINS or _groups(chains, group_size) > MAX_GROUPS
    return None if many else chains


def _containing(vectors: int, group_size: int) -> NDArray[np.int64]:
    """Count vectors without a 0."""
    spare = group_size - vectors
    return 1 + (count_vectors(spare, vectors) if spare else np.zeros((1, vectors), np.int64))


def _groups(chains: list[tuple[int, ...]], group_size: int) -> int:
    """How many there are in which each vector of a chain occurs."""
    return sum(comb(group_size - 1, len(chain) - 1) for chain in chains)


def _filled(
    counts: NDArray[np.float64], log_ways: NDArray[np.float64], all_silent: bool, rows: int
) -> Mixtures:
    missing = rows - len(counts)
    counts = np.pad(counts, ((0, missing), (0, 0)))
    log_ways = np.pad(log_ways, (0, missing), constant_values=-np.inf)
    return Mixtures(*jax.device_put((counts, log_ways, np.array(all_silent))))
