"""The comparison with all groups of whole episodes notices every small change of the formulas.

Each mutant is one edit of the source; an edit that no longer applies fails too.
"""

import inspect
import sys
import textwrap
from functools import cache
from typing import Any, NamedTuple

import equinox as eqx
import jax
import numpy as np
import pytest
from helpers import oracles
from helpers.group_oracles import group_updates
from helpers.small_models import BINARY

from grpo_checks.theory.estimators import advantages, group_table
from grpo_checks.theory.estimators import group_counts as counts
from grpo_checks.theory.estimators import group_pairs as pairs
from grpo_checks.theory.estimators import group_sums as sums
from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.estimators.group_law import Engine, group_law
from grpo_checks.theory.updates import moments as update
from grpo_checks.theory.updates.policy_law import policy_law

JOINT = Estimator("group_normalized", 1, 0.3)
SPLIT = Estimator("componentwise_normalized", 0, 0.3)


class Mutant(NamedTuple):
    """One edit of the function ``name`` of ``place``, and a request that uses it."""

    place: Any
    name: str
    old: str
    new: str
    estimator: Estimator
    engine: Engine


MUTANTS = {
    "ddof swapped": Mutant(
        counts, "scale", "count - estimator.ddof", "count - 1 + estimator.ddof", JOINT, "counts"
    ),
    "eps inside the root": Mutant(
        advantages, "inverse_sd", "if inside else", "if not inside else", JOINT, "lattice"
    ),
    "(G-1)/G dropped": Mutant(
        group_table.Table, "speaking", "(g - 1) * cross", "g * cross", JOINT, "lattice"
    ),
    "1/G of the scores dropped": Mutant(
        update, "speaking_moments", "/ group.group_size", "", SPLIT, "counts"
    ),
    "between rewards dropped": Mutant(
        update, "speaking_moments", "within_rewards + jnp.maximum(between, 0.0)", "within_rewards",
        SPLIT, "counts",
    ),
    "silent groups forgotten": Mutant(
        update, "group_moments", "+ silent *", "+ 0 * silent *", JOINT, "counts"
    ),
    "not about the mean": Mutant(
        counts.CountTable, "speaking", "(deviation * of_speaking[:, None]).T @ deviation",
        "(pull * of_speaking[:, None]).T @ pull", JOINT, "counts",
    ),
    "not recentred, counts": Mutant(
        counts, "advantages", "(counts @ column)[:, None]", "0 * counts", JOINT, "counts"
    ),
    "not recentred, sums": Mutant(
        sums.SumTable, "_pair", "self.steps[v, 0] - mean", "self.steps[v, 0]", JOINT, "lattice"
    ),
    "not recentred, pairs": Mutant(
        pairs.PairTable, "_normalized", "- count[None] / g", "- 0 * count[None]", SPLIT, "lattice"
    ),
    "own reward not counted": Mutant(
        pairs.PairTable, "_pair", "both[:, None] + both[None]", "0 * both[:, None] + both[None]",
        SPLIT, "lattice",
    ),
}  # fmt: skip


THETA = jax.device_put(np.random.default_rng(0).normal(size=BINARY.theta.shape))
MODEL = BINARY.mdp, BINARY.policy, THETA
SIZE = 4


@cache
def _listed(estimator):
    """Mean and variance over all groups of whole episodes."""
    options = SIZE, estimator.name, estimator.ddof, estimator.eps
    return oracles.moments(*group_updates(oracles.list_episodes(*MODEL)[0], *options))


@cache
def _at_policy():
    """Which no edit reaches."""
    return policy_law(*MODEL)


def _largest_difference(estimator, engine):
    """Between the exact moments and the sums over all groups."""
    law = group_law(BINARY.mdp, SIZE, estimator, engine)
    # A lambda of its own: no compilation from before the edit is used.
    observed = eqx.filter_jit(lambda *a: update.moments_at(*a))(MODEL[0], _at_policy(), law)
    mean, variance = _listed(estimator)
    off = np.abs(np.asarray(observed.mean[0]) - mean).max()
    return max(off, abs(float(observed.variance[0]) - variance))


_without_an_edit = cache(_largest_difference)


@pytest.mark.parametrize("name", MUTANTS)
def test_every_mutant_is_noticed(name, monkeypatch):
    """By a difference far above the tolerance of 1e-12; without the edit there is none."""
    mutant = MUTANTS[name]
    assert _without_an_edit(mutant.estimator, mutant.engine) < 1e-12
    original = getattr(mutant.place, mutant.name)
    source = textwrap.dedent(inspect.getsource(original))
    assert mutant.old in source
    space = dict(vars(sys.modules[original.__module__]))
    exec(source.replace(mutant.old, mutant.new), space)
    monkeypatch.setattr(mutant.place, mutant.name, space[mutant.name])
    assert _largest_difference(mutant.estimator, mutant.engine) > 1e-4
