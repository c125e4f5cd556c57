"""Sampled runs beside an orbit follow the expected updates of their own estimator."""

import numpy as np

from grpo_checks.experiments.claims.cycles import sampled_orbits
from grpo_checks.experiments.claims.cycles.own_orbits import measured, spec_of
from grpo_checks.theory.estimators.advantages import Estimator


def test_means_follow_the_expected_updates():
    """Within six standard errors of eight runs, and far from those of another estimator.

    Noise moves means by curvature too, of the order of the squared spread: it is counted beside.
    """
    rules = [Estimator(name) for name in ("group_normalized", "leave_one_out")]
    columns = sampled_orbits.sampled(spec_of("dice"), 2, rules[0], 24.0)
    times = sorted(float(c.split("=")[1]) for c in columns if c.startswith("sampled J at"))
    numbers = {
        name: np.array([columns[f"{name} at t={t:g}"] for t in times])
        for name in ("sampled J", "sampled J_1", "sampled J_2", "spread of J")
    }
    assert np.allclose(numbers["sampled J"], numbers["sampled J_1"] + numbers["sampled J_2"] / 5)
    steps = np.round(np.array(times) / sampled_orbits.STEP).astype(int)
    values = [
        np.asarray(measured("dice", 2, rule, sampled_orbits.STEP, int(steps[-1]) + 1).value)[steps]
        for rule in rules
    ]
    spread = numbers["spread of J"]
    allowed = 6 * spread / np.sqrt(sampled_orbits.SEEDS) + 10 * spread**2
    distances = [np.abs(numbers["sampled J"] - value) for value in values]
    assert (distances[0] < allowed).all()
    assert distances[1][-1] > 10 * allowed[-1]
