"""Exact e and exact gains of one update, decomposed and joint, for many policies at once."""

from collections.abc import Sequence
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int
from numpy.typing import NDArray

from grpo_checks.experiments.claims.decomposition.cases import DECOMPOSED, JOINT
from grpo_checks.experiments.models.instances import InstanceSpec, build
from grpo_checks.experiments.points.decomposition.benefit import STEPS
from grpo_checks.theory.convergence.smoothness import smoothness
from grpo_checks.theory.estimators.group_law import GroupLaw, group_law
from grpo_checks.theory.evaluation.values import Theta
from grpo_checks.theory.instances.outcomes import joint_law
from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.mdp.policy import Policy
from grpo_checks.theory.updates.benefit import ascent
from grpo_checks.theory.updates.moments import update_moments
from grpo_checks.theory.updates.one_update import (
    Groups,
    distinct_numbers,
    expected_gain,
    groups,
    single_decision,
)
from grpo_checks.theory.updates.rounding import ELEMENTARY, accumulated

Floats = NDArray[np.float64]


class Benefit(NamedTuple):
    """Of N policies; decomposed first, joint second."""

    efficiency: Floats
    """(N, 2): e."""
    squared_gradient: Floats
    """(N,): |grad J|^2, which e never exceeds."""
    gain: Floats
    """(N, 2, S): E J after one update, minus J, at each of ``STEPS``."""
    distinct: Floats
    """(N, 2): expected number of different advantages in a group."""
    rounding: Floats
    """(N,): relative error of each of these."""


@eqx.filter_jit
def _measure(
    mdp: TAMDP,
    policy: Policy,
    thetas: Float[Array, "T ..."],
    laws: Sequence[GroupLaw],
    tables: Sequence[Groups],
    numbers: Sequence[Float[Array, " N"]],
    worth: Float[Array, " M"],
    action: tuple[int, Int[Array, " M"]],
    steps: Float[Array, " S"],
) -> tuple[list[Float[Array, "T 2 ..."]], Float[Array, ""]]:
    steps = steps / smoothness(mdp, policy)

    def one(theta: Theta) -> list[Float[Array, "2 ..."]]:
        pairs = []
        for law, table, number in zip(laws, tables, numbers, strict=True):
            moments = update_moments(mdp, policy, theta, law)
            logits = policy.logits(theta)[action[0]][action[1]]
            gains = jax.lax.map(lambda s, t=table: expected_gain(t, worth, logits, s), steps)  # noqa: B023
            spread = table.chances(jax.nn.softmax(logits)) @ number
            square = jnp.square(moments.gradient).sum()
            pairs.append((ascent(moments).efficiency, square, gains, spread))
        return [jnp.stack(pair) for pair in zip(*pairs, strict=True)]

    return jax.vmap(one)(thetas), steps[-1]


@jax.jit
def _farthest(table: Groups) -> Float[Array, ""]:
    """The largest change of a logit in one update."""
    return jnp.abs(table.moves()).max()


@jax.jit
def _logits(policy: Policy, thetas: Float[Array, "T ..."]) -> Float[Array, "T S A"]:
    return jax.vmap(policy.logits)(thetas)


def measure(specs: Sequence[InstanceSpec], group_size: int) -> Benefit:
    """For instances that differ in their start alone."""
    instances = [build(spec) for spec in specs]
    mdp, policy = instances[0].mdp, instances[0].policy
    decision, estimators = single_decision(mdp), (DECOMPOSED, JOINT)
    laws = [group_law(mdp, group_size, e) for e in estimators]
    tables = [groups(decision, group_size, e) for e in estimators]
    numbers = [distinct_numbers(table) for table in tables]
    thetas = np.stack([np.asarray(i.theta) for i in instances])
    action = decision.action[0], jnp.asarray(decision.action[1])
    steps = jnp.asarray([float(s) for s in STEPS])
    model, programs = (mdp, policy, jnp.asarray(thetas)), (laws, tables, numbers)
    measured, longest = _measure(*model, *programs, decision.worth, action, steps)
    efficiency, square, gain, distinct = (np.asarray(x) for x in measured)
    logits = np.asarray(_logits(policy, model[2]))[:, action[0]]
    rounding = [accumulated(float(n)) for n in _roundings(tables, logits, float(longest))]
    return Benefit(efficiency, square[:, 0], gain, distinct, np.array(rounding))


def _roundings(tables: Sequence[Groups], logits: Floats, longest: float) -> Floats:
    """(N,): on the way to a gain, by the longest of ``STEPS``.

    A product of G chances, each off by the error of its logarithm; the softmax of logits that moved
    by up to the step times the largest advantage; a sum over all groups.
    """
    largest = np.abs(logits).max(1)
    size, kinds = len(tables[0].counts), tables[0].counts.shape[1]
    members = int(np.asarray(tables[0].counts)[0].sum())
    moved = longest * max(float(_farthest(table)) for table in tables)
    law = 2 * largest + kinds + 4 * ELEMENTARY
    after = 2 * (largest + moved * members) + kinds + 4 * ELEMENTARY
    return np.asarray(members * (law + largest + ELEMENTARY) + after + size + kinds)


def options(spec: InstanceSpec) -> dict[str, float]:
    """The dials of an `outcomes` start, and the correlation of its first two components."""
    chosen = dict(spec.options)
    if not spec.is_named("outcomes"):
        return {}
    success, ratio, coupling = (float(chosen[k]) for k in ("success", "ratio", "coupling"))
    pair = np.array([success, ratio * success])
    both = joint_law(pair, coupling)[-1]
    correlation = (both - pair.prod()) / np.sqrt((pair * (1 - pair)).prod())
    named = {"success": success, "success_ratio": ratio, "coupling": coupling}
    return {**named, "correlation": float(correlation)}
