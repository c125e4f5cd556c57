"""Rounding errors: bounds that hold, against exact sums of the same floats, and are not slack."""

from fractions import Fraction

import jax
import mpmath
import numpy as np
import pytest

from grpo_checks.theory.evaluation.values import reward_law
from grpo_checks.theory.instances.random import random_instance
from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.mdp.policy import Tabular
from grpo_checks.theory.updates.rounding import UNIT, accumulated, rounding, sweep_roundings


def test_the_unit_is_half_a_step_from_one():
    """2^-53: half the distance from 1 to the next float; n of them, and a little more."""
    assert Fraction(UNIT) == Fraction(1, 2**53)
    assert float(np.nextafter(1.0, 2.0)) - 1 == 2 * UNIT
    assert accumulated(10) == pytest.approx(10 * UNIT, rel=1e-12)
    with pytest.raises(ValueError, match=r"roundings = 1e\+16"):
        accumulated(1e16)


@pytest.mark.parametrize("seed", range(5))
def test_sums_that_cancel(seed):
    """The error is within the bound; no constant could be it."""
    x = np.random.default_rng(seed).normal(size=500)
    x[-1] = -x[:-1].sum()
    running = 0.0
    for value in x:
        running += value
    error = abs(Fraction(running) - sum(map(Fraction, x.tolist())))
    assert error <= rounding(float(np.abs(x).sum()), x.size) <= 1e-10


@pytest.mark.parametrize("spread", [0.0, 3.0, 30.0])
def test_a_reward_law_to_forty_digits(spread):
    """Random models, logits up to 60: every probability is as near as the bound says."""
    instance = random_instance(2, seed=3)
    mdp, policy = instance.mdp, instance.policy
    theta = jax.device_put(np.random.default_rng(0).normal(size=instance.theta.shape) * spread)
    values = np.asarray(jax.jit(lambda t: reward_law(mdp, policy.probs(t)))(theta))
    wanted = _law(mdp, np.asarray(policy.logits(theta)))
    share = accumulated(sweep_roundings(mdp, policy, theta))
    for p, q in zip(values.reshape(-1), wanted.reshape(-1), strict=True):
        assert abs(mpmath.mpf(float(p)) - q) <= share * q + mpmath.mpf(2) ** -1000
    assert share < 1e-13


def _law(mdp: TAMDP, logits: np.ndarray) -> np.ndarray:
    """By a sweep in 40 digits over the same floats."""
    with mpmath.workdps(40):
        legal = np.asarray(mdp.legal)
        mu, move = np.asarray(mdp.initial_distribution), np.asarray(mdp.tool_transition)
        index = np.asarray(mdp.class_index)
        observed = np.full((len(mu), mdp.class_composite.size), mpmath.mpf(0))
        chances = []
        for row, allowed in zip(logits, legal, strict=True):
            odds = [
                mpmath.exp(mpmath.mpf(float(x))) * int(a) for x, a in zip(row, allowed, strict=True)
            ]
            total = sum(odds) or mpmath.mpf(1)
            chances.append([x / total for x in odds])
        for q, first in enumerate(mu):
            mass = [mpmath.mpf(float(x)) for x in first]
            for s in np.argsort(np.asarray(mdp.depth), kind="stable"):
                for u in range(mdp.n_tools):
                    for t in np.flatnonzero(move[s, u]):
                        mass[t] += mass[s] * chances[s][u] * mpmath.mpf(float(move[s, u, t]))
                for y in range(legal.shape[1] - mdp.n_tools):
                    observed[q, index[q, s, y]] += mass[s] * chances[s][mdp.n_tools + y]
        return observed


def test_large_logits_cost_digits():
    """exp(x) has |x| times the relative error of x: a sure policy is known less well."""
    mdp = random_instance(2, seed=3).mdp
    policy = Tabular(mdp)
    small, large = (sweep_roundings(mdp, policy, policy.zeros() + x) for x in (0.0, 1000.0))
    assert large - small == pytest.approx(2000 * mdp.horizon)
