"""Both engines of the group law against all groups of whole episodes, and against each other."""

import time
from functools import cache, partial
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers import group_oracles, oracles
from helpers.small_models import BINARY, menu

from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.estimators.group_law import GroupLaw, group_law
from grpo_checks.theory.instances.random import random_instance
from grpo_checks.theory.updates.moments import moments_at
from grpo_checks.theory.updates.policy_law import policy_law

GROUP = [
    Estimator(name, d, e)
    for name in ("group_normalized", "componentwise_normalized")
    for d in (0, 1)
    for e in (0.0, 0.3)
]
ESTIMATORS = [Estimator("mean_baseline"), Estimator("leave_one_out"), *GROUP]
TINY: dict[str, Any] = {"prompts": 1, "width": 1, "tools": 1, "answers": 3, "depth": 1}
# Rewards in {0, 1/2, 1}; the third model has two-valued components.
STRUCTURES = {
    "tabular": random_instance(2, seed=1, **TINY),
    "log-linear": random_instance(1, seed=5, features=2, **TINY),
    "binary": BINARY,
}
REDRAWN = 17
SIZES = (2, 3, 4)


def _redrawn(name, seed):
    """The structure with other chances of the tools, and another policy."""
    instance, rng = STRUCTURES[name], np.random.default_rng(seed)
    rows = np.asarray(instance.mdp.tool_transition)
    rows = rows * rng.uniform(0.1, 1, rows.shape)
    total = rows.sum(-1, keepdims=True)
    rows = rows / np.where(total > 0, total, 1)
    mdp = eqx.tree_at(lambda m: m.tool_transition, instance.mdp, jax.device_put(rows))
    return mdp, instance.policy, rng.normal(size=instance.theta.shape)


def _able(name, engine):
    """Of the lattice, a program for each: those with neither or both of ddof and eps."""
    if engine != "lattice":
        return ESTIMATORS
    # Counts of components are for two-valued ones.
    of_counts = [] if name == "binary" else [e for e in GROUP if e.name == GROUP[4].name]
    return [e for e in ESTIMATORS if e not in of_counts and bool(e.ddof) == bool(e.eps)]


@cache
def _laws(name, size, engine):
    """Tables as for groups of up to four, so that all sizes share a compilation.

    Those of count vectors differ in numbers alone, and are stacked under one estimator's name:
    where the name mattered, the moments of all others would be wrong.
    """
    mdp = STRUCTURES[name].mdp
    laws = [group_law(mdp, size, e, engine, max(SIZES)) for e in _able(name, engine)]
    if engine == "lattice":
        return laws
    stacked = jax.tree.map(lambda *leaves: np.stack(leaves), *map(_renamed, laws))
    return jax.device_put(stacked)


def _renamed(law):
    """Of count vectors, for which the name does not matter."""
    return GroupLaw(GROUP[0], law.group_size, law.member, law.table)


@jax.jit
def _every(mdp, policy, theta, laws):
    moments = partial(moments_at, mdp, policy_law(mdp, policy, theta))
    if isinstance(laws, list):
        each = [moments(law) for law in laws]
        return jax.tree.map(lambda *leaves: jnp.stack(leaves), *each)
    return jax.vmap(moments)(laws)


@cache
def _listed(name, seed):
    return oracles.list_episodes(*_redrawn(name, seed))


@cache
def _brute(name, seed, size, estimator):
    options = estimator.name, estimator.ddof, estimator.eps
    groups = [group_oracles.group_updates(p, size, *options) for p in _listed(name, seed)]
    return [oracles.moments(*g) for g in groups]


@pytest.mark.parametrize("engine", ["counts", "lattice"])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", STRUCTURES)
def test_moments_are_sums_over_groups_of_episodes(name, size, engine):
    """Mean and variance of every estimator on 17 models of each structure, to 1e-12."""
    estimators, laws = _able(name, engine), _laws(name, size, engine)
    for seed in range(REDRAWN):
        observed = _every(*_redrawn(name, seed), laws)
        listed = [_brute(name, seed, size, estimator) for estimator in estimators]
        means, variances = ([[x[i] for x in prompts] for prompts in listed] for i in (0, 1))
        np.testing.assert_allclose(observed.mean, means, atol=1e-12, rtol=0)
        np.testing.assert_allclose(observed.variance, variances, atol=1e-12, rtol=0)


def _model(weights, components=3):
    """One state with an answer for every vector of K binary components."""
    return menu(np.arange(2**components)[:, None] >> np.arange(components) & 1, weights)


TENTHS, THIRDS = ["5/10", "3/10", "2/10"], [1, "1/3", "1/7"]
_moments = eqx.filter_jit(lambda law, p: law.moments(p))
_slope = eqx.filter_jit(lambda law, p: jax.jacfwd(lambda x: law.moments(x).mean)(p))


