"""Learning problems at rational points, with all their samples; a sample is a vector of counts."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from grpo_checks.experiments.falsifier.constraints import above_zero, inside, interval, simplex
from grpo_checks.experiments.falsifier.statement import Sides
from grpo_checks.theory.generalization.learning import Learned, learned, sample_law
from grpo_checks.theory.generalization.maurer_constant import traced_xi
from grpo_checks.theory.generalization.pac_bayes import Setting
from grpo_checks.theory.numbers.counts import count_vectors, n_vectors

MOST = 10**6
"""Tasks in all count vectors of a point."""
ARRAYS = {
    "delta": inside(),
    "source": simplex("types", support=False),
    "losses": interval("policies", "types"),
    "prior": simplex("policies", default=1),
    "temperature": above_zero(default=1),
}
SOFT = 0.02
"""Of risk, over which a sample goes from holding to failing where a climb needs slopes."""
Bounds = Callable[..., tuple[Any, Any, Any]]
"""Of a point, for all samples: chances, a bound, and the risk that it speaks of, each (C,)."""


def listed(n: int, types: int) -> NDArray[np.int64]:
    """All count vectors (C, Z). Raises ValueError for too many."""
    if n * n_vectors(n, types) > MOST:
        raise ValueError(f"n = {n}: too many samples, expected at most {MOST} tasks in all")
    return count_vectors(n, types)


def samples(
    n: int,
    source: Any,
    losses: Any,
    prior: Any,
    temperature: Any,
    target: Any = None,
    learner: Callable[..., Learned] = learned,
) -> tuple[jax.Array, Learned]:
    """Of all count vectors (C,): chances, and what the Gibbs posterior has learned, in JAX.

    Risk is measured on the source unless there is a target. Raises ValueError for too many.
    """
    counts, risk = listed(n, len(source)), losses @ (source if target is None else target)
    sample = jax.vmap(lambda c: learner(losses, risk, prior, c, temperature))
    return sample_law(counts, source), sample(jnp.asarray(counts, float))


def setting(n: int, delta: Any) -> Setting:
    """What the formulas of bounds are evaluated at, with a named xi(n)."""
    return Setting(jnp.asarray(float(n)), delta, traced_xi(n), jnp.zeros(()))


def failure(bounds: Bounds, soft: bool = False) -> Sides:
    """The chance that a bound is below the risk, and delta.

    ``soft``: with slopes, for a climb; a sample at its limit counts as delta, so that all of them
    together are above delta only where some fail.
    """

    def sides(delta: Any, **point: Any) -> tuple[Any, Any]:
        chance, bound, risk = bounds(delta=delta, **point)
        if soft:
            odds = jnp.log(delta) - jnp.log1p(-delta)
            return chance @ jax.nn.sigmoid((risk - bound) / SOFT + odds), delta
        return chance @ jnp.where(bound < risk, 1.0, 0.0), delta

    return sides


def informative(bounds: Bounds) -> Callable[..., Any]:
    """What the chance of failure never exceeds: 0 for a bound that is below 1 on no sample."""

    def trivial(**point: Any) -> Any:
        chance, bound, _ = bounds(**point)
        return jnp.where(((bound < 1) & (chance > 0)).any(), jnp.inf, 0.0)

    return trivial
