"""The constants of Theorem 1 at a thousand points: never exceeded, and not idle either."""

from functools import cache, partial

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers.oracles import pad_classes

from grpo_checks.theory.convergence.smoothness import (
    general_smoothness,
    leave_one_out_variance_bound,
    smoothness,
    squared_gradient_bound,
    squared_score_bound,
)
from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.estimators.group_law import plain_law
from grpo_checks.theory.evaluation.values import value
from grpo_checks.theory.instances.bits import bits
from grpo_checks.theory.instances.conflict import conflict
from grpo_checks.theory.instances.random import random_instance
from grpo_checks.theory.instances.tools.coding import coding
from grpo_checks.theory.instances.tools.search import search
from grpo_checks.theory.updates.moments import combine, moments_at
from grpo_checks.theory.updates.policy_law import policy_law

SMALL = {"width": 1, "tools": 1, "answers": 2, "depth": 1, "components": 1}
FAMILIES = {
    "tabular": {"prompts": 2, "depth": 2, "components": 2},
    "shared": {"prompts": 3, "separable": False, "width": 3, "tools": 1, "depth": 1},
    "features": {"prompts": 2, "features": 3, "depth": 2, "components": 2},
    "one feature": {"prompts": 1, "features": 1, **SMALL},
    "small": {"prompts": 1, **SMALL},
}


def _random(seed, options):
    instance = random_instance(seed=seed, **options)
    return instance._replace(mdp=pad_classes(instance.mdp))


INSTANCES = {
    "search": search,
    "coding": coding,
    "conflict": conflict,
    "conflict, three components": lambda: conflict(3),
    "bits": lambda: bits(3, 0.5, 0.3),
    **{
        f"{name} {seed}": partial(_random, seed, options)
        for name, options in FAMILIES.items()
        for seed in (0, 1, 3)
    },
}
POINTS = 50
UNBIASED = Estimator("leave_one_out")
SIZES, DRAWN = (2, 8), (None, 1, 3)
SETTINGS = [(g, b) for g in SIZES for b in DRAWN]
# Rounding of eigenvalues, gradients and the constants themselves.
ROUNDING = 1 + 1e-12


@eqx.filter_jit
def _at_points(mdp, policy, points):
    """Hessian, the policy's law, |grad J|^2, and V of `leave_one_out` in all settings, at each."""

    shape = policy.zeros().shape

    def one(flat):
        hessian = jax.hessian(lambda x: value(mdp, policy, x.reshape(shape)))(flat)
        at = policy_law(mdp, policy, flat.reshape(shape))

        def moments(size):
            group = moments_at(mdp, at, plain_law(UNBIASED, size))
            values = [combine(mdp.prompt_distribution, group, b) for b in DRAWN]
            return values[0].squared_gradient, jnp.stack([m.variance for m in values])

        square, variances = jax.vmap(moments)(jnp.array(SIZES))
        return hessian, at, square[0], variances.reshape(-1)

    return jax.vmap(one)(points)


def _score(at):
    """E|s|^2 of each prompt (N, Q): what s varies by given its class, and what its mean does."""
    law, spread = np.asarray(at.law), np.asarray(at.spread)
    squares = np.square(at.slopes).sum(-1)
    return (spread + np.divide(squares, law, out=np.zeros_like(law), where=law > 0)).sum(-1)


@eqx.filter_jit
def _constants(mdp, policy):
    """The two forms of L, and the bounds on |grad J|^2, E|s|^2 and V in all settings."""
    constants = smoothness, general_smoothness, squared_gradient_bound, squared_score_bound
    variances = [leave_one_out_variance_bound(mdp, policy, g, b) for g, b in SETTINGS]
    return *[constant(mdp, policy) for constant in constants], variances


@cache
def _bounds(name):
    instance = _measured(name)[0]
    return _constants(instance.mdp, instance.policy)


@cache
def _measured(name):
    """The instance and, at 50 points near and far, spectral norm, |grad J|^2, E|s|^2 and V."""
    instance = INSTANCES[name]()
    rng = np.random.default_rng(sorted(INSTANCES).index(name))
    scales = np.exp(rng.uniform(np.log(0.1), np.log(5), (POINTS, 1)))
    points = scales * rng.normal(size=(POINTS, instance.theta.size))
    hessian, at, *rest = _at_points(instance.mdp, instance.policy, jax.device_put(points))
    norm = np.abs(np.linalg.eigvalsh(np.asarray(hessian))).max(1)
    square, variances = map(np.asarray, rest)
    return instance, norm, square, _score(at), variances


def _largest(measured, bound):
    """The largest share of a bound that is reached."""
    assert np.isfinite(measured).all()
    return np.max(measured / np.maximum(np.asarray(bound), 1e-300)) / ROUNDING


@pytest.mark.parametrize("name", INSTANCES)
def test_hessian_is_within_smoothness(name):
    """The descent lemma with an L too small would prove a rate that does not hold."""
    _, norm, *_ = _measured(name)
    for bound in _bounds(name)[:2]:
        assert 1e-3 < _largest(norm, bound) <= 1


@pytest.mark.parametrize("name", INSTANCES)
def test_gradient_is_within_its_bound(name):
    """Finite-sample intervals take this for the range of |grad J|^2."""
    instance, _, square, *_ = _measured(name)
    assert 1e-3 < _largest(square, _bounds(name)[2]) <= 1
    if instance.steepest is not None:
        assert 0.5 < _largest(square, instance.steepest) <= 1


@pytest.mark.parametrize("name", INSTANCES)
def test_score_is_within_its_bound(name):
    """Every bound on a variance rests on this one."""
    _, _, _, score, _ = _measured(name)
    assert 1e-3 < _largest(score, _bounds(name)[3]) <= 1


@pytest.mark.parametrize("name", INSTANCES)
def test_variance_is_within_its_bound(name):
    """V_sup of T1.rate, on the full sweep and with drawn prompts."""
    *_, variances = _measured(name)
    for v, bound in zip(variances.T, _bounds(name)[4], strict=True):
        assert 1e-3 < _largest(v, bound) <= 1


def test_bounds_are_approached():
    """Over the thousand points: an L four times too small would show, other bounds sooner."""
    assert len(INSTANCES) * POINTS == 1000
    shares = [_shares(name) for name in INSTANCES]
    hessian, square, score, variance = np.max(shares, 0)
    assert hessian > 0.25
    assert square > 0.9
    assert score > 0.99
    assert variance > 1 / 3


def _shares(name):
    _, norm, square, score, variances = _measured(name)
    L, _, steepest, noisiest, varied = _bounds(name)
    pairs = (norm, L), (square, steepest), (score, noisiest), (variances[:, 0], varied[0])
    return [_largest(*pair) for pair in pairs]
