"""T2.gap on deep models, and where its bound is reached: as for one decision between policies.

For one prompt all that theorem 2 speaks of is the set of values (J_1, ..., J_K) that policies can
have. Some of them that matter, as calls of a ``theory.rational.menus.gap``, have the same gap and
the same u_k.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from grpo_checks.experiments.falsifier.constraints import Option
from grpo_checks.experiments.falsifier.deep.domain import DeepDomain, placed
from grpo_checks.experiments.falsifier.deep.model import deep_model
from grpo_checks.experiments.falsifier.statement import Statement
from grpo_checks.theory.arithmetic.enclose import enclose, exact
from grpo_checks.theory.arithmetic.registry import Values
from grpo_checks.theory.convergence.decomposition_gap import Certificate, certificate
from grpo_checks.theory.estimators.response import response
from grpo_checks.theory.evaluation.optimum import best_values
from grpo_checks.theory.evaluation.values import component_values
from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.rational.menus.gap import Menu, gap_reached

GROUPS = (4, 8, 64)


def extreme_values(mdp: TAMDP, success: Any, weights: Any) -> Any:
    """J_qk of the policy itself, of the best one, and of a policy with each least or largest J_k:
    (Q, 2K+2, K). The derivative of an optimum by the weights is what an optimal policy earns.
    """
    k = weights.shape[0]
    directions = jnp.concatenate([weights[None], jnp.eye(k), -jnp.eye(k)])
    best = jax.vmap(jax.jacrev(lambda w: best_values(mdp, mdp.reward @ w)))(directions)
    return jnp.concatenate([success[:, None], best.swapaxes(0, 1)], 1)


def as_menu(values: Values, group_size: int) -> Menu:
    """Of one prompt, from ``extreme_values`` (2K+2, K); the policy is the first call."""
    return Menu(values, exact([1, *[0] * (len(values) - 1)]), group_size)


def _sides(
    group_size: int,
    ddof: int,
    eps: Any,
    bounds: Callable[[Certificate], jax.Array],
    **model: Any,
) -> tuple[Any, Any]:
    """J* - J of every prompt, and the bound at every c."""
    mdp, policy, _ = deep_model(**model)
    success = component_values(mdp, policy.given)
    c = certificate(mdp, success, response(success, group_size, ddof, eps), 0)
    return c.gap[:, None], bounds(c)


def _values(model: Mapping[str, Any]) -> Any:
    mdp, policy, _ = deep_model(**model)
    return extreme_values(mdp, component_values(mdp, policy.given), mdp.weights)


_enclosed = enclose(_values)


def _reached(entry: int, group_size: int, ddof: int, eps: Any, **model: Any) -> bool:
    """As of T2.gap for one decision; without a response (c infinite) fractions decide."""
    weights = model["weights"]
    prompt, at = divmod(entry, len(weights) + 1)
    menu = as_menu(_enclosed(model)[prompt], group_size)
    return at > 0 and gap_reached(menu, weights, at - 1)


def deep_gap(
    bounds: Callable[[Certificate], jax.Array],
    mutants: Mapping[str, tuple[str, Mapping[str, Any]]],
    options: Mapping[str, Option],
) -> Statement:
    """J* - J <= ``bounds`` of its certificate, at every c."""
    return Statement(
        partial(_sides, bounds=bounds),
        DeepDomain(options=options, places=placed(*({"group_size": g} for g in GROUPS))),
        mutants=mutants,
        equal=_reached,
    )
