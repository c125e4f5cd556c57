"""Learning problems of Theorem 3: tasks are the prompts of an instance, policies a fixed class.

At rational points a problem has the fields of ``ARRAYS`` and ``n``; a sample is a vector of counts.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from math import comb
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from grpo_checks.experiments.falsifier.constraints import above_zero, inside, interval, simplex
from grpo_checks.experiments.falsifier.statement import Sides
from grpo_checks.experiments.models.instances import InstanceSpec, build, named
from grpo_checks.experiments.protocol.claim import Scope
from grpo_checks.theory.generalization.coverage import Coverage, coverage
from grpo_checks.theory.generalization.learning import (
    Learned,
    Learning,
    deterministic_policies,
    learned,
    merged,
    policy_losses,
    sample_law,
    sampled_policies,
)
from grpo_checks.theory.generalization.maurer_constant import traced_xi
from grpo_checks.theory.generalization.pac_bayes import Setting
from grpo_checks.theory.mdp.policy import Tabular
from grpo_checks.theory.numbers.counts import count_vectors, n_vectors

POLICIES = 50
TEMPERATURES = (0.1, 1.0, 10.0)
DELTAS = (0.01, 0.05, 0.2)
# Count vectors of one cell; the 3.5 million of n = 50 with 6 types have a line of their own.
LARGEST = 300_000
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


@dataclass(frozen=True)
class ProblemSpec:
    """An instance with a class of policies: 50 sampled softmax ones, or all deterministic ones."""

    instance: InstanceSpec
    deterministic: bool = False

    def parameters(self) -> dict[str, object]:
        """The columns that tell this problem from others in a table."""
        problem = build_problem(self)
        policies, types = problem.loss.shape
        kind = "deterministic" if self.deterministic else "sampled"
        return {"types": types, "policies": policies, "policy_class": kind}


@lru_cache(maxsize=32)
def build_problem(spec: ProblemSpec) -> Learning:
    """Exact losses of every policy of the class on every prompt, uniform prior."""
    instance = build(spec.instance)
    mdp, policy = instance.mdp, instance.policy
    if spec.deterministic:
        assert isinstance(policy, Tabular)
        losses = policy_losses(mdp, deterministic_policies(mdp, policy))
    else:
        losses = policy_losses(mdp, sampled_policies(policy, POLICIES))
    problem = Learning(np.asarray(losses), np.asarray(mdp.prompt_distribution))
    return merged(problem) if spec.deterministic else problem


@lru_cache(maxsize=512)
def exact(
    spec: ProblemSpec, n: int, temperature: float, deltas: tuple[float, ...] = DELTAS
) -> Coverage:
    """Exact coverage of all bounds; shared by the claims of one command."""
    return coverage(build_problem(spec), n, temperature, deltas)


def specialists(types: int = 3, deterministic: bool = False) -> ProblemSpec:
    """The problem most of Theorem 3 is shown on."""
    return ProblemSpec(named("specialists", components=1, types=types), deterministic)


def problems(scope: Scope) -> list[ProblemSpec]:
    """Of a profile, or of the one instance that was asked for."""
    if scope.instance is not None:
        return [ProblemSpec(scope.instance)]
    specs = [specialists(), ProblemSpec(named("conflict", components=1))]
    if scope.profile == "paper":
        specs += [ProblemSpec(named(name, components=3)) for name in ("search", "coding")]
        specs.append(ProblemSpec(named("random", components=2, prompts=3)))
    return specs


def feasible(spec: ProblemSpec, sizes: tuple[int, ...]) -> list[int]:
    """The sample sizes whose count vectors can be listed in a moment."""
    types = build_problem(spec).loss.shape[1]
    return [n for n in sizes if comb(n + types - 1, types - 1) <= LARGEST]


def samples(
    n: int, source: Any, losses: Any, prior: Any, temperature: Any, target: Any = None
) -> tuple[jax.Array, Learned]:
    """Of all count vectors (C,): chances, and what the Gibbs posterior has learned, in JAX.

    Risk is measured on the source unless there is a target. Raises ValueError for too many.
    """
    if n * n_vectors(n, len(source)) > MOST:
        raise ValueError(f"n = {n}: too many samples, expected at most {MOST} tasks in all")
    counts, risk = count_vectors(n, len(source)), losses @ (source if target is None else target)
    sample = jax.vmap(lambda c: learned(losses, risk, prior, c, temperature))
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
