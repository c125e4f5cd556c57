"""How fast the average of |grad|^2 falls on `conflict`: one set of runs per T, a fitted slope.

A slope is a combination of logarithms of means, one for each T, so that finite-sample limits of
the means (``experiments.models.averages``) enclose it; no normal approximation is made.
"""

from collections.abc import Mapping, Sequence
from math import sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from grpo_checks.experiments.models.averages import Average, average
from grpo_checks.experiments.models.constants import run_constants, step_size
from grpo_checks.experiments.models.instances import named
from grpo_checks.experiments.models.settings import RunResult, RunSettings
from grpo_checks.experiments.protocol.claim import STATISTICAL, Levels, Row, Scope, Verdict
from grpo_checks.theory.convergence.error_levels import attained
from grpo_checks.theory.convergence.stationarity import path_terms
from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.training.batch import Objective

Floats = NDArray[np.float64]
WINDOW = (-0.55, -0.45)
"""Around -1/2."""
PAPER = (100, 300, 1000, 3000, 10_000, 30_000)
LENGTHS = {
    "reward": {"quick": (100, 1000), "paper": PAPER},
    "potential": {"quick": (60, 600), "paper": PAPER},
}
"""The quick profile's are two, since one between them would say little of the slope and widen the
limits of both; shorter for Jtilde, whose steps each cost more."""
LEAST = {
    "reward": {"quick": 2048, "paper": 1024},
    "potential": {"quick": 6144, "paper": 4096},
}
"""Seeds; few lengths need more of them. Ranges of Jtilde, relative to its averages, are larger."""
SHORT = 1_250_000
"""Seeds times steps that short runs may have: their limits must not decide how wide a slope is."""
MOST_SEEDS = 8192


def cell(
    group_size: int,
    scope: Scope,
    estimator: Estimator,
    objective: Objective = "reward",
    lengths: Sequence[int] = (),
) -> list[RunSettings]:
    """One run per T from theta_0 = 0 on a full sweep, with eta = min(1, sqrt(G/T)), at most 1/L.

    ``lengths`` other than those of the profile where given.
    """
    # Jtilde is sqrt(G-1) L-smooth.
    largest = 1.0 if objective == "reward" else 1 / sqrt(group_size - 1)
    spec = named("conflict", components=1)
    runs = []
    for t in lengths or LENGTHS[objective][scope.profile]:
        eta, count = min(largest, sqrt(group_size / t)), seeds(t, scope, objective)
        run = RunSettings(spec, group_size, t, count, estimator, step=eta, objective=objective)
        runs.append(run)
    return runs


def seeds(n_steps: int, scope: Scope, objective: Objective) -> int:
    """Of runs of one length; fixed before any is seen."""
    return max(LEAST[objective][scope.profile], scope.seeds, min(MOST_SEEDS, SHORT // n_steps))


def fit_weights(lengths: Floats) -> Floats:
    """Of the least-squares slope against log T in log means: it is their product."""
    x = np.log(lengths) - np.log(lengths).mean()
    return np.asarray(x / (x @ x))


class Fall(NamedTuple):
    """sum_i weight_i ln mean_i over runs of several lengths."""

    weights: Floats
    averages: tuple[Average, ...]

    @property
    def value(self) -> float:
        """From the means themselves."""
        return float(self.weights @ np.log([a.mean for a in self.averages]))

    def limits(self, level: float) -> tuple[float, float]:
        """Lower and upper limit, wrong with chance at most ``level`` together.

        Each end needs one limit of each mean; all of them hold at once.
        """
        share, low, high = level / (2 * len(self.averages)), 0.0, 0.0
        for weight, seen in zip(self.weights, self.averages, strict=True):
            with np.errstate(divide="ignore"):
                logs = np.log(seen.limits(share)) if weight else np.zeros(2)
            low, high = low + float(min(weight * logs)), high + float(max(weight * logs))
        return low, high

    def above(self, bound: float) -> float:
        """The smallest level at which the lower limit is at least ``bound``."""
        return attained(lambda level: -self.limits(level)[0], -bound)

    def below(self, bound: float) -> float:
        """The smallest level at which the upper limit is at most ``bound``."""
        return attained(lambda level: self.limits(level)[1], bound)

    def window(self, low: float, high: float) -> Levels:
        """Of lying inside, and of lying outside on either side."""
        inside = max(self.above(low), self.below(high))
        return Levels(inside, min(self.below(low), self.above(high)))


def flattening_weights(lengths: Floats) -> Floats:
    """Of the slope up to the second length minus that from there on: below 0 where it flattens."""
    x, first, last = np.log(lengths), np.zeros(len(lengths)), np.zeros(len(lengths))
    first[[0, 1]] = np.array([-1, 1]) / (x[1] - x[0])
    last[[1, -1]] = np.array([-1, 1]) / (x[-1] - x[1])
    return first - last


def fall(
    weights: Floats, cell: list[RunSettings], results: Mapping[RunSettings, RunResult]
) -> Fall:
    """Of a cell."""
    return Fall(weights, tuple(average(run, results[run]) for run in cell))


def judge_window(lower: float, upper: float, window: tuple[float, float]) -> Verdict:
    """Of limits for a number that should lie in a window."""
    if window[0] <= lower and upper <= window[1]:
        return "holds"
    outside = upper < window[0] or lower > window[1]
    return "refuted" if outside else "inconclusive"


def points(
    cell: list[RunSettings], results: Mapping[RunSettings, RunResult], level: float
) -> dict[str, float]:
    """What the line is fitted to: averages with simultaneous limits, T1.path's bound with V_sup."""
    points: dict[str, float] = {}
    for run in cell:
        seen = average(run, results[run])
        lower, upper = seen.limits(level / (2 * len(cell)))
        points |= {f"average at T={run.n_steps}": seen.mean}
        points |= {f"lower at T={run.n_steps}": lower, f"upper at T={run.n_steps}": upper}
        c, step = run_constants(run), step_size(run)
        bound = path_terms(c.gap, 0.0, c.variance, step, run.n_steps, c.smoothness).bound
        points[f"bound at T={run.n_steps}"] = float(bound)
    return points


def window_row(
    claim: str,
    cell: list[RunSettings],
    results: Mapping[RunSettings, RunResult],
    level: float,
    window: tuple[float, float] = WINDOW,
) -> Row:
    """Whether the fitted slope lies in a window, whose upper end is ``bound``."""
    fitted = fall(fit_weights(np.array([run.n_steps for run in cell])), cell, results)
    lower, upper = fitted.limits(level)
    parameters = {**cell[-1].parameters(), "step": step_size(cell[-1])}
    extra = {"window_low": window[0], **points(cell, results, level)}
    verdict = judge_window(lower, upper, window)
    note = STATISTICAL if verdict == "refuted" else ""
    limits, levels = (fitted.value, lower, upper, window[1]), fitted.window(*window)
    return Row(
        claim, "conflict", parameters, *limits, verdict, note, extra,
        evidence="statistical", levels=levels,
    )  # fmt: skip
