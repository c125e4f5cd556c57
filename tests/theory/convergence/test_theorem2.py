"""The certificates against brute force, their constants against published and 40-digit values."""

from itertools import pairwise
from typing import Any

import jax
import mpmath
import numpy as np
import pytest
from helpers import oracles
from scipy.optimize import minimize_scalar

from grpo_checks.theory.convergence.decomposition_gap import certificate, gap_bound, kappa_factor
from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.estimators.response import coefficients, kappa, response, response_values
from grpo_checks.theory.instances.random import random_instance
from grpo_checks.theory.numbers.bernstein import bernstein, elevated

TINY: dict[str, Any] = {"tools": 1, "answers": 2, "depth": 1, "width": 1, "prompts": 1}
# theory section 3, printed to four decimals.
TABLE = {2: 1, 3: 1, 4: 1.0718, 5: 1.1596, 8: 1.4258, 16: 2.0024, 64: 4.0003}
FACTORS = {2: 0, 3: 0, 4: 0.0347, 5: 0.0739, 8: 0.1755, 16: 0.3339, 64: 0.6}
_certify, _gap_bound = jax.jit(certificate), jax.jit(gap_bound)


def _kappa_in_40_digits(size):
    """b_1 over the Bernstein sum at 1/2, term by term."""
    with mpmath.workdps(40):
        b = [(size - 1) / mpmath.sqrt(k * (size - k)) for k in range(1, size)]
        middle = sum(mpmath.binomial(size - 2, j) * b[j] for j in range(size - 1))
        return float(b[0] * mpmath.mpf(2) ** (size - 2) / middle)


@pytest.mark.parametrize("size", TABLE)
def test_table_of_kappa(size):
    """To 1e-4 of the printed values, to 1e-12 of the definition."""
    assert abs(kappa(size) - TABLE[size]) < 1e-4
    assert abs(float(kappa_factor(jax.device_put(kappa(size)))) - FACTORS[size]) < 1e-4
    assert abs(kappa(size) - _kappa_in_40_digits(size)) < 1e-12


def test_no_option_makes_responses_more_unequal():
    """kappa_G of eps = 0, ddof = 0 is the largest."""
    for size in (2, 3, 4, 8, 64):
        for ddof in (0, 1):
            for eps in (0.0, 1e-4, 0.1, 2.0):
                assert 1 <= kappa(size, ddof, eps) <= kappa(size) * (1 + 1e-14)


def test_elevated_coefficients_are_the_same_polynomial():
    """c_G as a polynomial of degree 62, to rounding; a lower degree is refused."""
    p = jax.device_put(np.linspace(0, 1, 41))
    for size in (2, 3, 5, 16, 64):
        values = response_values(size, Estimator("componentwise_normalized"), 62)
        np.testing.assert_allclose(
            bernstein(jax.device_put(values), p), response(p, size), rtol=1e-13
        )
    with pytest.raises(ValueError, match="degree = 2: expected at least 6"):
        elevated(coefficients(8), 2)


def test_best_c_is_at_a_kink():
    """No other c gives less: a bounded search over 1/c from many starts."""
    rng = np.random.default_rng(0)
    for _ in range(50):
        phi, (c, u, w) = rng.exponential(), rng.uniform(0.2, 3, (3, 3))

        def bound(x, phi=phi, c=c, u=u, w=w):
            return phi * x + (w * np.abs(1 - c * x) * u).sum()

        value = float(_gap_bound(phi, c, u, w))
        edges = [0, *np.sort(1 / c), 3 / c.min()]
        searched = min(
            minimize_scalar(bound, bounds=(a, b), method="bounded").fun for a, b in pairwise(edges)
        )
        assert value <= searched + 1e-12
        assert min(bound(x) for x in edges) >= value - 1e-12


def _values_of_maps(mdp):
    """Component values (N, K) of every deterministic policy of one prompt."""
    paths = oracles.list_paths(mdp, 0)
    legal = np.asarray(mdp.legal)
    grids = np.meshgrid(*[np.flatnonzero(row) for row in legal], indexing="ij")
    maps = np.stack([g.reshape(-1) for g in grids], 1)
    reward = np.array([[float(x) for x in vector] for vector in paths.reward])
    agrees = [paths.chance * ((m[paths.state] == paths.action) | ~paths.taken).all(1) for m in maps]
    return np.array(agrees) @ reward


@pytest.mark.parametrize("seed", range(12))
def test_certificate_is_what_listing_policies_gives(seed):
    """Gap, residual, reach and aligned optima against all deterministic policies."""
    instance = random_instance(2, seed=seed, levels=2, **TINY)
    mdp, rng = instance.mdp, np.random.default_rng(seed)
    listed, w = _values_of_maps(mdp), np.asarray(mdp.weights)
    mixed = rng.dirichlet(np.ones(len(listed))) @ listed
    c = np.asarray(response(jax.device_put(mixed), 8))
    certified = _certify(oracles.pad_classes(mdp), mixed[None], c[None])
    close = lambda a, b: np.testing.assert_allclose(np.ravel(a), np.ravel(b), atol=1e-13)  # noqa: E731
    close(certified.gap, (listed @ w).max() - mixed @ w)
    close(certified.residual, ((listed - mixed) @ (w * c)).max())
    close(certified.reach, np.abs(listed - mixed).max(0))
    close(certified.misaligned, w @ listed.max(0) - (listed @ w).max())
    assert np.asarray(certified.gap)[0] <= np.asarray(certified.bound)[0] + 1e-12
