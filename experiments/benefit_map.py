"""Exact e and exact gains of one update, decomposed and joint, for many policies at once."""

from collections.abc import Sequence
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from experiments.instances import InstanceSpec, build
from experiments.theorem2_cases import DECOMPOSED, JOINT
from theory.benefit import Ascent, ascent
from theory.group_law import group_law
from theory.instances.outcomes import joint_law
from theory.one_update import distinct_numbers, expected_gain, groups, single_decision
from theory.smoothness import smoothness
from theory.update import update_moments

SHARE = 0.01
"""Of the best step: at this share an e that is 1 % larger is certain to be ahead."""
Pair = NDArray[np.float64]


class Benefit(NamedTuple):
    """Of N policies; decomposed first, joint second."""

    efficiency: Pair
    """(N, 2): e."""
    along: Pair
    """<grad J, m>."""
    gain: Pair
    """E J after one best step, minus J."""
    small_gain: Pair
    """The same with ``SHARE`` of the best step."""
    distinct: Pair
    """Expected number of different advantages in a group."""
    smoothness: float


@eqx.filter_jit
def _measure(mdp, policy, thetas, laws, tables, numbers, worth, action, signed):  # type: ignore[no-untyped-def]
    smooth = smoothness(mdp, policy)

    def one(theta):  # type: ignore[no-untyped-def]
        found = []
        for law, table, number in zip(laws, tables, numbers, strict=True):
            here = ascent(update_moments(mdp, policy, theta, law))
            if not signed:
                here = Ascent(jnp.abs(here.along), here.square)
            logits = policy.logits(theta)[action[0]][action[1]]
            step = here.best_step(smooth)
            gains = [expected_gain(table, worth, logits, s * step) for s in (1.0, SHARE)]
            spread = table.chances(jax.nn.softmax(logits)) @ number
            found.append((here.efficiency, here.along, *gains, spread))
        return [jnp.stack(pair) for pair in zip(*found, strict=True)]

    return jax.vmap(one)(thetas), smooth


def measure(specs: Sequence[InstanceSpec], group_size: int, signed: bool = True) -> Benefit:
    """For instances that differ in their start alone; ``signed`` False takes |<grad J, m>|."""
    instances = [build(spec) for spec in specs]
    mdp, policy = instances[0].mdp, instances[0].policy
    decision = single_decision(mdp)
    estimators = (DECOMPOSED, JOINT)
    laws = [group_law(mdp, group_size, e) for e in estimators]
    tables = [groups(decision, group_size, e) for e in estimators]
    numbers = [distinct_numbers(table) for table in tables]
    thetas = jnp.stack([i.theta for i in instances])
    model, of = (mdp, policy, thetas), (laws, tables, numbers)
    action = decision.action[0], jnp.asarray(decision.action[1])
    found, smooth = _measure(*model, *of, decision.worth, action, signed)
    efficiency, along, gain, small_gain, distinct = (np.asarray(x) for x in found)
    return Benefit(efficiency, along, gain, small_gain, distinct, float(smooth))


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
