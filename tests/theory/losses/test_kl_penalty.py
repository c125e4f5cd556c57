"""Kinds of KL penalty and the entropy bonus, against NumPy and automatic differentiation."""

from typing import get_args

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from grpo_checks.theory.losses.kl_penalty import KLKind, k3, penalty, slope, weighted_slope
from grpo_checks.theory.losses.surrogate import Clipping, surprises, surrogate_loss

X = np.concatenate([-np.logspace(-9, 0.7, 9), [0.0], np.logspace(-9, 1, 9)])
VALUES = {
    "k1": X,
    "k2": X**2 / 2,
    "k3": np.expm1(-X) + X,
    "k3+": np.expm1(-X) + X,
}


@pytest.mark.parametrize("kind", get_args(KLKind))
def test_values_and_slopes(kind):
    """At log ref = 0; the ratio is 2, and its derivative by log pi the ratio itself."""
    one = lambda y: penalty(y, jnp.zeros_like(y), kind)  # noqa: E731
    twice = lambda y, at: 2.0 * jnp.exp(y - at) * one(y)  # noqa: E731
    formulas = jax.jit(lambda x: (one(x), slope(x, kind), 2.0 * weighted_slope(x, kind)))
    differentiated = jax.jit(jax.vmap(lambda y: (jax.grad(one)(y), jax.grad(twice)(y, y))))
    (value, plain, weighted), expected = formulas(X), differentiated(X)
    np.testing.assert_allclose(value, VALUES[kind], rtol=1e-14, atol=1e-15)
    np.testing.assert_allclose(plain, expected[0], rtol=1e-14)
    np.testing.assert_allclose(weighted, expected[1], rtol=0, atol=1e-13)


def test_k3_estimates_kl():
    """Non-negative, 0 at equality, and unbiased: its mean over all actions is the KL itself."""
    rng = np.random.default_rng(0)
    pi, reference = rng.dirichlet(np.ones(7), (2, 20))
    third = jax.jit(k3)
    penalty = np.asarray(third(np.log(pi), np.log(reference)))
    assert (penalty >= 0).all()
    assert penalty.max() > 1
    assert (np.asarray(third(np.log(pi), np.log(pi))) == 0).all()
    kl = (pi * np.log(pi / reference)).sum(-1)
    np.testing.assert_allclose((pi * penalty).sum(-1), kl, atol=1e-12)


def test_only_the_third_kind_becomes_the_second_under_the_ratio():
    """And k3 without its ratio is another one."""
    kinds = get_args(KLKind)
    weighted = jax.jit(lambda x: [weighted_slope(x, k) for k in kinds])(X)
    second, third = jax.jit(lambda x: [slope(x, k) for k in ("k2", "k3")])(X)
    same = {k: np.array_equal(w, second) for k, w in zip(kinds, weighted, strict=True)}
    assert same == {"k1": False, "k2": False, "k3": True, "k3+": False}
    assert np.abs(np.asarray(third) - X).max() > 1.0


def test_bonus_is_the_mean_entropy_of_tokens():
    """Under a token mean, less its weight in the loss; without the entropies it is refused."""
    probs = np.random.default_rng(0).dirichlet(np.ones(4), (2, 3))
    mask = np.array([[1.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
    states = -(probs * np.log(probs)).sum(-1)
    exact = states[mask > 0].mean()
    zero, gain, bonus = np.zeros((2, 3)), np.zeros(2), Clipping(entropy=0.5)
    entropy = jax.jit(lambda p: surprises(p, jnp.log(p)).sum(-1))(probs)
    compiled = jax.jit(surrogate_loss, static_argnums=6)
    loss = (zero, zero, zero, mask, gain, mask / 3, bonus)
    np.testing.assert_allclose(compiled(*loss, entropy), -0.5 * exact, rtol=1e-14)
    with pytest.raises(ValueError, match="entropy = None: expected"):
        compiled(*loss)
