"""Larger groups of T1.own: certified centres, and what is measured where there is none.

A centre (``theory.convergence.cycles.reversible``) refutes: runs of expected updates that start
there stay, and |grad J|^2 > 0 with them, for every c and T; around it all orbits of the flow are
closed, and for every small enough c the averages of |E[g]|^2 and |grad J|^2 along runs from them
have floors above 0 for every T, whose constants are not explicit. It says nothing of sampled runs.
An attracting zero between two actions (``theory.convergence.cycles.edges``) refutes for grad J too.
"""

from collections.abc import Iterator
from math import sqrt
from typing import Any

import jax
import numpy as np
from scipy.special import softmax

from grpo_checks.experiments.claims.cycles.larger_groups import centres_at, edges_at
from grpo_checks.experiments.claims.cycles.models import DOCUMENTS, MODELS
from grpo_checks.experiments.claims.cycles.own_field import DOMAIN
from grpo_checks.experiments.claims.cycles.own_orbits import (
    GROUP_NORMALIZED,
    LENGTH,
    NAME,
    along,
    drawn,
    measured,
    parameters,
    spec_of,
)
from grpo_checks.experiments.models.instances import build
from grpo_checks.experiments.protocol.cell_rows import certified, exact
from grpo_checks.experiments.protocol.claim import Row, Scope, Verdict
from grpo_checks.experiments.runs.training import exact_law
from grpo_checks.theory.convergence.smoothness import smoothness
from grpo_checks.theory.numbers.balls import ends, root
from grpo_checks.theory.rational.cycles.centres import Centre, Centres
from grpo_checks.theory.rational.cycles.edges import Edge
from grpo_checks.theory.updates.rounding import (
    COMMON,
    law_roundings,
    rounding,
    slope_magnitude,
    sweep_roundings,
)

SIZES = {"quick": (2, 3), "paper": (2, 3, 4, 8, 16)}
LARGEST = {"rank_cycle": 8}
"""Where a group of 16 has too many compositions to be enclosed in seconds."""
EDGE_STEP, EDGE_LENGTH = 1.0, 20_000
"""Of the run beside an edge: others fall as 1/t."""
DRAWN = (4, 8)
"""Sizes whose orbits the figure shows, of models with a floor at G = 2."""
_steepest = jax.jit(smoothness)


def centres(name: str, scope: Scope) -> Iterator[Row]:
    """A row for each group size: *refuted* by a centre or an edge, else *inconclusive*."""
    for size in SIZES[scope.profile]:
        if size <= LARGEST.get(name, size):
            point = DOMAIN.read({**MODELS[name], "group_size": size})
            known = centres_at(point)
            if known.centres:
                yield _centre_row(name, size, known.centres[0], scope)
            elif attracting := edges_at(point):
                yield _edge_row(name, size, known, attracting[0])
            else:
                yield _measured_row(name, size, known, scope)


def _extra(name: str, size: int) -> dict[str, Any]:
    return drawn(name, size, GROUP_NORMALIZED) if name in DOCUMENTS and size in DRAWN else {}


def _centre_row(name: str, size: int, centre: Centre, scope: Scope) -> Row:
    """Beside the model's own average along a run from there, which is to be the same."""
    length = LENGTH[scope.profile]
    difference, frequency, square = (
        float(sum(ends(x)) / 2)
        for x in (centre.difference, root(centre.squared_frequency), centre.squared_gradient)
    )
    instance = build(spec_of(name))
    theta = np.array(instance.theta)
    theta[0, :3] = 0.0
    theta[0, centre.actions[0]] = difference
    start = jax.device_put(theta)
    path = along(name, size, GROUP_NORMALIZED, start, 1 / sqrt(length), length)
    extra = {
        "field": "grad J",
        # Its ball is far smaller: a zero is shown as one.
        "difference": round(difference, 15),
        "frequency": frequency,
        "measured": float(path.squared_gradient.mean()),
        "measured_steps": length,
        **_extra(name, size),
    }
    verdict: Verdict = "refuted" if centre.squared_gradient > 0 else "inconclusive"
    note = "runs from a centre, every c and T; closed orbits around it"
    labels = (NAME, name, parameters(name, size, GROUP_NORMALIZED))
    if abs(extra["measured"] / square - 1) > _run_error(name, size, centre, path.theta[0], length):
        return exact(*labels, square, 0.0, "inconclusive", "not what a run has: a fault", extra)
    return certified(exact(*labels, square, 0.0, verdict, note, extra))


