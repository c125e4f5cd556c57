"""Where T2.kappa and T2.zero are searched: first-order points, which are built in.

As in ``theory.convergence.worst_case``, two calls lie on a line h (J - p) = 0 on either side of p,
and a third one below p. Documents keep that exactly: they state the calls and a mixture of the
first two, and slopes and weights follow from these.
"""

from fractions import Fraction
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

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
from grpo_checks.experiments.points.decomposition import deep
from grpo_checks.experiments.points.decomposition.menus import decide_kappa, decide_zero
from grpo_checks.experiments.protocol.points import Document, Exact, Search
from grpo_checks.theory.convergence.worst_case import N_PARAMETERS, Found, built
from grpo_checks.theory.estimators.response import coefficients
from grpo_checks.theory.numbers.bernstein import bernstein


class Shape(NamedTuple):
    """Of a first-order point of T2.kappa."""

    group_size: int
    components: int = 2

    @property
    def dimension(self) -> int:
        """Two components as ``built`` has them; more with a direction of their own."""
        return N_PARAMETERS if self.components == 2 else 4 * self.components + 1


SHAPES = (*(Shape(size) for size in (4, 5, 8, 16, 64)), Shape(4, 3), Shape(8, 3))


def _on_a_line(x: Any, shape: Shape) -> Found:
    """Two calls on either side of p, along a direction that the slopes do not see."""
    values = jnp.asarray(coefficients(shape.group_size))
    if shape.components == 2:
        return built(x, values)
    k = shape.components
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


def _line_document(x: Floats, shape: Shape, n: int) -> Document:
    point = jax.device_get(_on_a_line(jnp.asarray(x), shape))
    calls = table(point.calls, near, n)
    ahead, behind = np.abs(point.calls[:2, 0] - point.success[0])
    # The nearer call has the larger part.
    odds = proportions(np.maximum([behind, ahead], 1e-300), n)
    steep = point.weights * point.response
    slopes = [1, *(near_positive(h / steep[0], n) for h in steep[1:-1])]
    return {"group_size": shape.group_size, "calls": calls, "odds": [*odds, 0], "slopes": slopes}


class Family(NamedTuple):
    """First-order points on which one condition of T2.zero is met.

    ``line``: any p, G of 2 or 3 (at G = 4 nothing is claimed, and a mutant speaks); ``mirror``:
    p_2 = 1 - p_1, so that c_1 = c_2; ``aligned``: the first call is best for both components, and
    the policy makes no other.
    """

    name: str
    group_size: int


FAMILIES = (
    *(Family("line", size) for size in (2, 3, 4)),
    Family("mirror", 8),
    Family("aligned", 8),
)


def _mirrored(x: Any) -> tuple[Any, Any, Any, Any]:
    """p = (a, 1 - a), the slope h, and steps s, t: calls p + s (h, -1) and p - t (h, -1)."""
    a, h, s, t = x[0], x[1], x[2], x[3]
    room = a * (1 - a)
    return a, h, s * room, t * room


def _placed(x: Any, family: Family) -> Found:
    """The point in floating point."""
    if family.name == "line":
        return _on_a_line(x, Shape(family.group_size))
    unit = jax.nn.sigmoid(x)
    if family.name == "aligned":
        first = unit[:2]
        calls, success = jnp.stack([first, first * unit[2:4], first * unit[4:6]]), first
        slopes = jnp.stack([unit[6], 1 - unit[6]])
    else:
        a, h, s, t = _mirrored(unit)
        success, along = jnp.stack([a, 1 - a]), jnp.stack([h, -jnp.ones_like(h)])
        calls = jnp.stack([success + s * along, success - t * along, success * unit[4:6]])
        slopes = jnp.stack([jnp.ones_like(h), h])
    respond = bernstein(jnp.asarray(coefficients(family.group_size)), success)
    return Found(calls, success, slopes / respond, respond)


def _zero_ratio(x: Any, family: Family) -> Any:
    """Gap over what the calls can move; 0 where the claim holds, up to rounding."""
    point = _placed(x, family)
    gains = point.calls - point.success[None]
    return (gains @ point.weights).max() / (point.weights @ jnp.abs(gains).max(0))


def _zero_document(x: Floats, family: Family, n: int) -> Document:
    if family.name == "line":
        return _line_document(x, Shape(family.group_size), n)
    if family.name == "aligned":
        point = jax.device_get(_placed(jnp.asarray(x), family))
        calls = table(point.calls, near, n)
        weights = table(point.weights, near_positive, n)
        return {
            "group_size": family.group_size,
            "calls": calls,
            "odds": [1, 0, 0],
            "weights": weights,
        }
    a, h, s, t = _mirrored([Fraction(unit(v, n)) for v in x[:4]])
    rows = [[a + s * h, 1 - a - s], [a - t * h, 1 - a + t]]
    return {
        "group_size": family.group_size,
        "calls": [[written(value) for value in row] for row in rows],
        "odds": [written(t), written(s)],
        "slopes": [1],
    }


KAPPA = Exact(
    decide_kappa,
    Search(
        SHAPES,
        lambda shape: shape.dimension,
        lambda x, shape: _on_a_line(x, shape).ratio,
        _line_document,
    ),
    smaller_menu,
).with_deep(deep.KAPPA.exact())
ZERO = Exact(
    decide_zero,
    Search(FAMILIES, lambda shape: N_PARAMETERS, _zero_ratio, _zero_document),
    smaller_menu,
).with_deep(deep.ZERO.exact())
