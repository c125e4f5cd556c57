"""Exact coverage: how often a bound fails, how large it is, and how small it could be.

The sample enters only through the counts of outcomes, so that the probability that a bound fails
is a finite sum over count vectors with multinomial weights; nothing is drawn (derived).
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from numpy.typing import NDArray

from grpo_checks.theory.generalization.learning import Learned, Learning, learn, padded
from grpo_checks.theory.generalization.maurer_constant import xi
from grpo_checks.theory.generalization.pac_bayes import Setting, all_bounds, check_level
from grpo_checks.theory.numbers.counts import (
    chance_roundings,
    count_vectors,
    log_chances,
    n_vectors,
    quantile,
)
from grpo_checks.theory.updates.rounding import accumulated

CHUNK = 2**13
"""Count vectors at a time: one compilation serves every n, temperature and delta."""
Rule = Callable[[Learned, Setting], Float[Array, "B ..."]]
Learner = Callable[[Learning, Float[Array, " Z"], Float[Array, ""]], Learned]


class Sums(NamedTuple):
    """Weighted sums over count vectors, for each bound and each delta."""

    failure: Float[Array, "B D"]
    bound: Float[Array, "B D"]
    offset: Float[Array, "B D"]
    near: Float[Array, "B D"]
    """Of samples whose bound and risk are equal up to rounding, but not both 1."""
    useful: Float[Array, "B D"]
    """Of samples whose bound is below 1."""


@partial(jax.jit, static_argnames=("rule", "learner"))
def _chunk(
    problem: Learning,
    counts: Float[Array, "C Z"],
    weight: Float[Array, " C"],
    temperature: Float[Array, ""],
    settings: Setting,
    error: Float[Array, ""],
    rule: Rule,
    learner: Learner,
) -> tuple[Sums, Learned]:
    """``settings``: one number a delta in each field."""
    learned = jax.vmap(lambda c: learner(problem, c, temperature))(counts)
    bound = jax.vmap(lambda at: rule(learned, at), out_axes=1)(settings)
    risk, offset = learned.risk[None, None], bound - learned.empirical[None, None]
    near = (jnp.abs(bound - risk) <= error) & (bound < 1)
    numbers = (bound < risk, bound, offset, near, bound < 1)
    return Sums(*(x @ weight for x in numbers)), learned


def chunks(
    problem: Learning, n: int, width: int
) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Count vectors (CHUNK, width) and their probabilities (CHUNK,).

    Filled up with impossible outcomes, and with count vectors of probability 0.
    """
    types, chance = problem.loss.shape[1], np.asarray(problem.chance)
    for first in range(0, n_vectors(n, types), CHUNK):
        counts = count_vectors(n, types, first, first + CHUNK)
        weight = np.exp(log_chances(counts, chance))
        short = CHUNK - len(counts)
        filled = np.pad(counts.astype(float), ((0, short), (0, 0)), mode="edge")
        yield np.pad(filled, ((0, 0), (0, width - types))), np.pad(weight, (0, short))


class Coverage(NamedTuple):
    """What is known exactly of every bound at one (problem, n, temperature); axes: bound, delta."""

    failure: NDArray[np.float64]
    """P(L_S(Q) > bound)."""
    mean_bound: NDArray[np.float64]
    mean_offset: NDArray[np.float64]
    """E[bound - Lhat(Q)]."""
    oracle_offset: NDArray[np.float64]
    """Per delta: the (1-delta) quantile of L_S(Q) - Lhat(Q)."""
    mean_empirical: float
    mean_risk: float
    mean_divergence: float
    rounding: NDArray[np.float64]
    """Of ``failure``: its weights, and the samples that rounding may have put on either side."""
    mean_rounding: float
    """Of the means of bounds and offsets."""
    trivial: NDArray[np.bool_]
    """Whether the bound is 1 for every sample that occurs."""


def bound_rounding(problem: Learning, n: int, temperature: float, deltas: Sequence[float]) -> float:
    """Of a bound less the risk: sums over policies and outcomes, exponents of up to n/temperature.

    Nats off by e move kl^{-1}(q, c) by at most e/(n c) <= e/ln(1/delta), since kl is convex.
    """
    policies, outcomes = problem.loss.shape
    steep = max(1.0, *(-1 / float(np.log(delta)) for delta in deltas))
    return accumulated(4 * (policies + outcomes + 16) * (1 + n / temperature) * steep)


def coverage(
    problem: Learning,
    n: int,
    temperature: float,
    deltas: Sequence[float],
    rule: Rule = all_bounds,
    shift: float = 0.0,
    learner: Learner = learn,
) -> Coverage:
    """Exact coverage of each bound of ``rule`` at each of ``deltas``, by enumeration.

    ``rule`` gives bounds from what was learned, ``learner`` what is learned from counts: by default
    all of ``BOUNDS`` and the Gibbs posterior. ``shift`` is added to the bounds.

    Raises ValueError for deltas outside (0,1), a temperature that is not positive, or more than
    10^8 count vectors.
    """
    for delta in deltas:
        check_level("delta", delta)
    if not temperature > 0:
        raise ValueError(f"temperature = {temperature}: expected a positive number")
    ones = np.ones(len(deltas))
    columns = (n * ones, np.array(deltas), xi(n) * ones, shift * ones)
    settings = Setting(*(jnp.asarray(x) for x in columns))
    total, parts, wide = None, [], padded(problem)
    error = bound_rounding(problem, n, temperature, deltas)
    fixed = (jnp.asarray(float(temperature)), settings, jnp.asarray(error), rule, learner)
    for counts, weight in chunks(problem, n, wide.chance.size):
        sums, learned = _chunk(wide, counts, weight, *fixed)
        total = sums if total is None else jax.tree.map(jnp.add, total, sums)
        kept = weight > 0
        parts.append(np.stack([weight, *(np.asarray(x) for x in learned)])[:, kept])
    assert total is not None
    weight, empirical, _, risk, divergence = np.concatenate(parts, 1)
    oracle = [quantile(risk - empirical, weight, delta) for delta in deltas]
    sums = jax.tree.map(np.asarray, total)
    share = accumulated(chance_roundings(n, np.asarray(problem.chance)) + CHUNK + len(parts))
    return Coverage(
        failure=sums.failure,
        mean_bound=sums.bound,
        mean_offset=sums.offset,
        oracle_offset=np.array(oracle),
        mean_empirical=float(weight @ empirical),
        mean_risk=float(weight @ risk),
        mean_divergence=float(weight @ divergence),
        rounding=sums.near + share * (sums.failure + sums.near),
        mean_rounding=error + 2 * share,
        trivial=sums.useful == 0,
    )
