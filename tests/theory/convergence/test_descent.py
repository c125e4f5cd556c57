"""Theorem 1 without the polarisation identity: algebra, and that it is never worse than T1.rate."""

import numpy as np
import pytest

from grpo_checks.theory.convergence.descent import descent_bound, sharp_rate
from grpo_checks.theory.convergence.stationarity import path_terms, rate_bound, rate_step

RNG = np.random.default_rng(1)


def test_one_inequality_in_two_forms():
    """Where A is descent_bound it solves sharp_rate's, with the gain for the gap."""
    for gain, variance, step, smoothness in RNG.uniform(0.1, 1.0, (20, 4)):
        solved = sharp_rate(gain, variance, step, 7, smoothness)
        again = descent_bound(gain, solved, variance, step, 7, smoothness)
        assert again == pytest.approx(solved, rel=1e-14)
        # T1.path gives away (1 - L eta) A besides.
        loose = path_terms(gain, 0.0, variance, step, 7, smoothness).bound
        assert loose == pytest.approx(solved * (2 - smoothness * step), rel=1e-14)


def test_never_worse_than_the_rate():
    """At the step of T1.rate, in both of its cases, V up to V_sup."""
    ratios = []
    for gap, limit, share, smoothness in RNG.uniform(0.01, 1.0, (200, 4)):
        n_steps = int(RNG.integers(1, 200))
        step = float(rate_step(gap, limit, n_steps, smoothness))
        sharp = sharp_rate(gap, share * limit, step, n_steps, smoothness)
        ratios.append(sharp / float(rate_bound(gap, limit, n_steps, smoothness)))
    assert 0.25 < min(ratios) < max(ratios) <= 1
