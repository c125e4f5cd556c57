"""Where T2.kappa and T2.zero are searched: first-order points, which are built in.

As in ``theory.convergence.worst_case``, two calls lie on a line h (J - p) = 0 on either side of p,
and a third one below p. Documents keep that exactly: they state the calls and a mixture of the
first two, and slopes and weights follow from these.
"""

from collections.abc import Sequence
from fractions import Fraction
from functools import partial
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from flint import fmpq

from grpo_checks.experiments.falsifier.domain import Place, Point
from grpo_checks.experiments.falsifier.rounding import (
    Floats,
    near,
    near_positive,
    proportions,
    table,
    unit,
)
from grpo_checks.experiments.falsifier.shrink import written
from grpo_checks.experiments.falsifier.smaller import smaller_menu
from grpo_checks.experiments.falsifier.statement import Statement
from grpo_checks.experiments.points.decomposition import deep, menus
from grpo_checks.experiments.protocol.points import Document
from grpo_checks.experiments.protocol.verdict import Decision
from grpo_checks.theory.convergence.worst_case import N_PARAMETERS, Found, built
from grpo_checks.theory.estimators.response import coefficients
from grpo_checks.theory.numbers.bernstein import bernstein


def _on_a_line(x: Any, group_size: int, components: int = 2) -> Found:
    """Two calls on either side of p, along a direction that the slopes do not see."""
    values, k = jnp.asarray(coefficients(group_size)), components
    if k == 2:
        return built(x, values)
    unit = jax.nn.sigmoid(x)
    success, slopes, third = unit[:k], unit[k : 2 * k], unit[2 * k : 3 * k]
    free = x[3 * k : 4 * k - 1]
    along = jnp.append(free, -(slopes[:-1] @ free) / slopes[-1])
    # The farthest steps either way that stay in the unit cube.
    size = jnp.abs(along) + 1e-12
    room = jnp.where(along > 0, 1 - success, success) / size
    back = jnp.where(along > 0, success, 1 - success) / size
    steps = jnp.stack([unit[-2] * room.min(), -unit[-1] * back.min()])
    calls = jnp.concatenate([success[None] + jnp.outer(steps, along), (success * third)[None]])
    respond = bernstein(values, success)
    return Found(calls, success, slopes / respond, respond)


def _line_document(point: Any, n: int) -> Document:
    calls = table(point.calls, near, n)
    ahead, behind = np.abs(point.calls[:2, 0] - point.success[0])
    # The nearer call has the larger part.
    odds = proportions(np.maximum([behind, ahead], 1e-300), n)
    steep = point.weights * point.response
    slopes = [1, *(near_positive(h / steep[0], n) for h in steep[1:-1])]
    return {"calls": calls, "odds": [*odds, 0], "slopes": slopes}


def _mirrored(x: Any) -> tuple[Any, Any, Any, Any]:
    """p = (a, 1 - a), the slope h, and steps s, t: calls p + s (h, -1) and p - t (h, -1)."""
    a, h, s, t = x[0], x[1], x[2], x[3]
    room = a * (1 - a)
    return a, h, s * room, t * room


def _mirrored_document(x: Floats, n: int) -> Document:
    a, h, s, t = _mirrored([Fraction(unit(v, n)) for v in x[:4]])
    rows = [[a + s * h, 1 - a - s], [a - t * h, 1 - a + t]]
    calls = [[written(value) for value in row] for row in rows]
    return {"calls": calls, "odds": [written(t), written(s)], "slopes": [1]}


def _aligned_document(point: Any, n: int) -> Document:
    weights = table(point.weights, near_positive, n)
    return {"calls": table(point.calls, near, n), "odds": [1, 0, 0], "weights": weights}


@partial(jax.jit, static_argnames=("family", "group_size", "components", "calls"), inline=True)
def _placed(x: Any, family: str, group_size: int, components: int, calls: int = 3) -> Found:
    """The point in floating point, of three calls."""
    if family == "line":
        return _on_a_line(x, group_size, components)
    unit = jax.nn.sigmoid(x)
    if family == "aligned":
        first = unit[:2]
        listed, success = jnp.stack([first, first * unit[2:4], first * unit[4:6]]), first
        slopes = jnp.stack([unit[6], 1 - unit[6]])
    else:
        a, h, s, t = _mirrored(unit)
        success, along = jnp.stack([a, 1 - a]), jnp.stack([h, -jnp.ones_like(h)])
        listed = jnp.stack([success + s * along, success - t * along, success * unit[4:6]])
        slopes = jnp.stack([jnp.ones_like(h), h])
    respond = bernstein(jnp.asarray(coefficients(group_size)), success)
    return Found(listed, success, slopes / respond, respond)