@pytest.mark.parametrize("estimator", [GROUP[0], GROUP[3], GROUP[4], GROUP[7]], ids=str)
@pytest.mark.parametrize(("weights", "size"), [(TENTHS, 8), (THIRDS, 8), (TENTHS, 13)])
def test_the_engines_agree(weights, size, estimator):
    """Two ways to sum over the same groups, to 1e-12; all probability is accounted for."""
    mdp, rng = _model(weights), np.random.default_rng(size)
    first = _renamed(group_law(mdp, size, estimator, "counts"))
    # In the largest group's lattice, so that sizes share a compilation.
    second = group_law(mdp, size, estimator, "lattice", 13)
    for concentration in (0.1, 1.0, 10.0):
        law = rng.dirichlet(np.full(8, concentration))
        one, other = _moments(first, law), _moments(second, law)
        for x, y in zip(one, other, strict=True):
            np.testing.assert_allclose(x, y, atol=1e-12, rtol=0)
        assert max(abs(float(x.mass) - 1) for x in (one, other)) < 1e-14


@pytest.mark.parametrize("name", ["group_normalized", "componentwise_normalized"])
def test_large_groups(name):
    """G = 64 and 8 reward vectors: the lattice serves; advantages of a group sum to 0."""
    law = group_law(_model(TENTHS), 64, Estimator(name))
    chances = np.random.default_rng(0).dirichlet(np.ones(8))
    moments = jax.tree.map(np.asarray, _moments(law, chances))
    assert abs(float(moments.mass) - 1) < 1e-14
    assert abs(float(moments.mean.sum())) < 1e-12
    # E A_1 sum_i A_i = 0: the own and the cross terms balance.
    assert abs(float(moments.square.sum() + 63 * moments.cross.sum())) < 1e-11


def test_certain_rewards_give_nothing():
    """Probabilities of 0 and 1: silent groups only, and finite derivatives."""
    for engine in ("counts", "lattice"):
        law = group_law(_model(THIRDS), 6, GROUP[0], engine)
        certain = np.eye(8)[3]
        assert all((np.abs(np.asarray(x)) < 1e-300).all() for x in _moments(law, certain)[:3])
        assert bool(np.isfinite(_slope(law, certain)).all())


REFUSED = [
    (GROUP[0], ["1/1009", "1/997", "1/991"], 64, "10639125640 entries.*sums of squares"),
    (GROUP[0], [1, "1/101", "1/103"], 32, "lattice: [0-9]+ entries; expected at most"),
    (Estimator("batch_scaled"), [1, 1, 1], 4, "expected one of a group.*sampled_moments"),
    (Estimator("group_normalized", whiten=1e-4), [1, 1, 1], 4, "not whitened"),
    (GROUP[0], [1, 1, 1], 1, "group_size = 1: expected at least 2"),
    (GROUP[0], [1, 1, 1], 3 * 10**7, "coefficients beyond float64; lattice: .* entries"),
    (GROUP[4], [1, 1, 1], 3 * 10**7, "coefficients beyond float64; lattice: .* entries"),
    (GROUP[4], [1, 1, 1], 10**9, "lattice: more than 10.15 entries"),
    (GROUP[0], [1, 1, 1], 10**30, "group_size = 1000.*: expected at least 2, at most 10{9}$"),
]


@pytest.mark.parametrize(("estimator", "weights", "size", "message"), REFUSED)
def test_requests_beyond_both_engines(estimator, weights, size, message):
    """The message says what it would cost, and what to do instead."""
    with pytest.raises(ValueError, match=message):
        group_law(_model(weights), size, estimator)


# One component of so many rewards.
_levels = cache(lambda many: menu([[1 - y / max(many - 1, 1)] for y in range(many)], [1]))


@pytest.mark.parametrize("size", [2 * 10**6, 3 * 10**7, 10**9])
@pytest.mark.parametrize("many", [1, 2, 2049])
def test_groups_without_end(many, size):
    """Few entries may take for ever: with one reward each draw of a lattice has a single point."""
    model = _levels(many)
    started = time.process_time()
    with pytest.raises(ValueError, match=f"group_size = {size} with .*; expected at most"):
        group_law(model, size, GROUP[0])
    assert time.process_time() < started + 5
    assert group_law(model, size, Estimator("leave_one_out")).table is None


def test_graded_components_need_count_vectors():
    """The lattice of component counts is refused where a component has three rewards."""
    with pytest.raises(ValueError, match="more than two rewards"):
        group_law(STRUCTURES["tabular"].mdp, 4, GROUP[4], "lattice")
