"""The numbers that claims on corr(r_k, A) compare, for every prompt of an instance."""

from functools import cache
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from experiments.instances import InstanceSpec, build
from theory.advantages import Estimator, EstimatorName
from theory.correlation import component_moments, group_correlations, limit_correlations, limits
from theory.exact import reward_law
from theory.group_law import group_law

Floats = NDArray[np.float64]
JOINT, DECOUPLED = Estimator("group_normalized"), Estimator("componentwise_normalized")
ESTIMATORS = (JOINT, DECOUPLED)
UNCORRELATED = 1e-12


class Prompt(NamedTuple):
    """One prompt of an instance: the law of its rewards and what the formulas say of it."""

    law: Floats
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


@jax.jit
def _numbers(mdp, policy, theta):  # type: ignore[no-untyped-def]
    """For every prompt at once."""

    def one(law):  # type: ignore[no-untyped-def]
        of = component_moments(mdp, law)
        formulas = limits(mdp.weights, of.deviation)
        squares = limits(mdp.weights, of.deviation**2)[0]
        found = limit_correlations(mdp, law)
        return of.mean, of.deviation, of.largest_correlation, formulas, found, squares, law

    return jax.vmap(one)(reward_law(mdp, policy.probs(theta)))


@eqx.filter_jit
def _correlations(mdp, laws, groups):  # type: ignore[no-untyped-def]
    return [jax.vmap(lambda law, g=g: group_correlations(mdp, law, g))(laws) for g in groups]


@cache
def prompts(spec: InstanceSpec) -> list[Prompt]:
    """Of an instance."""
    _, mdp, policy, theta, *_ = build(spec)
    found = jax.tree.map(np.asarray, _numbers(mdp, policy, theta))
    mean, deviation, correlated, formulas, exactly, squares, law = found
    listed = []
    for q in range(len(law)):
        obstacle = ""
        if not (deviation[q] > UNCORRELATED).all():
            obstacle = "a component that does not vary"
        elif correlated[q] > UNCORRELATED:
            obstacle = f"components correlated, up to {correlated[q]:.3g}"
        formula, limit = (
            {e.name: x[q] for e, x in zip(ESTIMATORS, both, strict=True)}
            for both in (formulas, exactly)
        )
        listed.append(Prompt(law[q], mean[q], formula, limit, squares[q], obstacle))
    return listed


@cache
def exact_correlations(spec: InstanceSpec, group_size: int) -> dict[EstimatorName, Floats]:
    """By the group law, (Q, K) for each estimator."""
    mdp, laws = build(spec).mdp, np.stack([p.law for p in prompts(spec)])
    groups = [group_law(mdp, group_size, estimator) for estimator in ESTIMATORS]
    found = _correlations(mdp, jnp.asarray(laws), groups)
    return {e.name: np.asarray(x) for e, x in zip(ESTIMATORS, found, strict=True)}