class FirstOrderDomain(menus.MenuDomain):
    """Menus, searched among first-order points of a family.

    ``line``: any p; ``mirror``: p_2 = 1 - p_1, so that c_1 = c_2; ``aligned``: the first call is
    best for both components, and the policy makes no other.
    """

    shaped: ClassVar[Sequence[str]] = ("family",)

    def dimension(self, place: Place) -> int:
        """Two components as ``built`` has them; more with a direction of their own."""
        k = int(dict(place)["components"])
        return N_PARAMETERS if k == 2 else 4 * k + 1

    def point(self, x: Any, place: Place) -> Point:
        """Likewise: the policy mixes the first two calls."""
        at = _placed(x, **dict(place))
        ahead, behind = jnp.abs(at.calls[:2, 0] - at.success[0])
        odds = jnp.stack([behind, ahead, jnp.zeros(())]) / (ahead + behind)
        slopes = at.weights * at.response
        return {"calls": at.calls, "odds": odds, "slopes": slopes, **self._options(place)}

    def document(self, x: Floats, place: Place, largest: int) -> Document:
        """Likewise."""
        chosen = dict(place)
        at = jax.device_get(_placed(x, **chosen))
        documents = {
            "line": lambda: _line_document(at, largest),
            "aligned": lambda: _aligned_document(at, largest),
            "mirror": lambda: _mirrored_document(x, largest),
        }
        return {"group_size": chosen["group_size"], **documents[chosen["family"]]()}


def _domain(*places: tuple[str, int, int]) -> FirstOrderDomain:
    """Family, group size and components of each."""
    listed = [{"family": f, "group_size": g, "components": k, "calls": 3} for f, g, k in places]
    return FirstOrderDomain(menus.ARRAYS, menus.OPTIONS, listed)


KAPPA_DOMAIN = _domain(
    *(("line", size, 2) for size in (4, 5, 8, 16, 64)), ("line", 4, 3), ("line", 8, 3)
)
# At G = 4 nothing is claimed, and a mutant speaks.
ZERO_DOMAIN = _domain(
    *(("line", size, 2) for size in (2, 3, 4)), ("mirror", 8, 2), ("aligned", 8, 2)
)


def _outside_kappa(**point: Any) -> Decision | None:
    return menus.not_first_order(**point) or menus.beyond_kappa(**point)


def _reached(entry: int, **point: Any) -> str | None:
    return menus.reached(**point)


def _without_kappa(group_size: int, **point: Any) -> tuple[Any, Any]:
    observed, bound = menus.kappa_sides(group_size=group_size, **point)
    return observed, 0 * bound if group_size == 4 else bound


def _three_quarters(calls: Any, **point: Any) -> tuple[Any, Any]:
    return menus.kappa_sides(0.75 if calls.shape[1] > 2 else 1, calls=calls, **point)


def _zero(constant: tuple[int, ...], **more: Any) -> Statement:
    outside, note = partial(menus.no_condition, constant), partial(menus.condition, constant)
    return Statement(menus.zero_sides, ZERO_DOMAIN, exception=outside, note=note, **more)


_kappa = partial(Statement, menus.kappa_sides, KAPPA_DOMAIN, equal=_reached)
KAPPA = (
    _kappa(
        mutants={
            "kappa factor halved": ("(kappa-1)/(kappa+1)/2 sum_k w_k u_k", {"share": fmpq(1, 2)}),
            "kappa_4 replaced by 1": ("gap 0 at first-order points for G = 4", _without_kappa),
            "three quarters for K >= 3": (
                "3/4 of the bound where three components or more can be moved",
                _three_quarters,
            ),
            "where the gradient vanishes": (
                "|grad Jtilde| < 1e-6 instead of phi = 0",
                _kappa(exception=menus.small_gradient),
            ),
        },
        exception=_outside_kappa,
    )
    .exact(smaller_menu)
    .with_deep(deep.KAPPA.exact())
)
ZERO = (
    _zero((2, 3), mutants={"G = 4 too": ("the gap is 0 for G in {2, 3, 4}", _zero((2, 3, 4)))})
    .exact(smaller_menu)
    .with_deep(deep.ZERO.exact())
)
