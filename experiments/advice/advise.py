"""Guidance for one model: which estimator, which group size, at a budget of episodes per update.

Everything is exact: the signal e = max(0, <grad J, m>)^2/(|m|^2 + V) per episode, for each
estimator and group size, with B = N/G prompts drawn per update, or with B given; and for the
update that a trainer makes (``experiments.advice.trainers``).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
import pandas as pd
from jaxtyping import Array, Float, Int
from tqdm import tqdm

from grpo_checks.experiments.advice.bias_floor import smoothness_of
from grpo_checks.experiments.advice.choice import FILTERED, NEVER
from grpo_checks.experiments.advice.place import Place, Plan, numbers_of, silent_shares
from grpo_checks.experiments.advice.recommended import best_size, recommended
from grpo_checks.experiments.advice.trainers import DEFAULT, trainer_lines, trainer_rows
from grpo_checks.experiments.advice.words import sentences
from grpo_checks.experiments.computing.work import BAR
from grpo_checks.experiments.models.instances import InstanceSpec, build
from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.estimators.group_law import GroupLaw, group_law
from grpo_checks.theory.evaluation.values import Theta, gradient, value
from grpo_checks.theory.instances.instance import Instance
from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.mdp.policy import Policy
from grpo_checks.theory.rules.presets import preset
from grpo_checks.theory.updates.budget import budget_terms
from grpo_checks.theory.updates.moments import UpdateMoments, combine, moments_at, speaking_moments
from grpo_checks.theory.updates.policy_law import policy_law
from grpo_checks.theory.updates.silent import FilteredMoments, filtered

Updates = Callable[[float], UpdateMoments]
ESTIMATORS = tuple(
    Estimator(name) for name in ("leave_one_out", "group_normalized", "componentwise_normalized")
)
SIZES = (2, 3, 4, 5, 6, 8, 10, 12, 16, 24, 32, 48, 64)


@dataclass(frozen=True)
class Advice:
    """What is printed and stored."""

    table: pd.DataFrame
    """One row for each estimator and group size."""
    answer: Sequence[str]
    """In words: what to use, and what would change that."""
    summary: Callable[[], Sequence[str]]
    """Everything else, which takes its time: best sizes, where biased estimators lead."""


_moments = jax.jit(moments_at)
_combined = jax.jit(combine)
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
    if steps == 0:
        return instance.theta
    largest = smoothness_of(instance)
    step = 1 / largest if largest > 0 else 0.0
    return _climb(instance.mdp, instance.policy, instance.theta, step, steps)


def _law(instance: Instance, estimator: Estimator, size: int) -> GroupLaw:
    """With room for all sizes, so that they share a compilation; without where that is too much."""
    try:
        return group_law(instance.mdp, size, estimator, room=max(SIZES))
    except ValueError:
        return group_law(instance.mdp, size, estimator)


def _rows(place: Place, estimator: Estimator, size: int) -> list[dict[str, Any]]:
    """Of one estimator and group size; GRPO also with its silent groups drawn again (DAPO)."""
    mdp = place.instance.mdp
    labels: dict[str, Any] = {"estimator": estimator.name, "group_size": size}
    try:
        law = _law(place.instance, estimator, size)
    except ValueError as error:
        return [{**labels, "note": str(error)}]
    moments = _moments(mdp, place.at, law)
    rho, groups, note = mdp.prompt_distribution, place.plan.groups(size), ""
    budget = size * groups
    try:
        silent = float(rho @ silent_shares(place.at.law, law))
    except ValueError as error:
        silent, note = np.nan, str(error)
    numbers = numbers_of(place, _combined(rho, moments, groups), budget)
    numbers |= _other_budgets(place, size, lambda b: _combined(rho, moments, b))
    rows = [{**labels, **numbers, "silent": silent, "episodes": float(budget), "note": note}]
    if estimator.name == "group_normalized":
        labels = {**labels, "estimator": FILTERED}
        speaking = _speaking(place.at, law)
        # As many kept groups as the budget gives on average.
        chance = rho @ speaking.chance
        if not groups * chance > 0:
            return [*rows, {**labels, "note": NEVER}]

        def kept(groups: float) -> FilteredMoments:
            return _filtered(rho, moments.gradient, speaking, size, groups * chance)

        kept_moments = kept(groups)
        numbers = numbers_of(place, kept_moments.update, budget)
        numbers |= _other_budgets(place, size, lambda b: kept(b).update)
        episodes = float(kept_moments.episodes)
        rows.append({**labels, **numbers, "silent": 0.0, "episodes": episodes, "note": ""})
    return rows


def _other_budgets(place: Place, size: int, update: Updates) -> dict[str, float]:
    """Signal per episode with a quarter of the episodes of an update, and with four times as many.

    ``update``: of so many groups; NaN where these are less than one.
    """
    signals = {}
    for column, factor in (("at_quarter", 0.25), ("at_fourfold", 4.0)):
        groups = factor * place.plan.groups(size)
        signals[column] = np.nan
        if groups >= 1:
            numbers = numbers_of(place, update(groups), size * groups)
            signals[column] = numbers["signal_per_episode"]
    return signals


def advise(
    spec: InstanceSpec,
    plan: Plan,
    train: int,
    trainer: str | None = DEFAULT,
    sizes: Sequence[int] | None = None,
    estimators: Sequence[Estimator] = ESTIMATORS,
) -> Advice:
    """The table, the answer and a summary, after ``train`` steps; ``trainer``: a preset's name.

    Without a ``trainer`` it is compared with none; ``sizes``: of groups, SIZES by default.

    Raises ValueError for an unknown preset or steps out of range.
    """
    if trainer is not None:
        preset(trainer)
    instance = build(spec)
    theta = trained(instance, train)
    model = (instance.mdp, instance.policy, theta)
    place = Place(instance, theta, policy_law(*model), smoothness_of(instance), plan)
    affordable = plan.sizes(SIZES if sizes is None else sizes)
    asked_for = [(e, g) for e in estimators for g in affordable]
    bar = tqdm(asked_for, "laws of updates", leave=False, bar_format=BAR, disable=None)
    rows = [row for e, g in bar for row in _rows(place, e, g)]
    if trainer is not None:
        rows += trainer_rows(place, trainer, SIZES)
    table = pd.DataFrame(rows)
    components, prompts = instance.mdp.weights.size, instance.mdp.prompt_distribution.size
    answer = [*sentences(table, plan, trainer, components, prompts)]
    return Advice(table, answer, lambda: _summary(place, table, trainer))


def _summary(place: Place, table: pd.DataFrame, trainer: str | None) -> list[str]:
    instance, plan = place.instance, place.plan
    model = (instance.mdp, instance.policy, place.theta)
    lines = [f"J = {float(jax.jit(value)(*model)):.4g} of at most {instance.optimum:.4g}"]
    if plan.budget is not None:
        terms = jax.jit(budget_terms)(*model)
        best = best_size(terms, plan.budget)
        lines.append(f"leave_one_out (and mean_baseline, a multiple of it): {best}")
    lines += recommended(instance, place.theta, table, ESTIMATORS)
    return lines if trainer is None else [*lines, *trainer_lines(table, trainer, ESTIMATORS)]
