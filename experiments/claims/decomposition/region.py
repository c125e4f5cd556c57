"""What two components can attain on `menu`, and where J and Jtilde are highest on it."""

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import BPoly
from scipy.optimize import brentq
from scipy.spatial import ConvexHull

from grpo_checks.experiments.models.instances import build, named
from grpo_checks.experiments.protocol.cell_rows import inequality
from grpo_checks.experiments.protocol.claim import Row
from grpo_checks.theory.estimators.response import coefficients
from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.updates.rounding import rounding

GROUPS = (8, 64)
EDGE_POINTS = 1001
Floats = NDArray[np.float64]


def potential_curve(group_size: int) -> BPoly:
    """F_G on [0, 1]: the antiderivative of c_G, F_G(0) = 0."""
    return BPoly(coefficients(group_size)[:, None], [0, 1]).antiderivative()


def corners(mdp: TAMDP) -> Floats:
    """Component values (M, K) of the calls of a `menu`."""
    return np.asarray(mdp.tool_transition[0] @ mdp.reward[0, :, 0])


def _polygon(points: Floats) -> Floats:
    """Its corners in order; two points are a segment."""
    return points if len(points) < 3 else points[ConvexHull(points).vertices]


def _best_on_edge(curve: BPoly, weights: Floats, start: Floats, end: Floats) -> Floats:
    """Where Jtilde is highest between two points: the best of a grid, then a root of its slope."""
    way, respond = end - start, curve.derivative()
    t = np.linspace(0, 1, EDGE_POINTS)
    best = int((curve(start + t[:, None] * way) @ weights).argmax())
    low, high = t[max(best - 1, 0)], t[min(best + 1, EDGE_POINTS - 1)]
    slope = lambda x: float((respond(start + x * way) * way) @ weights)  # noqa: E731
    if slope(low) > 0 > slope(high):
        return np.asarray(start + brentq(slope, low, high, xtol=1e-15) * way)
    return np.asarray(start + t[best] * way)


def best_point(mdp: TAMDP, group_size: int) -> Floats:
    """The values (K,) at which Jtilde is highest over all policies of a `menu`.

    Jtilde grows in each component, so its maximum lies on the boundary of the polygon.
    """
    weights, curve = np.asarray(mdp.weights), potential_curve(group_size)
    outline = _polygon(corners(mdp))
    ends = zip(outline, np.roll(outline, 1, 0), strict=True)
    best = np.array([_best_on_edge(curve, weights, a, b) for a, b in ends])
    return np.asarray(best[(curve(best) @ weights).argmax()])


def residual(mdp: TAMDP, group_size: int, point: Floats) -> float:
    """phi: how much a call could still gain along grad Jtilde; 0 proves a first-order point."""
    steep = np.asarray(mdp.weights) * potential_curve(group_size).derivative()(point)
    return float(((corners(mdp) - point) @ steep).max())


def _level_line(curve: BPoly, weights: Floats, through: Floats) -> Floats:
    """Points (N, 2) of the square at which Jtilde is what it is at ``through``."""
    level = curve(through) @ weights
    grid = np.linspace(0, 1, 2001)
    rest = (level - weights[0] * curve(grid)) / weights[1]
    second = np.interp(rest, curve(grid), grid, left=np.nan, right=np.nan)
    kept = np.isfinite(second)
    return np.column_stack([grid, second])[kept][::10]


def _text(points: Floats) -> str:
    return ";".join(f"{x:.6f} {y:.6f}" for x, y in points)


def region_rows() -> list[Row]:
    """One row for each group size: Jtilde at the best call for J, and at its own maximum."""
    mdp = build(named("menu", components=2)).mdp
    points, weights = corners(mdp), np.asarray(mdp.weights)
    call = points[(points @ weights).argmax()]
    rows = []
    for size in GROUPS:
        curve = potential_curve(size)
        best = best_point(mdp, size)
        low, high = (float(curve(p) @ weights) for p in (call, best))
        extra = {
            "region": _text(_polygon(points)),
            "level_line": _text(_level_line(curve, weights, best)),
            "joint_point": _text(call[None]),
            "decomposed_point": _text(best[None]),
            "weights": _text(weights[None]),
            "optimum_of_J": float((points @ weights).max()),
            "J_there": float(best @ weights),
            "residual": residual(mdp, size, best),
        }
        shared = {"components": 2, "group_size": size, "where": "attainable values"}
        # Two sums of positive terms, for each of them one Bernstein polynomial.
        off = rounding(low + high, 4 * size + 8)
        note = "Jtilde at the optimum of J, and at its own"
        rows.append(inequality("T2.potential", "menu", shared, low, high, off, note, extra))
    return rows
