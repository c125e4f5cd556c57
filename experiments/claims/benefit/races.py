"""Training with decomposed and with joint GRPO: one step size, the same episodes, many seeds."""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Array, Float, Key
from numpy.typing import NDArray

from grpo_checks.experiments.claims.decomposition.cases import DECOMPOSED, JOINT
from grpo_checks.experiments.models.instances import InstanceSpec, build
from grpo_checks.experiments.models.lanes import lane_bytes, lanes
from grpo_checks.experiments.storage.files import digest
from grpo_checks.theory.convergence.smoothness import smoothness
from grpo_checks.theory.estimators.group_law import group_law
from grpo_checks.theory.evaluation.optimum import best_values
from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.mdp.places import Chances
from grpo_checks.theory.training.batch import Training
from grpo_checks.theory.training.races import PairedTrace, paired_runs

Floats = NDArray[np.float64]
_steepest = jax.jit(smoothness)


class Race(NamedTuple):
    """Both runs of many seeds from one start, at the constant step 1/L."""

    difference: Floats
    """(seeds,): J decomposed minus J joint after the last step."""
    reach: float
    """max J - min J over all policies, by backward induction: no difference exceeds it."""
    lead: Floats
    """(2, T + 1): mean over the seeds of e_dec - e_joint at the policies of either run."""
    value: Floats
    """(2,): mean J at the end."""
    step: float

    @property
    def turns_at(self) -> int | None:
        """The first step from which e ranks the estimators otherwise than at the start."""
        other = np.flatnonzero((np.sign(self.lead) != np.sign(self.lead[0, 0])).any(0))
        return int(other[0]) if other.size else None


@eqx.filter_jit
def _run(keys: Key[Array, " N"], size: int, *given: Any) -> PairedTrace:
    """``paired_runs`` for every key, ``size`` at a time; ``given``: its other arguments."""
    return jax.lax.map(lambda key: paired_runs(key, *given), keys, batch_size=size)


def race(spec: InstanceSpec, group_size: int, n_steps: int, seeds: int) -> Race:
    """Runs of ``n_steps`` steps from the instance's start."""
    instance = build(spec)
    keys = jax.random.split(jax.random.key(int(digest(spec.settings())[:8], 16)), seeds)
    trainings = tuple(Training(e, group_size) for e in (DECOMPOSED, JOINT))
    laws = tuple(group_law(instance.mdp, group_size, e) for e in (DECOMPOSED, JOINT))
    fixed = (Chances(instance.mdp), instance.policy, instance.theta)
    # Either run looks at both laws.
    needs = sum(lane_bytes(*fixed, law, t) for law, t in zip(laws, trainings, strict=True))
    step = 1 / _steepest(instance.mdp, instance.policy)
    model = (instance.mdp, *fixed, step)
    traces = _run(keys, lanes(2 * needs), *model, trainings, laws, n_steps)
    trace = jax.device_get(traces)
    ends, lead = np.asarray(trace.value)[:, -1], np.asarray(trace.lead).mean(0)
    reach = _reach(instance.mdp)
    return Race(ends[:, 0] - ends[:, 1], float(reach), lead.T, ends.mean(0), float(step))


@jax.jit
def _reach(mdp: TAMDP) -> Float[Array, ""]:
    worth = mdp.class_composite[mdp.class_index]
    return mdp.prompt_distribution @ (best_values(mdp, worth) + best_values(mdp, -worth))
