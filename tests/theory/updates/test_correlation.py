"""corr(r_k, A): every group written out, limits, and what is exact at finite G."""

from functools import cache
from itertools import product

import equinox as eqx
import jax
import numpy as np
import pytest
from helpers import group_oracles, oracles

from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.estimators.group_law import group_law
from grpo_checks.theory.evaluation.values import reward_law
from grpo_checks.theory.instances.bits import bits
from grpo_checks.theory.instances.tools.coding import coding
from grpo_checks.theory.updates.correlation import (
    component_moments,
    decoupled_correlations,
    group_correlations,
    is_binary,
    limit_correlations,
    limits,
)

CHANCES = (0.5, 0.9, 0.3, 0.5, 0.5, 0.5)
JOINT, DECOUPLED = Estimator("group_normalized"), Estimator("componentwise_normalized")
MODELS = {
    "independent": bits(2, success=CHANCES),
    "dependent": bits(2, 0.5, success=0.7),
    "graded": coding(2),
}
_law = eqx.filter_jit(lambda i: reward_law(i.mdp, i.policy.probs(i.theta))[0])
_found = eqx.filter_jit(group_correlations)
_components, _limits = jax.jit(component_moments), jax.jit(limits)
_decoupled = jax.jit(decoupled_correlations, static_argnums=2)
_limit_correlations = jax.jit(limit_correlations)


@cache
def _model(name):
    return MODELS[name].mdp, _law(MODELS[name])


def _listed(mdp, law, size, estimator):
    """corr(r_k, A_1) over all groups of reward vectors."""
    vectors = tuple(tuple(map(oracles.rational, v)) for v in mdp.class_vector.tolist())
    weights = tuple(map(oracles.rational, mdp.weights.tolist()))
    options = (estimator.name, estimator.ddof, estimator.eps)
    chance, gain, reward, law = [], [], [], np.asarray(law)
    for members in product(range(len(vectors)), repeat=size):
        group = tuple(vectors[i] for i in members)
        chance.append(np.prod([float(law[i]) for i in members]))
        gain.append(group_oracles.advantages(group, weights, *options)[0])
        reward.append([float(x) for x in group[0]])
    p, a, r = (np.array(x) for x in (chance, gain, reward))
    centred = r - p @ r
    spread = np.sqrt((p @ centred**2) * (p @ a**2 - (p @ a) ** 2))
    return (p * a) @ centred / spread


@pytest.mark.parametrize(
    "estimator", [JOINT, DECOUPLED, Estimator("group_normalized", 1, 0.1)], ids=str
)
@pytest.mark.parametrize("name", MODELS)
def test_over_all_groups_of_rewards(name, estimator):
    """Dependent components, composites that coincide, ddof and eps: G = 3."""
    mdp, law = _model(name)
    observed = _found(mdp, law, group_law(mdp, 3, estimator))
    np.testing.assert_allclose(observed, _listed(mdp, law, 3, estimator), atol=1e-13)


@pytest.mark.parametrize("size", [2, 3, 8])
def test_decoupled_at_finite_size(size):
    """The closed form against the group law, and below the limit where chances are equal."""
    mdp, law = _model("independent")
    mean = np.asarray(_components(mdp, law).mean)
    form = np.asarray(_decoupled(mdp.weights, mean, size))
    np.testing.assert_allclose(form, _found(mdp, law, group_law(mdp, size, DECOUPLED)), atol=1e-13)
    equal = np.asarray(_decoupled(mdp.weights, mean[:1].repeat(2), size))
    assert (equal < np.sqrt(0.5) - 1e-3).all()


def test_groups_of_two_equalise_nothing():
    """At G = 2 decoupled is the joint limit divided by sqrt 2."""
    mdp, law = _model("independent")
    components = _components(mdp, law)
    form = _decoupled(mdp.weights, components.mean, 2)
    np.testing.assert_allclose(
        form, np.asarray(_limits(mdp.weights, components.deviation)[0]) / np.sqrt(2), rtol=1e-13
    )


def test_the_limit_of_large_groups():
    """Closed form at G = 1000 within 0.01 of the limit, where G = 2 is not."""
    mdp, law = _model("independent")
    components = _components(mdp, law)
    _, limit = _limits(mdp.weights, components.deviation)
    near, far = (
        np.abs(np.subtract(_decoupled(mdp.weights, components.mean, g), limit)).max()
        for g in (1000, 2)
    )
    assert near < 0.01 < 0.1 < far


@pytest.mark.parametrize("size", [2, 5])
def test_unscaled_estimators(size):
    """leave_one_out: the joint formula times sqrt(1-1/G), exactly."""
    mdp, law = _model("independent")
    joint = np.asarray(_limits(mdp.weights, _components(mdp, law).deviation)[0])
    group = group_law(mdp, size, Estimator("leave_one_out"), "counts")
    np.testing.assert_allclose(_found(mdp, law, group), np.sqrt(1 - 1 / size) * joint, rtol=1e-12)


@pytest.mark.parametrize("name", MODELS)
def test_limits_by_numpy(name):
    """Whitened by the law: correlation matrices of NumPy."""
    mdp, law = _model(name)
    correlations = _limit_correlations(mdp, law)
    components = _components(mdp, law)
    r, w = np.asarray(mdp.class_vector), np.asarray(mdp.weights)
    for x, a in zip(correlations, (r @ w, (r / np.asarray(components.deviation)) @ w), strict=True):
        matrix = np.cov(np.column_stack([r, a]).T, aweights=np.asarray(law), ddof=0)
        sd = np.sqrt(np.diag(matrix))
        np.testing.assert_allclose(x, matrix[:-1, -1] / sd[:-1] / sd[-1], rtol=1e-12)


def test_dependence_is_seen():
    """The formulas are off by more than a tenth where components are correlated."""
    mdp, law = _model("dependent")
    components = _components(mdp, law)
    assert np.isclose(float(components.largest_correlation), 0.5)
    assert float(_components(*_model("independent")).largest_correlation) < 1e-14
    right, wrong = _limit_correlations(mdp, law)[1], _limits(mdp.weights, components.deviation)[1]
    assert np.abs(np.subtract(right, wrong)).min() > 0.1


def test_binary_components():
    """0 and 1 only."""
    assert is_binary(MODELS["independent"].mdp)
    assert not is_binary(coding(6).mdp)
