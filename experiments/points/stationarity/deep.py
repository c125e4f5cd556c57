"""T1.rate after one step on deep models: the longest run whose average is no sum over samples.

With T = 1 the average is |grad J(theta_0)|^2 itself, and nothing is drawn.
"""

from typing import Any

import jax.numpy as jnp

from grpo_checks.experiments.falsifier.constraints import integer
from grpo_checks.experiments.falsifier.deep.domain import DeepDomain, placed
from grpo_checks.experiments.falsifier.deep.model import deep_model
from grpo_checks.experiments.falsifier.statement import Statement
from grpo_checks.theory.arithmetic.enclose import enclose
from grpo_checks.theory.convergence.smoothness import (
    leave_one_out_variance_bound,
    smoothness,
    squared_gradient_bound,
)
from grpo_checks.theory.convergence.stationarity import rate_bound
from grpo_checks.theory.estimators.response import MAX_GROUP
from grpo_checks.theory.evaluation.optimum import optimal_value
from grpo_checks.theory.evaluation.values import gradient, value


def rate_sides(group_size: int, **model: Any) -> tuple[Any, Any]:
    """|grad J(theta_0)|^2, and T1.rate at T = 1 on a full sweep over prompts."""
    mdp, policy, theta = deep_model(**model)
    gap = optimal_value(mdp) - value(mdp, policy, theta)
    variance = leave_one_out_variance_bound(mdp, policy, group_size)
    bound = rate_bound(gap, variance, 1, smoothness(mdp, policy))
    return jnp.square(gradient(mdp, policy, theta)).sum(), bound


def _weak(group_size: int, **model: Any) -> str | None:
    bound, most = _enclosed({"group_size": group_size, **model})
    return "no better than the trivial bound on |grad|^2" if bound >= most else None


def _bounds(**point: Any) -> tuple[Any, Any]:
    """That of T1.rate, and one at all parameters."""
    group_size = point.pop("group_size")
    mdp, policy, _ = deep_model(**point)
    return rate_sides(group_size, **point)[1], squared_gradient_bound(mdp, policy)


_enclosed = enclose(lambda point: _bounds(**point))
RATE = Statement(
    rate_sides,
    DeepDomain(
        options={"group_size": integer(2, MAX_GROUP)},
        places=placed(*({"group_size": g} for g in (2, 32))),
    ),
    note=_weak,
)
