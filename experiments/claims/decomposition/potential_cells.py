"""Exact cells of T2.potential: E[g] from the group law against grad Jtilde.

Two computations that share nothing but the reward law. Differences are relative to the magnitude
of the terms of each entry, which shrinks next to certainty as the entry does.
"""

from dataclasses import replace
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from grpo_checks.experiments.models.constants import potential_roundings
from grpo_checks.experiments.models.instances import InstanceSpec, build
from grpo_checks.experiments.protocol.assumptions import GRADED, influence_on
from grpo_checks.experiments.protocol.cell_rows import inequality
from grpo_checks.experiments.protocol.claim import Row
from grpo_checks.theory.convergence.jacobian import asymmetry, update_jacobian
from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.estimators.group_law import GroupLaw, group_law
from grpo_checks.theory.estimators.response import response
from grpo_checks.theory.evaluation.values import Theta, gradient
from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.mdp.policy import Policy
from grpo_checks.theory.updates.correlation import is_binary
from grpo_checks.theory.updates.moments import expected_update
from grpo_checks.theory.updates.potential import potential_value, steepest_response
from grpo_checks.theory.updates.rounding import (
    accumulated,
    law_roundings,
    slope_magnitude,
    sweep_roundings,
)

NAME = "T2.potential"


@eqx.filter_jit
def _both(
    mdp: TAMDP, policy: Policy, theta: Theta, law: GroupLaw, claimed: Estimator
) -> tuple[Theta, Theta]:
    """E[g] and the gradient of the Jtilde that is claimed."""
    size = int(law.group_size)
    slope = jax.grad(lambda t: potential_value(mdp, policy, t, size, claimed))(theta)
    return expected_update(mdp, policy, theta, law), slope


@eqx.filter_jit
def _asymmetry(mdp: TAMDP, policy: Policy, theta: Theta, law: GroupLaw) -> Float[Array, ""]:
    """Of the Jacobian of E[g]: 0 for every gradient."""
    return asymmetry(update_jacobian(mdp, policy, theta, law))


def _error(model: tuple[TAMDP, Policy, Any], law: GroupLaw, size: int) -> float:
    """Of both sides, relative to the magnitude of their terms.

    Two sweeps each; c_G and h(v) are polynomials of degree up to G in the law, which is rounded;
    and a sum over count vectors, or over a lattice.
    """
    return accumulated(potential_roundings(size) * sweep_roundings(*model) + law_roundings(law))


def exact_row(spec: InstanceSpec, size: int, estimator: Estimator, mutant: str | None) -> Row:
    """E[g] and the gradient of Jtilde, or of what a mutant says of it, near the start."""
    instance = build(spec)
    law = group_law(instance.mdp, size, estimator)
    # Away from a uniform start, where symmetry could hide a difference.
    noise = np.random.default_rng(size).normal(scale=0.7, size=instance.theta.shape)
    model = (instance.mdp, instance.policy, instance.theta + jnp.asarray(noise))
    shared = {
        "components": instance.mdp.weights.size,
        "group_size": size,
        "ddof": estimator.ddof,
        "eps": estimator.eps,
    }
    if not is_binary(instance.mdp):
        extra = {"asymmetry": float(_asymmetry(*model, law))}
        none = (None, None, None, None)
        return Row(NAME, spec.name, shared, *none, "assumption unmet", GRADED, extra)
    claimed = (
        replace(estimator, ddof=1 - estimator.ddof) if mutant == "another divisor" else estimator
    )
    update, slope = _both(*model, law, claimed)
    if mutant == "one response":
        slope = response(jnp.asarray(0.5), size, estimator.ddof, estimator.eps) * gradient(*model)
    # |A_i^(k)| <= b_1, and so is c_G.
    largest = float(instance.mdp.max_reward) * steepest_response(size, estimator)
    terms = slope_magnitude(*model, largest)
    difference, sizes = (_share(np.asarray(x), terms) for x in (update - slope, slope))
    error = _error(model, law, size)
    note = "relative difference of E[g] and grad Jtilde, to the magnitude of their terms"
    labels = (NAME, spec.name, shared, difference, 0.0, error, note, {"size": sizes})
    row = inequality(*labels, identity=not _varies(spec))
    if row.verdict == "holds" and sizes <= error:
        return replace(row, verdict="vacuous", note="both sides are within their rounding error")
    return row


def _share(numbers: Any, terms: Any) -> float:
    """The largest of some numbers over the magnitude of its terms; 0/0 = 0."""
    size = np.abs(numbers)
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.where(terms > 0, size / terms, np.where(size > 0, np.inf, 0.0)).max())


def _varies(spec: InstanceSpec) -> bool:
    """Whether some J_qk depends on the policy; else both sides are 0 at every policy."""
    occurs = np.asarray(build(spec).mdp.prompt_distribution) > 0
    return bool(influence_on(spec).values[occurs].any())
