"""Runs that are copies of another: the same model, with all rewards multiplied.

The step of T1.rate is divided by as much, so that both runs move alike: a second one is no evidence
of its own.
"""

from collections.abc import Iterable
from functools import lru_cache

import jax
import numpy as np
from numpy.typing import NDArray

from grpo_checks.experiments.models.instances import InstanceSpec, build
from grpo_checks.experiments.models.settings import RunSettings
from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.numbers.rationals import to_fraction


def _shares(mdp: TAMDP) -> tuple[NDArray[np.int64], int]:
    """(Q, S, Y) composite rewards, and R_max, as integers without a common factor."""
    largest = sum(to_fraction("weights", w) for w in np.asarray(mdp.weights).tolist())
    most = int(largest * mdp.composite_denominator)
    numerators = np.append(np.asarray(mdp.class_numerator), most)
    common = int(np.gcd.reduce(numerators))
    return numerators[np.asarray(mdp.class_index)] // common, most // common


@lru_cache(maxsize=64)
def _shape(spec: InstanceSpec) -> tuple[object, ...]:
    """What its runs depend on, rewards as shares of R_max."""
    instance = build(spec)
    mdp = instance.mdp
    earned, most = _shares(mdp)
    model = (mdp.prompt_distribution, mdp.initial_distribution, mdp.depth, mdp.tool_transition)
    leaves = jax.tree.leaves((*model, instance.policy, instance.theta))
    return most, *(np.asarray(x).tobytes() for x in [*leaves, earned])


def copies(runs: Iterable[RunSettings]) -> dict[RunSettings, RunSettings]:
    """Of those at the step of T1.rate: each copy, with the first run that it is a copy of."""
    first: dict[object, RunSettings] = {}
    copied = {}
    for run in runs:
        if run.step is None:
            settings = (run.group_size, run.n_steps, run.prompts, run.estimator, run.objective)
            original = first.setdefault((_shape(run.instance), *settings), run)
            if original.instance != run.instance:
                copied[run] = original
    return copied
