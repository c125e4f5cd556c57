"""Guidance for one model: which estimator, which group size, at a budget of episodes per update.

Everything is exact: the signal e = max(0, <grad J, m>)^2/(|m|^2 + V) per episode, for each
estimator and group size, with B = N/G prompts drawn per update.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import numpy as np
import pandas as pd
from jaxtyping import Array, Float, Int

from grpo_checks.experiments.advice.bias_floor import smoothness_of
from grpo_checks.experiments.advice.recommended import best_size, recommended
from grpo_checks.experiments.models.instances import InstanceSpec, build
from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.estimators.group_law import GroupLaw, group_law
from grpo_checks.theory.evaluation.values import Theta, gradient, value
from grpo_checks.theory.instances.instance import Instance
from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.mdp.policy import Policy
from grpo_checks.theory.updates.benefit import ascent
from grpo_checks.theory.updates.budget import budget_terms
from grpo_checks.theory.updates.moments import (
    PolicyLaw,
    UpdateMoments,
    combine,
    group_moments,
    policy_law,
    prompt_moments,
    speaking_moments,
)
from grpo_checks.theory.updates.silent import filtered, silence

ESTIMATORS = tuple(
    Estimator(name) for name in ("leave_one_out", "group_normalized", "componentwise_normalized")
)
FILTERED = "group_normalized, filtered"
NEVER = "no group speaks, however many are drawn: all rewards of a prompt are equal"
SIZES = (2, 3, 4, 5, 6, 8, 10, 12, 16, 24, 32, 48, 64)
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
_filtered = jax.jit(filtered)
_speaking = jax.jit(speaking_moments)


@jax.jit
def _climb(
    mdp: TAMDP,
    policy: Policy,
    theta: Theta,
    step: float | Float[Array, ""],
    steps: int | Int[Array, ""],
) -> Theta:
    return jax.lax.fori_loop(0, steps, lambda _, t: t + step * gradient(mdp, policy, t), theta)


def trained(instance: Instance, steps: int) -> Theta:
    """The policy after ``steps`` of exact gradient ascent with step 1/L. Raises ValueError."""
    if not 0 <= steps <= 10**6:
        raise ValueError(f"train = {steps}: expected 0..1000000 steps")
    largest = smoothness_of(instance)
    step = 1 / largest if largest > 0 else 0.0
    return _climb(instance.mdp, instance.policy, instance.theta, step, steps)


def _cosine(update: UpdateMoments) -> float:
    """Of the angle between E[g] and grad J; 0 where either vanishes."""
    slope, mean = (np.asarray(x) for x in (update.gradient, update.mean))
    largest = np.abs(slope).max(), np.abs(mean).max()
    if not min(largest) > 0:
        return 0.0
    # Squares of numbers below 1e-154 would vanish.
    slope, mean = slope / largest[0], mean / largest[1]
    return float(slope @ mean / (np.linalg.norm(slope) * np.linalg.norm(mean)))


class _Place(NamedTuple):
    """A model at a policy, and what all its rows share."""

    instance: Instance
    theta: Theta
    at: PolicyLaw
    steepest: float
    """L, the smoothness of J."""


def _law(instance: Instance, estimator: Estimator, size: int) -> GroupLaw:
    """With room for all sizes, so that they share a compilation; without where that is too much."""
    try:
        return group_law(instance.mdp, size, estimator, room=max(SIZES))
    except ValueError:
        return group_law(instance.mdp, size, estimator)


def _rows(place: _Place, estimator: Estimator, size: int, budget: int) -> list[dict[str, Any]]:
    """Of one estimator and group size; GRPO also with its silent groups drawn again (DAPO)."""
    mdp = place.instance.mdp
    labels: dict[str, Any] = {"estimator": estimator.name, "group_size": size}
    try:
        law = _law(place.instance, estimator, size)
    except ValueError as error:
        return [{**labels, "note": str(error)}]
    if law.table is None:
        moments = _closed(mdp, place.instance.policy, place.theta, law)
    else:
        moments = _summed(mdp, place.at, law)
    rho, groups, note = mdp.prompt_distribution, budget / size, ""
    try:
        silent = float(rho @ _silence(place.at.law, law))
    except ValueError as error:
        silent, note = np.nan, str(error)
    numbers = _numbers(place, _combined(rho, moments, groups), budget)
    rows = [{**labels, **numbers, "silent": silent, "episodes": float(budget), "note": note}]
    if estimator.name == "group_normalized":
        labels = {**labels, "estimator": FILTERED}
        speaking = _speaking(place.at, law)
        # As many kept groups as the budget gives on average.
        kept = groups * (rho @ speaking.chance)
        if not kept > 0:
            return [*rows, {**labels, "note": NEVER}]
        kept_moments = _filtered(rho, moments.gradient, speaking, size, kept)
        numbers = _numbers(place, kept_moments.update, budget)
        episodes = float(kept_moments.episodes)
        rows.append({**labels, **numbers, "silent": 0.0, "episodes": episodes, "note": ""})
    return rows


def _numbers(place: _Place, update: UpdateMoments, budget: int) -> dict[str, float]:
    able = ascent(update)
    signal = float(able.efficiency)
    return {
        "signal": signal,
        "signal_per_episode": signal / budget,
        "step": float(able.best_step(place.steepest)) if place.steepest > 0 else 0.0,
        "cosine": _cosine(update),
        "variance": float(update.variance),
    }


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
    place = _Place(instance, theta, at, smoothness_of(instance))
    rows = [row for e in ESTIMATORS for g in sizes for row in _rows(place, e, g, budget)]
    terms = jax.jit(budget_terms)(*model)
    lines = [
        f"J = {float(jax.jit(value)(*model)):.4g} of at most {instance.optimum:.4g}",
        f"leave_one_out (and mean_baseline, a multiple of it): {best_size(terms, budget)}",
    ]
    table = pd.DataFrame(rows)
    return Advice(table, lines + recommended(instance, theta, table, ESTIMATORS, budget))
