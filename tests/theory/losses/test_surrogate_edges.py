"""The surrogate where formulas break: padding of any content, and policies next to each other."""

from functools import partial

import jax
import numpy as np
import pytest

from grpo_checks.theory.losses.kl_penalty import k3
from grpo_checks.theory.losses.surrogate import Clipping, surrogate_loss

_loss = jax.jit(jax.value_and_grad(surrogate_loss), static_argnames="clipping")
_k3 = jax.jit(k3)
PADDING = (-1e10, -800.0, 800.0, -np.inf, np.inf, np.nan)


@pytest.mark.parametrize("padding", PADDING)
@pytest.mark.parametrize("ratio_weighted_kl", [False, True])
@pytest.mark.parametrize("level", ["token", "sequence"])
def test_padding_counts_for_nothing(padding, level, ratio_weighted_kl):
    """Loss and gradients of real steps are as if it were absent, whichever array it stands in."""
    rng = np.random.default_rng(0)
    real = -rng.exponential(size=(3, 4, 3))
    mask, advantages = np.ones((4, 3)), rng.normal(size=4)
    clipping = Clipping(0.2, 0.28, 1.5, level, 0.3, ratio_weighted_kl)
    loss = partial(_loss, clipping=clipping)
    value, slope = loss(*real, mask, advantages, mask / 12)
    # Two more steps for each episode, and one more episode, of padding alone.
    grow = ((0, 1), (0, 2))
    mask = np.pad(mask, grow)
    for place in range(5):
        new, old, reference = (np.pad(x, grow) for x in real)
        gain, weights = np.append(advantages, 0.0), mask / 12
        spoilt = (new, old, reference, weights, gain)[place]
        spoilt[mask == 0 if spoilt.ndim == 2 else [-1]] = padding
        padded = loss(new, old, reference, mask, gain, weights)
        np.testing.assert_allclose(padded[0], value, rtol=1e-14)
        np.testing.assert_allclose(np.asarray(padded[1])[:4, :3], slope, rtol=1e-14)
        assert (np.asarray(padded[1])[mask == 0] == 0).all()


def test_k3_near_equality():
    """x^2/2 for a small log ratio x, and never negative; 1e-8 gave -1.1e-16 by r - log r - 1."""
    x = np.logspace(-150, 0, 200)
    for sign in (-1, 1):
        penalty = np.asarray(_k3(np.zeros(200), sign * x))
        assert (penalty > 0).all()
        small = x < 1e-12
        np.testing.assert_allclose(penalty[small], x[small] ** 2 / 2, rtol=1e-11)
    assert float(_k3(-1.0, -1.0 + 2.0**-27)) == pytest.approx(2.0**-55, rel=1e-8)
