"""Least squares in a few numbers that are not negative, and the range that the data leave them."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog

from grpo_checks.theory.identification.earned import Numbers
from grpo_checks.theory.identification.predicted import Predicted

STEPS, HALVINGS = 40, 8
SETTLED = 0.02
"""Of what rounding may do: nothing is gained by coming nearer."""
SLIGHT = 1e-30
"""Of a complex step: its square is nothing beside 1."""
SLOW = 0.99
"""Of the squared error after a step over that before: what is left then is no rounding."""
Curve = Callable[[list[complex]], Predicted]
"""From the free numbers to what they predict."""


class Precision(NamedTuple):
    """How well numbers are known."""

    rounding: float = 2.0**-24
    """Of one operation of the trainer, relative: float32 by default."""
    resolution: float = 0.0
    """Of the numbers given, absolute: half a unit of the last digit of a log."""
    operations: int = 32
    """How many roundings one number may have suffered."""


class Fit(NamedTuple):
    """The free numbers that come nearest."""

    free: Numbers
    values: Numbers
    tolerance: Numbers
    """What rounding may change of each value."""
    slopes: Numbers
    """(N, P)."""

    def excess(self, observed: Numbers) -> float:
        """Largest error in units of its tolerance: at most 1 where the data are explained."""
        return float(np.abs((observed - self.values) / self.tolerance).max())


def fitted(curve: Curve, start: list[float], observed: Numbers, precision: Precision) -> Fit:
    """Gauss and Newton's steps, halved until they improve, none of the numbers below 0."""
    fit = evaluated(curve, np.array(start), observed, precision)
    for _ in range(STEPS if start else 0):
        scale = 1 / fit.tolerance
        slopes = fit.slopes * scale[:, None]
        residual = (observed - fit.values) * scale
        step: NDArray[Any] = np.linalg.lstsq(slopes, residual, rcond=1e-12)[0]
        better = _improved(curve, fit, step, observed, precision)
        if better is None:
            break
        gained = _loss(better, observed, fit.tolerance) / _loss(fit, observed, fit.tolerance)
        fit = better
        if gained > SLOW or fit.excess(observed) < SETTLED:
            break
    return fit


def _improved(
    curve: Curve, fit: Fit, step: NDArray[Any], observed: Numbers, precision: Precision
) -> Fit | None:
    loss = _loss(fit, observed, fit.tolerance)
    for power in range(HALVINGS):
        free = np.maximum(fit.free + step / 2**power, 0.0)
        trial = evaluated(curve, free, observed, precision)
        if _loss(trial, observed, fit.tolerance) < loss:
            return trial
    return None


def _loss(fit: Fit, observed: Numbers, tolerance: Numbers) -> float:
    return float((((observed - fit.values) / tolerance) ** 2).sum())


def evaluated(curve: Curve, free: Numbers, observed: Numbers, precision: Precision) -> Fit:
    """With these numbers."""
    # Moved by so little, real parts and gains are those of the numbers themselves.
    slight = SLIGHT * np.eye(len(free))
    moved = [curve([complex(x, h) for x, h in zip(free, row, strict=True)]) for row in slight]
    values, gain = moved[0] if moved else curve([])
    slopes = np.empty((len(values), len(free)))
    for i, answer in enumerate(moved):
        slopes[:, i] = np.imag(answer.values) / SLIGHT
    values = np.real(values)
    most = float(np.abs(observed).max(initial=0.0))
    return Fit(free, values, tolerances(Predicted(values, gain), most, precision), slopes)


def tolerances(predicted: Predicted, most: float, precision: Precision) -> Numbers:
    """(N,): what rounding may change of each; ``most``: the largest that is observed, in size."""
    noise = precision.rounding * precision.operations
    tolerance = noise * (np.abs(predicted.values) + predicted.gain) + precision.rounding * most
    # A residue that is scaled to size 1 cannot be larger than all there is.
    tolerance = np.minimum(tolerance, np.sqrt(len(tolerance)) * max(most, 1.0))
    return np.maximum(tolerance, 1e-300) + precision.resolution


def ranges(fit: Fit, observed: Numbers) -> list[tuple[float, float]]:
    """What each free number may be, to first order in it; the others free. inf: no upper end."""
    scale = 1 / fit.tolerance
    residual, slopes = (observed - fit.values) * scale, fit.slopes * scale[:, None]
    if len(fit.free) == 1:
        return [_line(float(fit.free[0]), residual, slopes[:, 0])]
    return [_side(fit.free, i, residual, slopes) for i in range(len(fit.free))]


def _line(free: float, residual: Numbers, slope: Numbers) -> tuple[float, float]:
    """All x with |residual - slope (x - free)| <= 1."""
    moves = slope != 0
    ends = (residual[moves] + [[-1.0], [1.0]]) / slope[moves] + free
    low, high = ends.min(0).max(initial=0.0), ends.max(0).min(initial=np.inf)
    return float(low), float(high)


def _side(free: Numbers, index: int, residual: Numbers, slopes: Numbers) -> tuple[float, float]:
    """The same for one of several numbers: linear programs."""
    goal = np.eye(len(free))[index]
    matrix, bound = np.concatenate([slopes, -slopes]), np.concatenate([1 + residual, 1 - residual])
    limits = [(-x, None) for x in free]
    low, high = (linprog(sign * goal, matrix, bound, bounds=limits) for sign in (1, -1))
    return (
        max(0.0, float(free[index] + low.x[index])) if low.status == 0 else 0.0,
        float(free[index] + high.x[index]) if high.status == 0 else np.inf,
    )
