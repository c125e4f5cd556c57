"""Where a biased estimator leads on one model, and what is left of grad J there."""

from functools import partial

import jax

from grpo_checks.theory.convergence.smoothness import smoothness
from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.estimators.group_law import group_law
from grpo_checks.theory.estimators.response import coefficients
from grpo_checks.theory.evaluation.values import Theta
from grpo_checks.theory.instances.instance import Instance
from grpo_checks.theory.updates.stationary import follow

FLOOR_STEPS = 20_000
_steepest = jax.jit(smoothness)
_followed = jax.jit(partial(follow, most=FLOOR_STEPS))


def smoothness_of(instance: Instance) -> float:
    """L of J."""
    return float(_steepest(instance.mdp, instance.policy))


def bias_floor(
    instance: Instance, theta: Theta, estimator: Estimator, size: int
) -> dict[str, float]:
    """|grad J|^2 and |E g|^2 where the expected update leads, and after how many steps."""
    largest = smoothness_of(instance)
    if largest == 0:
        return {"squared_gradient": 0.0, "squared_update": 0.0, "steps": 0}
    # Jtilde is b_1 L-smooth; composite rewards in units of one standard deviation behave alike.
    step = 1 / (largest * float(coefficients(size)[0]))
    law = group_law(instance.mdp, size, estimator)
    end = _followed(instance.mdp, instance.policy, theta, law, step)
    names = ("squared_gradient", "squared_update", "steps")
    return {name: float(getattr(end, name)) for name in names}


def floor_line(instance: Instance, theta: Theta, estimator: Estimator, size: int) -> str:
    """The same as a sentence."""
    end = bias_floor(instance, theta, estimator, size)
    opening = f"bias floor of {estimator.name}, G = {size}: |grad J|^2 "
    if end["squared_update"] > 0 and end["steps"] == 0:
        update = f"|E g|^2 = {end['squared_update']:.3g}: too small to follow"
        return opening + f"= {end['squared_gradient']:.3g}, {update}"
    if end["steps"] < FLOOR_STEPS:
        return opening + f"= {end['squared_gradient']:.3g} at the zero of E[g]"
    return opening + (
        f"= {end['squared_gradient']:.3g} where |E g|^2 = {end['squared_update']:.3g}, after "
        f"{int(end['steps'])} steps; no zero of E[g] was met"
    )
