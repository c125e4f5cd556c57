"""Where T2.global is decided: a class of policies by its component values, a best one first.

A document has ``group_size``, ``ddof``, ``eps``, ``success`` (N, Q, K), ``share`` (Q,): odds of the
prompts, and ``weights`` (K,). Any list of policies is a class, whatever they share.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flint import fmpq

from grpo_checks.experiments.falsifier.constraints import above_zero, interval, simplex
from grpo_checks.experiments.falsifier.domain import Domain, Place, Point
from grpo_checks.experiments.falsifier.rounding import (
    Floats,
    near,
    near_positive,
    proportions,
    table,
)
from grpo_checks.experiments.points.decomposition.menus import OPTIONS
from grpo_checks.experiments.protocol.points import Document
from grpo_checks.experiments.protocol.verdict import Decision, unmet
from grpo_checks.theory.convergence.shared_parameters import losses, potentials
from grpo_checks.theory.numbers.balls import total
from grpo_checks.theory.rational.menus.response import potential

ARRAYS = {
    "success": interval("policies", "prompts", "components"),
    "share": simplex("prompts", default=1),
    "weights": above_zero("components"),
}
NO_MAXIMISER = "another policy of the class has a higher Jtilde"


def sides(
    success: Any,
    share: Any,
    weights: Any,
    group_size: int,
    ddof: int,
    eps: Any,
    part: Any = 1,
    signed: bool = False,
) -> tuple[Any, Any]:
    """J of every other policy minus J of the first, and the bound, times ``part``.

    ``signed``: without the absolute values.
    """
    gap, bound = losses(success, share, weights, group_size, signed)
    return gap[1:], part * bound[1:]


def not_a_maximiser(
    success: Any, share: Any, weights: Any, group_size: int, ddof: int, eps: Any
) -> Decision | None:
    """None where Jtilde of the first policy is certainly that of no other, or higher."""
    values = [
        total(
            rho * w * potential(group_size, p, ddof, eps)
            for rho, row in zip(share, policy, strict=True)
            for w, p in zip(weights, row, strict=True)
        )
        for policy in success
    ]
    for policy, other in zip(success[1:], values[1:], strict=True):
        if other > values[0]:
            return unmet(NO_MAXIMISER)
        if not (other <= values[0] or (policy == success[0]).all()):
            return Decision(other - values[0], fmpq(0), "inconclusive", "Jtilde, best or not")
    return None


class BestFirst(Domain):
    """Two policies with equal Jtilde but for a margin, the first ahead.

    All components but the last are higher at the second, the last is lower; its weight balances.
    """

    def _balanced(self, x: Any, place: Place, margin: float) -> Point:
        lengths = dict(place)
        q, k = lengths["prompts"], lengths["components"]
        size = 2 * q * k
        ends = jnp.sort(jax.nn.sigmoid(x[:size]).reshape(2, q, k), 0)
        success = jnp.concatenate([ends[..., :-1], ends[::-1, :, -1:]], -1)
        share = jax.nn.softmax(x[size : size + q])
        first = jnp.exp(x[size + q :])
        options = self._options(place)
        climbed = potentials(success, lengths["group_size"], options["ddof"], float(options["eps"]))
        gained = share @ (climbed[1] - climbed[0])
        last = (first @ gained[:-1]) / jnp.maximum(-gained[-1], 1e-12)
        weights = jnp.append(first, last * (1 + margin))
        return {"success": success, "share": share, "weights": weights, **options}

    def dimension(self, place: Place) -> int:
        """Both policies, the prompts' shares, all weights but one."""
        lengths = dict(place)
        q, k = lengths["prompts"], lengths["components"]
        return int(2 * q * k + q + k - 1)

    def point(self, x: Any, place: Place) -> Point:
        """Likewise, with equal Jtilde."""
        return self._balanced(x, place, 0.0)

    def document(self, x: Floats, place: Place, largest: int) -> Document:
        """The last weight is more than balances, so that rounding leaves the first ahead."""
        point = jax.device_get(self._balanced(jnp.asarray(x), place, 4 / largest))
        chances, weights = np.asarray(point["success"]), np.asarray(point["weights"])
        return {
            "group_size": dict(place)["group_size"],
            "success": table(chances, near, largest),
            "share": proportions(np.asarray(point["share"]), largest),
            "weights": table(weights, near_positive, largest),
        }


DOMAIN = BestFirst(
    ARRAYS,
    OPTIONS,
    [
        {"group_size": g, "policies": 2, "prompts": q, "components": k}
        for g, q, k in ((4, 1, 2), (8, 1, 2), (64, 1, 2), (8, 2, 2), (8, 1, 3))
    ],
    least={"policies": 2},
)
