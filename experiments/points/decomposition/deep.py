"""Where T2.kappa and T2.zero are searched on deep models: first-order points, which are built in.

Rewards are moved onto a plane h r = b, so that every policy earns b in the direction of the slopes
h: phi = 0 at each of them, however deep the model. The weights are the real numbers h_k/c_G(p_k),
as for one decision (``points.decomposition.menus``). Of the first prompt, since weights that make
it stationary make no other prompt so.
"""

from typing import Any, NamedTuple

import equinox as eqx
import jax.numpy as jnp
from flint import fmpq

from grpo_checks.experiments.falsifier.constraints import above_zero, inside, integer
from grpo_checks.experiments.falsifier.deep.domain import DeepDomain, placed, size
from grpo_checks.experiments.falsifier.deep.model import DeepModel, deep_model
from grpo_checks.experiments.falsifier.statement import Statement
from grpo_checks.experiments.points.decomposition import menus
from grpo_checks.experiments.points.decomposition.deep_gap import as_menu, extreme_values
from grpo_checks.experiments.points.decomposition.menus import NOT_FIRST_ORDER
from grpo_checks.experiments.protocol.verdict import Decision, unmet
from grpo_checks.theory.arithmetic.enclose import enclose
from grpo_checks.theory.convergence.decomposition_gap import Certificate, certificate
from grpo_checks.theory.estimators.response import MAX_GROUP, is_constant, response
from grpo_checks.theory.evaluation.optimum import best_values
from grpo_checks.theory.evaluation.values import component_values

SIZES = (size(1, 2), size(1, 2, components=3, shared=True), size(2, 2), size(1, 2, parameters=2))


def on_plane(reward: Any, slopes: Any, level: Any) -> Any:
    """Rewards in [0, 1] moved towards 0 or towards 1, until slopes r = level sum slopes."""
    top = slopes.sum()
    height, earned = level * top, (reward @ slopes)[..., None]
    above = earned > height
    lower = reward * (height / jnp.where(above, earned, top))
    higher = 1 - (1 - reward) * ((top - height) / jnp.where(above, top, top - earned))
    return jnp.where(above, lower, higher)


class _Point(NamedTuple):
    """A model whose weights are the slopes, and p."""

    model: DeepModel
    success: Any


def _stationary(reward: Any, slopes: Any, level: Any, model: Any) -> _Point:
    deep = deep_model(reward=on_plane(reward, slopes, level), weights=slopes, **model)
    return _Point(deep, component_values(deep.mdp, deep.policy.given)[:1])


def _certificate(group_size: int, reward: Any, slopes: Any, level: Any, model: Any) -> Certificate:
    (mdp, *_), success = _stationary(reward, slopes, level, model)
    responses = response(success, group_size, 0, jnp.zeros(()))
    weighted = eqx.tree_at(lambda m: m.weights, mdp, slopes / responses[0])
    return certificate(weighted, success, responses, 0)


def kappa_sides(
    group_size: int, reward: Any, slopes: Any, level: Any, share: float = 1.0, **model: Any
) -> tuple[Any, Any]:
    """J* - J and (kappa-1)/(kappa+1) sum_k w_k u_k, times ``share``."""
    at = _certificate(group_size, reward, slopes, level, model)
    return at.gap[0], share * at.kappa_bound[0]


def _without_kappa(group_size: int, **point: Any) -> tuple[Any, Any]:
    observed, bound = kappa_sides(group_size, **point)
    return observed, 0 * bound if group_size == 4 else bound


def _residual(reward: Any, slopes: Any, level: Any, **model: Any) -> Any:
    """phi, in units of the slopes."""
    (mdp, *_), success = _stationary(reward, slopes, level, model)
    return best_values(mdp, mdp.reward @ slopes)[0] - success[0] @ slopes


_enclosed = enclose(lambda point: _residual(**point))


def _first_order(group_size: int, **point: Any) -> Decision | None:
    return None if _enclosed(point) == 0 else unmet(NOT_FIRST_ORDER)


def _domain(*sizes: int) -> DeepDomain:
    return DeepDomain(
        {"slopes": above_zero("components"), "level": inside()},
        {"group_size": integer(2, MAX_GROUP)},
        placed(*({"group_size": g} for g in sizes), sizes=SIZES),
        replaced=("weights",),
    )


def _values(reward: Any, slopes: Any, level: Any, **model: Any) -> Any:
    (mdp, *_), success = _stationary(reward, slopes, level, model)
    return extreme_values(mdp, success, slopes)[0]


_enclosed_values = enclose(lambda point: _values(**point))


def _reached(entry: int, group_size: int, slopes: Any, **point: Any) -> bool:
    """Two components: all values lie on a line, between those of its two ends."""
    values = _enclosed_values({"slopes": slopes, **point})
    calls, odds, _ = as_menu(values, group_size)
    option = {"group_size": group_size, "ddof": 0, "eps": fmpq(0)}
    return len(slopes) == 2 and bool(menus.reached(calls=calls, odds=odds, slopes=slopes, **option))


KAPPA = Statement(
    kappa_sides,
    _domain(4, 8, 64),
    mutants={"kappa factor halved": {"share": fmpq(1, 2)}, "kappa_4 replaced by 1": _without_kappa},
    exception=_first_order,
    equal=_reached,
)


def _gap_and_nothing(group_size: int, **point: Any) -> tuple[Any, Any]:
    observed, bound = kappa_sides(group_size, **point)
    return observed, 0 * bound


def _no_gap(entry: int, group_size: int, **point: Any) -> bool:
    """Responses that are one number make J* - J a multiple of phi."""
    return is_constant(group_size) and _first_order(group_size, **point) is None


def _constant(group_size: int, **point: Any) -> Decision | None:
    if not is_constant(group_size):
        return unmet("G is neither 2 nor 3; other conditions are not asked on deep models")
    return _first_order(group_size, **point)


ZERO = Statement(
    _gap_and_nothing,
    _domain(2, 3),
    mutants={"G = 4 too": Statement(_gap_and_nothing, _domain(4), exception=_first_order)},
    exception=_constant,
    equal=_no_gap,
)
