"""Orbits of reversible updates are closed: followed by a Runge-Kutta method of order 8."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import solve_ivp

from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.estimators.group_law import group_law
from grpo_checks.theory.instances.cycles.rank_cycle import START, rank_cycle
from grpo_checks.theory.updates.moments import expected_update

LONGEST = 300.0
"""Of the flow; the period at G = 2 is 138.5, and falls with G."""


def _returned(instance, group_size, estimator):
    """Distance from the start, and the time, when the flow next crosses the plane through the
    start that stands on it."""
    law = group_law(instance.mdp, group_size, estimator)
    update = jax.jit(
        lambda theta: expected_update(instance.mdp, instance.policy, theta[None], law)[0]
    )

    def field(_, theta):
        return np.asarray(update(theta))

    start = np.array(START)
    across = field(0, start)

    def crossing(_, theta):
        return (theta - start) @ across

    crossing.direction, crossing.terminal = 1, 2
    path = solve_ivp(field, (0, LONGEST), start, "DOP853", events=crossing, rtol=1e-12, atol=1e-13)
    times, points = path.t_events[0], path.y_events[0]
    later = times > 1.0
    return np.linalg.norm(points[later][0] - start), times[later][0]


@pytest.mark.parametrize("group_size", [2, 3, 4, 8])
@pytest.mark.parametrize(
    "estimator", [Estimator("group_normalized"), Estimator("group_normalized", 1, 1e-4)]
)
def test_orbits_close(group_size, estimator):
    """From (1, 0, -.6), at every group size."""
    distance, _ = _returned(rank_cycle(), group_size, estimator)
    assert distance < 1e-8


def test_period_of_pairs():
    """As published."""
    assert _returned(rank_cycle(), 2, Estimator("group_normalized"))[1] == pytest.approx(
        138.511, abs=1e-3
    )


def test_broken_reflection_does_not_close():
    """Other shares of the prompts, at G = 4: the test above can fail."""
    instance = rank_cycle()
    shares = jnp.array([0.4, 0.3, 0.3])
    mdp = eqx.tree_at(lambda model: model.prompt_distribution, instance.mdp, shares)
    distance, _ = _returned(instance._replace(mdp=mdp), 4, Estimator("group_normalized"))
    assert distance > 1e-4
