"""Priors learned from a part of the tasks: the split prior, and the recursive bound, exactly.

S is S_1 with n_1 tasks and S_2 with n_2. *Split*: P_1 is the Gibbs posterior of S_1, Q that of S,
and the kl-xi bound uses S_2 alone, so that KL(Q ‖ P_1) is small and n_2 < n. *Recursive* (Wu et al.
2024, arXiv:2405.14681, two stages): P_1 is certified with all of S, and Q by its excess loss over
it, l(Q) - gamma l(P_1) in [-gamma, 1], on S_2:

    L(Q) <= (bound on the excess) + gamma (bound on L(P_1)), delta/2 each.

The excess is split at b = (-gamma, 0, 1-gamma, 1) into b_0 + sum_j (b_j - b_{j-1}) F_j with
F_j in [0,1], and each of the three F_j gets a kl-xi bound at delta/6 (split-kl). P_1's loss on a
task is its exact mean, so that no draw of a policy enters.
"""

from itertools import pairwise
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from grpo_checks.theory.generalization.coverage import bound_rounding
from grpo_checks.theory.generalization.learning import Learning, gibbs, mixed
from grpo_checks.theory.generalization.maurer_constant import xi
from grpo_checks.theory.generalization.pac_bayes import check_level, maurer
from grpo_checks.theory.numbers.counts import (
    chance_roundings,
    check_tasks,
    count_vectors,
    failing,
    log_chances,
    n_vectors,
    quantile,
)
from grpo_checks.theory.updates.rounding import accumulated

CHUNK = 2**13
GAMMA = 0.5
MAX_PAIRS = 10**7


class Prices(NamedTuple):
    """xi of the whole sample and of S_2."""

    sample: Float[Array, ""]
    second: Float[Array, ""]


def split_bound(
    problem: Learning,
    learned: Float[Array, " M"],
    fresh: Float[Array, " Z"],
    divergence: Float[Array, ""],
    delta: Float[Array, ""],
    prices: Prices,
) -> Float[Array, ""]:
    """kl-xi on S_2 with the prior from S_1; ``fresh`` are the counts of S_2."""
    empirical = mixed(problem.empirical(fresh), learned)
    return maurer(empirical, divergence, fresh.sum(), delta, prices.second)


def excess_bound(
    excess: Float[Array, "M Z"],
    learned: Float[Array, " M"],
    fresh: Float[Array, " Z"],
    divergence: Float[Array, ""],
    delta: Float[Array, ""],
    price: Float[Array, ""],
) -> Float[Array, ""]:
    """Upper bound on E_Q of a loss in [-GAMMA, 1], by three kl bounds at delta/3."""
    ends, n = (-GAMMA, 0.0, 1 - GAMMA, 1.0), fresh.sum()
    total = jnp.asarray(ends[0])
    for low, high in pairwise(ends):
        part = jnp.clip((excess - low) / (high - low), 0.0, 1.0)
        mean = jnp.clip(learned @ part @ fresh / n, 0.0, 1.0)
        total = total + (high - low) * maurer(mean, divergence, n, delta / 3, price)
    return total


def _one(
    problem: Learning,
    first: Float[Array, " Z"],
    fresh: Float[Array, " Z"],
    temperature: Float[Array, ""],
    delta: Float[Array, ""],
    prices: Prices,
) -> tuple[Float[Array, ""], Float[Array, ""], Float[Array, " 3"]]:
    """Of one pair of samples: Lhat(Q) on S, L_S(Q), and three bounds."""
    counts = first + fresh
    n = counts.sum()
    prior, kl_first = gibbs(problem.prior, -problem.loss @ first / temperature)
    learned, kl_plain = gibbs(problem.prior, -problem.loss @ counts / temperature)
    _, divergence = gibbs(prior, -problem.loss @ fresh / temperature)
    empirical = mixed(problem.empirical(counts), learned)
    plain = maurer(empirical, kl_plain, n, delta, prices.sample)
    split = split_bound(problem, learned, fresh, divergence, delta, prices)
    base = prior @ problem.loss
    stage = maurer(mixed(base, counts / n), kl_first, n, delta / 2, prices.sample)
    excess = problem.loss - GAMMA * base[None]
    step = excess_bound(excess, learned, fresh, divergence, delta / 2, prices.second)
    bounds = jnp.stack([plain, split, jnp.minimum(step + GAMMA * stage, 1.0)])
    return empirical, mixed(problem.risk, learned), bounds


_chunk = jax.jit(jax.vmap(_one, (None, 0, 0, None, None, None)))
"""Of many pairs of samples."""


class SplitCoverage(NamedTuple):
    """Exact, for "plain", "split" and "recursive" in this order, at one posterior."""

    failure: np.ndarray
    mean_bound: np.ndarray
    mean_offset: np.ndarray
    oracle_offset: float
    rounding: np.ndarray
    """Of ``failure``."""


NAMES = ("plain", "split", "recursive")


def split_coverage(
    problem: Learning, n_first: int, n_second: int, temperature: float, delta: float
) -> SplitCoverage:
    """Exact coverage of the three, by enumerating the counts of S_1 and of S_2.

    Raises ValueError for more than 10^7 pairs of count vectors or a delta outside (0,1).
    """
    check_level("delta", delta)
    check_tasks(n_first, "n_first")
    check_tasks(n_second, "n_second")
    types, chance = problem.loss.shape[1], np.asarray(problem.chance)
    rows = [n_vectors(n, types) for n in (n_first, n_second)]
    if rows[0] * rows[1] > MAX_PAIRS:
        raise ValueError(
            f"n = {n_first} + {n_second}: {rows[0] * rows[1]} pairs, expected at most {MAX_PAIRS}"
        )
    first, second = count_vectors(n_first, types), count_vectors(n_second, types)
    logs = [log_chances(c, chance) for c in (first, second)]
    prices = Prices(jnp.asarray(xi(n_first + n_second)), jnp.asarray(xi(n_second)))
    fixed = (jnp.asarray(temperature), jnp.asarray(delta), prices)
    parts = []
    for start in range(0, rows[0] * rows[1], CHUNK):
        pair = np.arange(start, start + CHUNK)
        inside = pair < rows[0] * rows[1]
        i, j = np.divmod(np.where(inside, pair, 0), rows[1])
        weight = np.where(inside, np.exp(logs[0][i] + logs[1][j]), 0.0)
        numbers = _chunk(problem, first[i].astype(float), second[j].astype(float), *fixed)
        parts.append(np.column_stack([weight, *(np.asarray(x) for x in numbers)]))
    table = np.concatenate(parts)
    weight, empirical, risk, bounds = table[:, 0], table[:, 1], table[:, 2], table[:, 3:]
    error = bound_rounding(problem, n_first + n_second, temperature, [delta])
    share = accumulated(2 * chance_roundings(n_first + n_second, chance) + len(weight))
    failure, off = np.array([failing(b, risk, weight, error, share) for b in bounds.T]).T
    return SplitCoverage(
        failure,
        weight @ bounds,
        weight @ (bounds - empirical[:, None]),
        quantile(risk - empirical, weight, delta),
        off,
    )
