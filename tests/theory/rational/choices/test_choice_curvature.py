"""Derivatives of J in rational numbers: automatic differentiation, NumPy, listed episodes."""

from functools import cache

import equinox as eqx
import jax
import numpy as np
import pytest
from flint import fmpq
from helpers import choice_instance

from grpo_checks.theory.evaluation.curvature import contrast as listed_contrast
from grpo_checks.theory.evaluation.curvature import curvature_moments, matrix_norm
from grpo_checks.theory.evaluation.episode_listing import list_episodes
from grpo_checks.theory.evaluation.values import prompt_values
from grpo_checks.theory.numbers.balls import ends
from grpo_checks.theory.rational.choices.choice import actions, gradient, parse_choice
from grpo_checks.theory.rational.choices.curvature import (
    contrast,
    hessian,
    mean_square,
    slopes,
    square_norm,
    variance,
)

SEEDS = range(4)
NORMS = ("spectral", "Frobenius")
ONE = (fmpq(1),)


@eqx.filter_jit
def _derivatives(mdp, policy, theta):
    value = lambda t: prompt_values(mdp, policy.probs(t))[0]  # noqa: E731
    return jax.grad(value)(theta), jax.hessian(value)(theta)


@cache
def _found(seed, binary=True):
    """Kinds, the listing in float64, and derivatives of the three logits that matter."""
    document = choice_instance.document(seed, binary=binary)
    of, model = parse_choice(document), choice_instance.instance(document)
    listed = list_episodes(model.mdp, model.policy, model.theta)[0]
    slope, curvature = map(np.asarray, _derivatives(*model[1:4]))
    return of, listed, slope[0, :3], curvature[0, :3, 0, :3]


def _floats(matrix):
    return np.array([[float(x) for x in row] for row in matrix])


@pytest.mark.parametrize("seed", SEEDS)
def test_by_automatic_differentiation(seed):
    """Gradient and Hessian; and the gradient as E[R s], exactly."""
    of, _, slope, curvature = _found(seed, False)
    choices = actions(of.kinds[0], of.weights)
    np.testing.assert_allclose([float(x) for x in slopes(choices)], slope, atol=1e-14)
    np.testing.assert_allclose(_floats(hessian(choices)), curvature, atol=1e-14)
    assert slopes(choices) == gradient(of.kinds[0], of.weights)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("seed", SEEDS)
def test_moments_of_listed_episodes(seed, norm):
    """Both sides of the bound, in both norms, by NumPy's singular values."""
    of, listed, _, curvature = _found(seed, False)
    moments, choices = curvature_moments(listed), actions(of.kinds[0], of.weights)
    bound = variance(of.kinds[0], of.weights) * mean_square(of.kinds[0], choices, norm)
    low, high = ends(bound)
    assert np.isclose(float(low), moments.bound(norm) ** 2, rtol=1e-12)
    assert high - low < 1e-60
    found = float(ends(square_norm(hessian(choices), norm))[0])
    assert np.isclose(found, matrix_norm(curvature, norm) ** 2, rtol=1e-10)


@pytest.mark.parametrize("seed", SEEDS)
def test_contrast_of_listed_episodes(seed):
    """E[s|r=1] - E[s|r=0]."""
    of, listed, *_ = _found(seed)
    found = [float(x) for x in contrast(of.kinds[0])]
    np.testing.assert_allclose(found, listed_contrast(listed, np.array([0.0, 1.0]))[:3], atol=1e-13)


def test_two_answers_are_an_equality():
    """Rational on both sides, so that equality is decided."""
    sure = [{"odds": o, "outcomes": [{"share": 1, "rewards": [r]}]} for o, r in ((3, 1), (1, 0))]
    (kinds,) = parse_choice({"weights": [1], "prompts": [{"share": 1, "actions": sure}]}).kinds
    choices = actions(kinds, ONE)
    for norm in NORMS:
        bound = variance(kinds, ONE) * mean_square(kinds, choices, norm)
        assert square_norm(hessian(choices), norm) == bound == fmpq(9, 256)


def test_bad_input():
    """Named."""
    with pytest.raises(ValueError, match="actions = 4"):
        square_norm([[fmpq(0)] * 4] * 4, "spectral")
    of, *_ = _found(0, False)
    with pytest.raises(ValueError, match="expected one, 0 or 1"):
        contrast(of.kinds[0])
    won = [k for k in _found(0)[0].kinds[0] if k.rewards == (fmpq(1),)]
    with pytest.raises(ValueError, match="success is certain"):
        contrast(won)
