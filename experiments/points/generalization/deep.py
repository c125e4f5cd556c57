"""Theorem 3 on deep models: losses of prompts, and tools that answer otherwise."""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp

from grpo_checks.experiments.falsifier.constraints import simplex
from grpo_checks.experiments.falsifier.deep.domain import MODEL, DeepDomain, placed, size
from grpo_checks.experiments.falsifier.deep.lifted import lifted
from grpo_checks.experiments.falsifier.deep.model import deep_mdp, deep_model
from grpo_checks.experiments.falsifier.statement import Statement
from grpo_checks.theory.evaluation.values import prompt_values
from grpo_checks.theory.generalization.transfer import (
    depth_bound,
    response_distance,
    total_variation,
)
from grpo_checks.theory.mdp.mdp import TAMDP

SIZES = (
    size(1, 2, prompts=2),
    size(1, 2, prompts=3, shared=True),
    size(2, 2, prompts=2),
    size(1, 2, prompts=2, parameters=3),
)
TARGET = {"target": simplex("prompts", support=False)}


def task_losses(prompt_distribution: Any, target: Any, **model: Any) -> dict[str, Any]:
    """Both laws of task types, and 1 - J_q/R_max of each."""
    at = deep_model(prompt_distribution, **model)
    loss = 1 - prompt_values(at.mdp, at.policy.given) / at.mdp.max_reward
    return {"source": prompt_distribution, "target": target, "loss": loss}


def of_losses(statement: Statement) -> Statement:
    """A statement about ``source``, ``target`` and ``loss`` by type, of the prompts of a model."""
    options = statement.domain.options
    choices = [
        {n: v for n, v in place.items() if n in options} for place in statement.domain.places
    ]
    domain = DeepDomain(TARGET, options, placed(*choices, sizes=SIZES))
    return lifted(statement, domain, task_losses)


LESS_DEPTH = {
    "half of the depth": (
        "R_max (TV + D/2 max TV), on `relay`",
        {"calls": lambda depth: depth / 2},
    ),
    "no depth": ("R_max (TV + max TV), on `relay`", {"calls": lambda depth: 1.0}),
}
"""False versions of T3.depth, by what they take for D."""


def gap_and_bound(
    mdp: TAMDP, other: TAMDP, probs: Any, calls: Callable[[int], Any] = float
) -> tuple[Any, Any]:
    """|V_T - V_S| and R_max (TV + D max TV), with ``calls(D)`` for D."""
    values = [m.prompt_distribution @ prompt_values(m, probs) for m in (mdp, other)]
    moved = total_variation(mdp.prompt_distribution, other.prompt_distribution)
    top, depth = mdp.max_reward, calls(mdp.max_depth)
    bound = depth_bound(top, depth, moved, response_distance(mdp, other))
    return jnp.abs(values[0] - values[1]), bound


def depth_sides(
    target: Any,
    target_transition: Any,
    calls: Callable[[int], float] = float,
    **model: Any,
) -> tuple[Any, Any]:
    """Of a deep model, and of one with other prompts and other responses."""
    mdp, policy, _ = deep_model(**model)
    same = {name: model[name] for name in ("initial_distribution", "reward", "weights")}
    other = deep_mdp(target, tool_transition=target_transition, **same)
    return gap_and_bound(mdp, other, policy.given, calls)


def _largest(weights: Any, **point: Any) -> Any:
    """R_max."""
    return weights.sum()


MOVED = {**TARGET, "target_transition": MODEL["tool_transition"]}
DEPTH = Statement(
    depth_sides,
    DeepDomain(MOVED, places=placed({}, sizes=SIZES)),
    mutants=LESS_DEPTH,
    trivial=_largest,
)
