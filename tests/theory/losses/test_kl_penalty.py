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
    x, zero = jax.device_put(X), jnp.zeros(X.size)
    one = lambda y: penalty(y, jnp.zeros_like(y), kind)  # noqa: E731
    np.testing.assert_allclose(penalty(x, zero, kind), VALUES[kind], rtol=1e-14, atol=1e-15)
    np.testing.assert_allclose(slope(x, kind), jax.vmap(jax.grad(one))(x), rtol=1e-14)
    weighted = jax.vmap(jax.grad(lambda y, at: 2.0 * jnp.exp(y - at) * one(y)))(x, x)
    np.testing.assert_allclose(2.0 * weighted_slope(x, kind), weighted, rtol=0, atol=1e-13)


def test_k3_estimates_kl():
    """Non-negative, 0 at equality, and unbiased: its mean over all actions is the KL itself."""
    rng = np.random.default_rng(0)
    pi, reference = rng.dirichlet(np.ones(7), (2, 20))
    penalty = np.asarray(k3(jnp.log(jax.device_put(pi)), jnp.log(jax.device_put(reference))))
    assert (penalty >= 0).all()
    assert penalty.max() > 1
    assert (k3(jnp.log(pi), jnp.log(pi)) == 0).all()
    kl = (pi * np.log(pi / reference)).sum(-1)
    np.testing.assert_allclose((pi * penalty).sum(-1), kl, atol=1e-12)


def test_only_the_third_kind_becomes_the_second_under_the_ratio():
    """And k3 without its ratio is another one."""
    x = jax.device_put(X)
    same = {k: bool((weighted_slope(x, k) == slope(x, "k2")).all()) for k in get_args(KLKind)}
    assert same == {"k1": False, "k2": False, "k3": True, "k3+": False}
    assert float(jnp.abs(slope(x, "k3") - x).max()) > 1.0


def test_bonus_is_the_mean_entropy_of_tokens():
    """Under a token mean, less its weight in the loss; without the entropies it is refused."""
    probs = np.random.default_rng(0).dirichlet(np.ones(4), (2, 3))
    mask = jnp.array([[1.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
    states = -(probs * np.log(probs)).sum(-1)
    exact = states[np.asarray(mask) > 0].mean()
    entropy = surprises(jax.device_put(probs), jnp.log(jax.device_put(probs))).sum(-1)
    zero, gain = jnp.zeros((2, 3)), jnp.zeros(2)
    loss = (zero, zero, zero, mask, gain, mask / 3, Clipping(entropy=0.5))
    np.testing.assert_allclose(surrogate_loss(*loss, entropy), -0.5 * exact, rtol=1e-14)
    with pytest.raises(ValueError, match="entropy = None: expected"):
        surrogate_loss(*loss)
