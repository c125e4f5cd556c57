"""Guidance for one model: which estimator, which group size, at a budget of episodes per update.

Everything is exact: the signal e = max(0, <grad J, m>)^2/(|m|^2 + V) per episode, for each
estimator and group size, with B = N/G prompts drawn per update.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import pandas as pd

from experiments.instances import InstanceSpec, build
from theory.advantages import Estimator
from theory.benefit import ascent
from theory.budget import budget_terms
from theory.exact import Theta, value
from theory.group_law import GroupLaw, group_law
from theory.instances.instance import Instance
from theory.response import coefficients
from theory.silent import silence
from theory.smoothness import smoothness
from theory.stationary import follow
from theory.update import (
    PolicyLaw,
    UpdateMoments,
    combine,
    group_moments,
    policy_law,
    prompt_moments,
)

ESTIMATORS = tuple(
    Estimator(name) for name in ("leave_one_out", "group_normalized", "componentwise_normalized")
)
SIZES = (2, 3, 4, 5, 6, 8, 10, 12, 16, 24, 32, 48, 64)
FLOOR_STEPS = 20_000
MAX_BUDGET = 10**9


@dataclass(frozen=True)
class Advice:
    """What is printed and stored."""

    table: pd.DataFrame
    """One row for each estimator and group size."""
    summary: Sequence[str]


_policy_law = jax.jit(policy_law)
_closed = jax.jit(prompt_moments)
_summed = jax.jit(group_moments)
_combined = jax.jit(combine)
_silence = jax.jit(silence)
_steepest = jax.jit(smoothness)


@jax.jit
def _climb(mdp, policy, theta, step, steps):  # type: ignore[no-untyped-def]
    slope = jax.grad(lambda t: value(mdp, policy, t))
    return jax.lax.fori_loop(0, steps, lambda _, t: t + step * slope(t), theta)


def _smoothness(instance: Instance) -> float:
    return float(_steepest(instance.mdp, instance.policy))


def trained(instance: Instance, steps: int) -> Theta:
    """The policy after ``steps`` of exact gradient ascent with step 1/L. Raises ValueError."""
    if not 0 <= steps <= 10**6:
        raise ValueError(f"train = {steps}: expected 0..1000000 steps")
    largest = _smoothness(instance)
    step = 1 / largest if largest > 0 else 0.0
    return _climb(instance.mdp, instance.policy, instance.theta, step, steps)


def _cosine(update: UpdateMoments) -> float:
    """Of the angle between E[g] and grad J; 0 where either vanishes."""
    size = float(jnp.linalg.norm(update.gradient) * jnp.linalg.norm(update.mean))
    return float(update.gradient @ update.mean) / size if size > 0 else 0.0


def _law(instance: Instance, estimator: Estimator, size: int) -> GroupLaw:
    """With room for all sizes, so that they share a compilation; without where that is too much."""
    try:
        return group_law(instance.mdp, size, estimator, room=max(SIZES))
    except ValueError:
        return group_law(instance.mdp, size, estimator)


def _row(
    instance: Instance,
    at: PolicyLaw,
    theta: Theta,
    steepest: float,
    estimator: Estimator,
    size: int,
    budget: int,
) -> dict[str, Any]:
    """Exact numbers of one estimator and group size; ``steepest``: the smoothness L of J."""
    mdp, policy = instance.mdp, instance.policy
    head = {"estimator": estimator.name, "group_size": size}
    try:
        law = _law(instance, estimator, size)
    except ValueError as error:
        return {**head, "note": str(error)}
    each = _closed(mdp, policy, theta, law) if law.table is None else _summed(mdp, at, law)
    update = _combined(mdp.prompt_distribution, each, budget / size)
    silent = float(mdp.prompt_distribution @ _silence(at.law, law))
    able = ascent(update)
    signal = float(able.efficiency)
    found = {
        "signal": signal,
        "signal_per_episode": signal / budget,
        "step": float(able.best_step(steepest)) if steepest > 0 else 0.0,
        "cosine": _cosine(update),
        "variance": float(update.variance),
        "silent": silent,
    }
    return {**head, **found, "note": ""}


def bias_floor(
    instance: Instance, theta: Theta, estimator: Estimator, size: int
) -> dict[str, float]:
    """|grad J|^2 and |E g|^2 where the expected update leads, and after how many steps."""
    largest = _smoothness(instance)
    if largest == 0:
        return {"squared_gradient": 0.0, "squared_update": 0.0, "steps": 0}
    # Jtilde is b_1 L-smooth; composite rewards in units of one standard deviation behave alike.
    step = 1 / (largest * float(coefficients(size)[0]))
    law = group_law(instance.mdp, size, estimator)
    end = _followed(instance.mdp, instance.policy, theta, law, step)
    names = ("squared_gradient", "squared_update", "steps")
    return {name: float(getattr(end, name)) for name in names}


@jax.jit
def _followed(mdp, policy, theta, law, step):  # type: ignore[no-untyped-def]
    return follow(mdp, policy, theta, law, step, FLOOR_STEPS)


def _floor_line(instance: Instance, theta: Theta, estimator: Estimator, size: int) -> str:
    end = bias_floor(instance, theta, estimator, size)
    head = f"bias floor of {estimator.name}, G = {size}: |grad J|^2 "
    if end["squared_update"] <= 1e-18:
        return head + f"= {end['squared_gradient']:.3g} at the zero of E[g]"
    return head + (
        f"<= {end['squared_gradient']:.3g} and falling with |E g|^2 = {end['squared_update']:.3g} "
        f"after {int(end['steps'])} steps: no interior zero was met"
    )


def advise(spec: InstanceSpec, budget: int, train: int) -> Advice:
    """The table and its summary for ``budget`` = N episodes per update, after ``train`` steps.

    Raises ValueError for a budget below the smallest group or out of range.
    """
    if not min(SIZES) <= budget <= MAX_BUDGET:
        raise ValueError(f"budget = {budget}: expected {min(SIZES)}..{MAX_BUDGET} episodes")
    instance = build(spec)
    theta = trained(instance, train)
    model = (instance.mdp, instance.policy, theta)
    at = _policy_law(*model)
    sizes = [g for g in SIZES if g <= budget]
    about = (instance, at, theta, _smoothness(instance))
    rows = [_row(*about, e, g, budget) for e in ESTIMATORS for g in sizes]
    best = float(jax.jit(budget_terms)(*model).best)
    head = [
        f"J = {float(jax.jit(value)(*model)):.4g} of at most {instance.optimum:.4g}",
        f"leave_one_out (and mean_baseline, a multiple of it): N V is least at G* = {best:.3g}",
    ]
    table = pd.DataFrame(rows)
    return Advice(table, head + _recommended(instance, theta, table, budget))


def _recommended(instance: Instance, theta: Theta, table: pd.DataFrame, budget: int) -> list[str]:
    """The best group size of each estimator, and where the biased ones lead."""
    lines = []
    for estimator in ESTIMATORS:
        own = table[table["estimator"] == estimator.name].dropna(subset=["signal"])
        if own.empty:
            continue
        best = own.sort_values("signal").iloc[-1]
        size = int(best["group_size"])
        lines.append(
            f"{estimator.name}: best G = {size} with step {best['step']:.3g}: one update of "
            f"{budget} episodes raises J by at least e/(2L), e = {best['signal']:.3g}; "
            f"{best['silent']:.1%} of groups silent"
        )
        if not estimator.is_plain:
            lines.append(_floor_line(instance, theta, estimator, size))
    return lines
