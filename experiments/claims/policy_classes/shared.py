"""T2.shared: does T2.kappa's factor bound what decomposed ascent loses with shared parameters?

Statement: where calls share one logit with features 0..M-1, J rises with it, and ascent of Jtilde
from ``start`` goes to the first call, J* - J <= (kappa_G-1)/(kappa_G+1) sum_k w_k u_k there.
Proof: none, it is false: what is lost can be all of sum_k w_k u_k. That ascent goes down, and J up,
is decided by sign (``theory.convergence.shared_parameters``); the limits are the calls at the ends.
Source: derived: T2.kappa is about unrestricted policies of one prompt, and this is why.
Units: of the composite reward.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flint import arb

from grpo_checks.experiments.falsifier.constraints import above_zero, fraction, integer, interval
from grpo_checks.experiments.falsifier.domain import Domain, Place, Point
from grpo_checks.experiments.falsifier.rounding import Floats, near, near_positive, table
from grpo_checks.experiments.falsifier.statement import Statement
from grpo_checks.experiments.protocol.assumptions import STORED, in_cells, stated
from grpo_checks.experiments.protocol.claim import Claim, Facts, Part
from grpo_checks.experiments.protocol.points import Document
from grpo_checks.experiments.protocol.verdict import Decision, unmet
from grpo_checks.experiments.runs.words import Table, having
from grpo_checks.experiments.runs.words import table as shown
from grpo_checks.theory.arithmetic.enclose import enclose
from grpo_checks.theory.convergence.shared_parameters import (
    largest_factor,
    potential_slope,
    value_slopes,
)
from grpo_checks.theory.estimators.response import MAX_GROUP, response
from grpo_checks.theory.numbers.balls import hull
from grpo_checks.theory.numbers.fields import ANY

START = -10


def sides(calls: Any, weights: Any, group_size: int, start: Any) -> tuple[Any, Any]:
    """J of the last call minus J of the first, and T2.kappa's bound at the first."""
    off = calls - calls[:1]
    reach = jnp.abs(off).max(0)
    return off[-1] @ weights, largest_factor(group_size) * (reach @ weights)


_slope = enclose(
    lambda point, t: potential_slope(point["calls"], point["weights"], t, point["group_size"])
)
_value_slopes = enclose(lambda point: value_slopes(point["calls"], point["weights"]))


def not_led_down(**point: Any) -> Decision | None:
    """None where J rises everywhere, and ascent of Jtilde goes down from the start."""
    rising = _value_slopes(point)
    if min(rising) < 0 or max(rising) == 0:
        return unmet("J is not seen to rise with the logit everywhere")
    below = hull(arb(0), arb(point["start"]).exp())
    if _slope(point, below) < 0:
        return None
    return unmet("ascent of Jtilde is not seen to go down from the start on")


class LedDown(Domain):
    """Three calls, two components: reached so that Jtilde falls at -infinity, and J rises.

    Real coordinates say where the first call is, what the second gains and loses, the weight
    between those at which either slope vanishes, and where the third lies above both.
    """

    def dimension(self, place: Place) -> int:
        """Two chances for each call, and the weight."""
        return 7

    def point(self, x: Any, place: Place) -> Point:
        """Likewise."""
        unit, size = jax.nn.sigmoid(x), dict(place)["group_size"]
        first = unit[:2]
        gain, loss = unit[2] * (1 - first[0]), unit[3] * first[1]
        second = jnp.stack([first[0] + gain, first[1] - loss])
        highest = jnp.maximum(first, second)
        third = highest + unit[4:6] * (1 - highest)
        c = response(first, size)
        weight = gain / loss * (unit[6] + (1 - unit[6]) * jnp.minimum(c[0] / c[1], 1.0))
        calls, weights = jnp.stack([first, second, third]), jnp.stack([jnp.ones(()), weight])
        return {"calls": calls, "weights": weights, **self._options(place)}

    def document(self, x: Floats, place: Place, largest: int) -> Document:
        """Likewise."""
        point = jax.device_get(self.point(jnp.asarray(x), place))
        return {
            "group_size": point["group_size"],
            "calls": table(np.asarray(point["calls"]), near, largest),
            "weights": table(np.asarray(point["weights"]), near_positive, largest),
        }


STATEMENT = Statement(
    sides,
    LedDown(
        {"calls": interval("calls", "components"), "weights": above_zero("components")},
        {"group_size": integer(2, MAX_GROUP), "start": fraction(ANY, default=START)},
        [{"group_size": size, "calls": 3, "components": 2} for size in (4, 8, 16)],
        least={"calls": 2},
    ),
    exception=not_led_down,
    note=lambda **point: "by sign: Jtilde' < 0 from the start on, J' > 0 everywhere",
)


def facts(cases: Table) -> Facts | None:
    """Of T2.shared: its counterexamples; None where there are none."""
    refuted = having(cases[cases["claim"] == "T2.shared"], "refuted")
    if refuted.empty:
        return None
    headings = "case: point | observed: lost | bound: allowed"
    return {"table": shown(refuted, headings)}


CLAIM = Claim(
    name="T2.shared",
    statement="with shared parameters decomposed ascent loses at most (kappa_G-1)/(kappa_G+1) "
    "sum_k w_k u_k",
    provenance="derived",
    expected="refuted",
    proof=("grpo_checks.theory.convergence.shared_parameters",),
    facts={"T2.shared": Part(facts, ("cases",))},
    assumptions=(
        STORED,
        *stated("binary components", "one logit with features 0..M-1", "steps that do not shrink"),
        in_cells("J' > 0 everywhere, Jtilde' < 0 from the start on"),
    ),
    rows=lambda scope, results: [],
    exact=STATEMENT.exact(),
)
