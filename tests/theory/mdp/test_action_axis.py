"""Sums, maxima and softmax along the actions, written out or not: NumPy and SciPy do the same."""

import jax
import numpy as np
import pytest
from scipy import special

from grpo_checks.theory.mdp.action_axis import add_up, prefix_sums, softmax

SIZES = [1, 8, 9, 64, 70]
# One program each, where every operation would be one.
_prefix_sums = jax.jit(lambda x: (prefix_sums(x), prefix_sums(x[..., 0])))
_sums = jax.jit(lambda x, finite: (softmax(x), softmax(x[..., 0]), add_up(finite)))
_slope = jax.jit(jax.jacobian(softmax))


@pytest.mark.parametrize("size", SIZES)
def test_prefix_sums_never_fall_and_rest_where_nothing_is_added(size):
    """Within blocks and from one to the next, for one policy and for many, as NumPy adds up."""
    rng = np.random.default_rng(size)
    x = rng.random((5, size, 3)) * (rng.random((5, size, 3)) < 0.5)
    values, single = map(np.asarray, _prefix_sums(x))
    np.testing.assert_allclose(values, np.cumsum(x, 1), rtol=1e-14)
    rise = np.diff(values, axis=1)
    assert (rise >= 0).all()
    assert (rise[x[:, 1:] == 0] == 0).all()
    np.testing.assert_array_equal(single, values[..., 0])


@pytest.mark.parametrize("size", SIZES)
def test_sums_and_softmax(size):
    """Of one policy and of many, with actions that are not allowed and huge logits."""
    rng = np.random.default_rng(size)
    x = rng.normal(scale=300, size=(5, size, 3))
    x[:, 1:][rng.random((5, size - 1, 3)) < 0.3] = -np.inf
    # Below 1e-307 XLA may flush to 0.
    close = {"rtol": 1e-12, "atol": 1e-307}
    finite = np.where(np.isfinite(x), x, 0.0)
    total = finite.sum(1, keepdims=True)
    many, one, added = _sums(x, finite)
    np.testing.assert_allclose(many, special.softmax(x, 1), **close)
    np.testing.assert_allclose(one, special.softmax(x[..., 0], 1), **close)
    np.testing.assert_allclose(added, total, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("size", SIZES)
def test_softmax_has_its_derivative(size):
    """p_a (1{a = b} - p_b), with nothing through the largest logit."""
    logits = np.random.default_rng(size).normal(size=(1, size))
    p = special.softmax(logits[0])
    values = np.asarray(_slope(logits))[0, :, 0]
    np.testing.assert_allclose(values, np.diag(p) - np.outer(p, p), atol=1e-15)
