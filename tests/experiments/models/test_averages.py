"""Ranges of averages along a run, which limits of any number of seeds rest on."""

from dataclasses import replace

import jax
import jax.numpy as jnp

from grpo_checks.experiments.models.averages import average, highest
from grpo_checks.experiments.models.constants import run_constants
from grpo_checks.experiments.models.instances import build
from grpo_checks.experiments.models.settings import UNBIASED
from grpo_checks.experiments.protocol.claim import Scope
from grpo_checks.experiments.runs.slopes import cell
from grpo_checks.theory.evaluation.values import gradient

QUICK = Scope("quick")


def test_ranges_hold_for_extreme_updates():
    """T = 1 from the steepest point: both groups all but even, which pulls hardest; by listing."""
    (run,) = cell(2, QUICK, UNBIASED, lengths=(100,))
    once = replace(run, n_steps=1, step=0.2)
    slope, largest = 1 / 8, 3 / 4
    high, climbed = highest(once)
    assert climbed == (high < run_constants(once).squared_gradient)
    assert high >= min(slope * largest, run_constants(once).squared_gradient)
    result = {"squared_gradient": [slope**2], "first_order_gain": [0.2 * slope * largest]}
    for sign in (1, -1):
        gains = [sign * gain for gain in result["first_order_gain"]]
        above = average(once, {**result, "first_order_gain": gains}).above
        assert above.low <= above.values[0] <= above.high


def test_a_climb_to_the_optimum_stays_in_its_range():
    """Along the exact gradient the average of |grad J|^2 all but reaches the gap over eta T."""
    (run,) = cell(2, QUICK, UNBIASED, lengths=(100,))
    run = replace(run, n_steps=20_000, step=1e-3)
    _, mdp, policy, theta, *_ = build(run.instance)

    def step(at, _):
        slope = gradient(mdp, policy, at)
        return at + run.step * slope, jnp.square(slope).sum()

    squares = jax.jit(lambda at: jax.lax.scan(step, at, None, length=run.n_steps))(theta)[1]
    mean = float(squares.mean())
    high, climbed = highest(run)
    assert climbed
    assert mean <= high <= 1.1 * mean
    # Straight down, as steep as can be.
    back = {"squared_gradient": [1 / 64], "first_order_gain": [-run.step * 3 / 32]}
    assert average(run, back).above.low <= -3 / 32
