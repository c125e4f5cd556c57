"""The numbers of an instance that Theorem 1 speaks of, and the step size that they give."""

from dataclasses import dataclass, replace
from functools import lru_cache, partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from grpo_checks.experiments.models.instances import InstanceSpec, build
from grpo_checks.experiments.models.settings import RunSettings
from grpo_checks.theory.convergence.ranges import update_ranges
from grpo_checks.theory.convergence.smoothness import smoothness, squared_gradient_bound
from grpo_checks.theory.convergence.stationarity import rate_step
from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.estimators.response import is_constant
from grpo_checks.theory.evaluation.values import Theta, value
from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.mdp.policy import Policy
from grpo_checks.theory.updates.potential import (
    check_binary,
    largest_potential,
    potential_value,
    steepest_response,
)
from grpo_checks.theory.updates.rounding import accumulated, sweep_roundings


@dataclass(frozen=True)
class Constants:
    """The numbers of an instance that Theorem 1 speaks of, as floats, for J or for Jtilde."""

    smoothness: float
    start: float
    """J(theta_0)."""
    optimum: float
    """J*, or for Jtilde an upper bound."""
    max_reward: float
    squared_gradient: float
    """Upper bound over all theta; likewise the next two."""
    update_norm: float
    variance: float
    rounding: float
    """Of a value, as a share of it."""

    @property
    def gap(self) -> float:
        """J* - J(theta_0), not below 0; a difference of rounding size is none."""
        difference, error = self.optimum - self.start, self.rounding
        return difference if difference > error * (abs(self.optimum) + abs(self.start)) else 0.0


@partial(jax.jit, static_argnames=("estimator", "prompts"))
def _numbers(
    mdp: TAMDP,
    policy: Policy,
    theta: Theta,
    group_size: Int[Array, ""],
    estimator: Estimator,
    prompts: int | None,
) -> dict[str, Float[Array, ""]]:
    """All constants in one compilation per model shape: the group size is data here."""
    ranges = update_ranges(mdp, policy, group_size, estimator, prompts)
    return {
        "smoothness": smoothness(mdp, policy),
        "start": value(mdp, policy, theta),
        "max_reward": mdp.max_reward,
        "squared_gradient": squared_gradient_bound(mdp, policy),
        "update_norm": ranges.norm,
        "variance": ranges.variance,
    }


@lru_cache(maxsize=512)
def constants(
    spec: InstanceSpec, group_size: int, estimator: Estimator, prompts: int | None
) -> Constants:
    """Of an instance and J, for one way to estimate updates."""
    instance = build(spec)
    model = (instance.mdp, instance.policy, instance.theta)
    arrays = _numbers(*model, jnp.asarray(group_size), estimator, prompts)
    numbers = {name: float(x) for name, x in arrays.items()}
    if instance.steepest is not None:
        numbers["squared_gradient"] = min(numbers["squared_gradient"], instance.steepest)
    rounding = accumulated(sweep_roundings(*model))
    return Constants(optimum=instance.optimum, rounding=rounding, **numbers)


def potential_roundings(group_size: int) -> int:
    """Of Jtilde or its gradient, in those of the law: polynomials of degree up to G in it."""
    return 2 + 2 * group_size


def _of_potential(run: RunSettings, of_reward: Constants) -> Constants:
    """For Jtilde: smoothness and gradient grow by sup c_G (see ``theory.updates.potential``)."""
    instance, groups = build(run.instance), (run.group_size, run.estimator)
    check_binary(instance.mdp)
    steepest = steepest_response(*groups)
    return replace(
        of_reward,
        smoothness=steepest * of_reward.smoothness,
        start=float(potential_value(instance.mdp, instance.policy, instance.theta, *groups)),
        optimum=float(largest_potential(instance.mdp, *groups)),
        squared_gradient=steepest**2 * of_reward.squared_gradient,
        rounding=potential_roundings(run.group_size) * of_reward.rounding,
    )


@lru_cache(maxsize=2048)
def run_constants(run: RunSettings) -> Constants:
    """The constants that belong to a run and its objective."""
    of_reward = constants(run.instance, run.group_size, run.estimator, run.prompts)
    return of_reward if run.objective == "reward" else _of_potential(run, of_reward)


def multiple(run: RunSettings) -> float | None:
    """c, where E[g] = c grad f at every policy, f the objective of the run; else None."""
    name, size = run.estimator.name, run.group_size
    if run.objective == "potential":
        return 1.0 if name == "componentwise_normalized" else None
    if name in ("leave_one_out", "mean_baseline"):
        return 1.0 if name == "leave_one_out" else 1 - 1 / size
    rewards = np.asarray(build(run.instance).mdp.class_composite)
    # E[g] = c_G(p) grad p for one reward of 0 or 1, and c_2, c_3 are constants.
    if name == "group_normalized" and is_constant(size) and np.isin(rewards, (0, 1)).all():
        return steepest_response(size, run.estimator)
    return None


def step_size(run: RunSettings) -> float:
    """eta, constant along the run; 0 where there is nothing to learn."""
    if run.step is not None:
        return run.step
    c = run_constants(run)
    if c.gap == 0 or c.smoothness == 0:
        return 0.0
    return float(rate_step(c.gap, c.variance, run.n_steps, c.smoothness))


def path_rounding(run: RunSettings) -> float:
    """Of an exact number averaged over the steps of a run, as a share of its terms.

    No parameter moves by more than T eta |g|; a sum of T terms is rounded T times.
    """
    instance, moved = build(run.instance), run.n_steps * run_constants(run).update_norm
    farthest = jnp.abs(instance.theta) + step_size(run) * moved
    sweep = sweep_roundings(instance.mdp, instance.policy, farthest)
    return accumulated(run.n_steps + potential_roundings(run.group_size) * sweep)