def _run_error(name: str, size: int, centre: Centre, theta: Any, length: int) -> float:
    """What rounding may do to |grad J|^2 along a run of steps 1/sqrt(T) from a centre, relatively.

    A deviation turns on an ellipse and grows by sqrt(1 + (frequency step)^2) at each step; those of
    all steps add up, to first order. The plane's coordinates are at most twice those of theta.
    """
    spec, step = spec_of(name), 1 / sqrt(length)
    group, instance = exact_law(spec, size, GROUP_NORMALIZED), build(spec)
    assert group is not None
    at = instance.mdp, instance.policy, theta
    common = sweep_roundings(*at) + COMMON
    update, slope = (
        float(np.linalg.norm(slope_magnitude(*at, largest)))
        for largest in (sqrt(size - 1), float(instance.mdp.max_reward))
    )
    moved = step * rounding(update, law_roundings(group) + common)
    moved += rounding(float(np.linalg.norm(theta)), 2)
    square, flatness = (float(ends(x)[1]) for x in (centre.squared_frequency, centre.flatness))
    grown = 2 * sqrt(max(flatness, 1 / flatness)) * (1 + step**2 * square) ** (length / 2)
    bent = float(_steepest(*at[:2])) * (length + 1) * moved * grown
    steepest = sqrt(float(ends(centre.squared_gradient)[0]))
    return 2 * (bent + rounding(slope, common)) / steepest


def _edge_row(name: str, size: int, known: Centres, edge: Edge) -> Row:
    """Beside the model's own |grad J|^2 where the flow from its start has led."""
    square = float(edge.squared_gradient)
    path = measured(name, size, GROUP_NORMALIZED, EDGE_STEP, EDGE_LENGTH)
    chance = softmax(np.asarray(path.theta)[-1, 0, :3])[edge.actions[0]]
    extra = {
        "field": "grad J",
        "edge": " ".join(map(str, edge.actions)),
        "zeros": known.zeros,
        "chance": float(edge.chance),
        "reached": float(chance),
        "measured": float(np.asarray(path.squared_gradient)[-1]),
        "measured_steps": EDGE_LENGTH,
        **_extra(name, size),
    }
    verdict: Verdict = "refuted" if edge.squared_gradient > 0 else "inconclusive"
    note = "an attracting zero between two actions: runs that start near it end there"
    labels = (NAME, name, parameters(name, size, GROUP_NORMALIZED))
    return certified(exact(*labels, square, 0.0, verdict, note, extra))


def _measured_row(name: str, size: int, known: Centres, scope: Scope) -> Row:
    """Of runs from the start, of two lengths."""
    length = LENGTH[scope.profile]
    paths = [
        measured(name, size, GROUP_NORMALIZED, 10 / sqrt(t), t) for t in (length // 10, length)
    ]
    shorter, longer = (float(p.squared_update.mean()) for p in paths)
    extra = {"field": "E[g]", "measured_steps": length, "shorter": shorter, **_extra(name, size)}
    if known.zeros is not None:
        extra["zeros"] = known.zeros
    labels = (NAME, name, parameters(name, size, GROUP_NORMALIZED, reach=10))
    note = f"no centre: {known.note}; measured at two lengths"
    return exact(*labels, longer, shorter / sqrt(10), "inconclusive", note, extra)
