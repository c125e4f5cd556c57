"""The numbers that claims on corr(r_k, A) compare, for every prompt of an instance."""

from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from numpy.typing import NDArray

from grpo_checks.experiments.models.instances import InstanceSpec, build
from grpo_checks.theory.estimators.advantages import Estimator, EstimatorName
from grpo_checks.theory.estimators.group_law import GroupLaw, group_law
from grpo_checks.theory.evaluation.values import Theta, reward_law
from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.mdp.policy import Policy
from grpo_checks.theory.updates.correlation import (
    component_moments,
    group_correlations,
    limit_correlations,
    limits,
)
from grpo_checks.theory.updates.rounding import COMMON, accumulated, law_roundings, sweep_roundings

Floats = NDArray[np.float64]
JOINT, DECOUPLED = Estimator("group_normalized"), Estimator("componentwise_normalized")
ESTIMATORS = (JOINT, DECOUPLED)


class Prompt(NamedTuple):
    """One prompt of an instance: the law of its rewards and what the formulas say of it."""

    law: Floats
    rarer: Floats
    """The chance of a component's largest reward, or of all others where that is smaller, (K,)."""
    mean: Floats
    """J_qk, (K,), as all that follow."""
    formulas: dict[EstimatorName, Floats]
    """The limits, by estimator."""
    limits: dict[EstimatorName, Floats]
    """The same without assumptions, from the law."""
    squares: Floats
    """The joint formula with variances: a mutant."""
    obstacle: str
    """Why the formulas say nothing; empty if they do."""
    error: dict[EstimatorName, float]
    """Of a correlation of the limit, and of a formula for it."""


@jax.jit
def _numbers(mdp: TAMDP, policy: Policy, theta: Theta) -> tuple[Any, ...]:
    """For every prompt at once."""

    def one(law: Float[Array, " C"]) -> tuple[Any, ...]:
        moments = component_moments(mdp, law)
        formulas = limits(mdp.weights, moments.deviation)
        squares = limits(mdp.weights, moments.deviation**2)[0]
        exact = limit_correlations(mdp, law)
        return (
            moments.mean,
            moments.deviation,
            moments.largest_correlation,
            formulas,
            exact,
            squares,
            law,
        )

    return jax.vmap(one)(reward_law(mdp, policy.probs(theta)))


@eqx.filter_jit
def _correlations(
    mdp: TAMDP, laws: Float[Array, "Q C"], groups: Sequence[GroupLaw]
) -> list[Float[Array, "Q K"]]:
    return [jax.vmap(lambda law, g=g: group_correlations(mdp, law, g))(laws) for g in groups]


class _Scale(NamedTuple):
    """By how much more products with a centred reward may be off than its standard deviation."""

    law: float
    """The root mean square of its differences to the likeliest outcome, without their signs."""
    group: float
    """The same where a group may hold two rewards that are all but equal."""


def _scale(column: Floats, law: Floats, largest: float) -> _Scale:
    """Differences of a reward in [0, ``largest``] are off by a share of that."""
    met, chance = column[law > 0], law[law > 0]
    difference = met - column[law.argmax()]
    if not difference.any():
        return _Scale(1.0, 1.0)
    spread = np.sqrt(chance @ (difference - chance @ difference) ** 2)
    moved = np.where(difference == 0, 0.0, largest)
    ratio = float(np.sqrt(chance @ (moved + chance @ moved) ** 2) / spread)
    return _Scale(ratio, max(ratio, largest / float(np.diff(np.unique(met)).min())))


def _conditioning(mdp: TAMDP, law: Floats) -> dict[EstimatorName, _Scale]:
    """Of E[r_k A]/(sigma_k sd(A)): products of a component with the composite, or with another."""
    columns = np.asarray(mdp.class_vector).T
    parts = [max(x) for x in zip(*(_scale(c, law, 1.0) for c in columns), strict=True)]
    joint = _scale(np.asarray(mdp.class_composite), law, float(mdp.max_reward))
    scales = {JOINT.name: joint, DECOUPLED.name: _Scale(*parts)}
    return {name: _Scale(x.law * parts[0], x.group * parts[0]) for name, x in scales.items()}


def _rarer(mdp: TAMDP, law: Floats) -> Floats:
    columns = np.asarray(mdp.class_vector)
    best = columns == columns.max(0)
    return np.asarray(np.minimum(law @ best, law @ ~best))


@cache
def prompts(spec: InstanceSpec) -> list[Prompt]:
    """Of an instance."""
    _, mdp, policy, theta, *_ = build(spec)
    numbers_of_prompts = jax.tree.map(np.asarray, _numbers(mdp, policy, theta))
    mean, _, correlated, formulas, exactly, squares, law = numbers_of_prompts
    listed, columns = [], np.asarray(mdp.class_vector)
    steps = 2 * sweep_roundings(mdp, policy, theta) + law.shape[1] + len(mdp.weights)
    for q in range(len(law)):
        met, obstacle = columns[law[q] > 0], ""
        scales = _conditioning(mdp, law[q])
        # K - 1 other components, each uncorrelated up to its rounding error.
        share = accumulated(COMMON * steps) * (1 + len(mdp.weights))
        error = {name: share * scale.law for name, scale in scales.items()}
        if (met == met[0]).all(0).any():
            obstacle = "a component that does not vary"
        elif correlated[q] > error[DECOUPLED.name]:
            obstacle = f"components correlated, up to {correlated[q]:.3g}"
        formula, limit = (
            {e.name: x[q] for e, x in zip(ESTIMATORS, both, strict=True)}
            for both in (formulas, exactly)
        )
        numbers = (formula, limit, squares[q], obstacle, error)
        listed.append(Prompt(law[q], _rarer(mdp, law[q]), mean[q], *numbers))
    return listed


@cache
def _laws(spec: InstanceSpec, group_size: int) -> list[GroupLaw]:
    return [group_law(build(spec).mdp, group_size, estimator) for estimator in ESTIMATORS]


def too_many_groups(spec: InstanceSpec, group_size: int) -> str:
    """Why there is no exact law of groups of this size; empty where there is."""
    try:
        _laws(spec, group_size)
    except ValueError as obstacle:
        return str(obstacle)
    return ""


@cache
def exact_correlations(spec: InstanceSpec, group_size: int) -> dict[EstimatorName, Floats]:
    """By the group law, (Q, K) for each estimator. Raises ValueError for too many groups."""
    laws = np.stack([p.law for p in prompts(spec)])
    groups = _laws(spec, group_size)
    correlations = _correlations(build(spec).mdp, jnp.asarray(laws), groups)
    return {e.name: np.asarray(x) for e, x in zip(ESTIMATORS, correlations, strict=True)}


def correlation_errors(
    spec: InstanceSpec, prompt: int, group_size: int
) -> dict[EstimatorName, float]:
    """Of such correlations and of formulas for them."""
    numbers, mdp = prompts(spec)[prompt], build(spec).mdp
    scales, groups = _conditioning(mdp, numbers.law), _laws(spec, group_size)
    return {
        e.name: numbers.error[e.name] * scales[e.name].group / scales[e.name].law
        + accumulated(COMMON * law_roundings(group)) * scales[e.name].group
        for e, group in zip(ESTIMATORS, groups, strict=True)
    }
