"""How fast the average of |grad|^2 falls on `conflict`: one set of runs per T, a fitted slope."""

from collections.abc import Callable, Mapping
from math import sqrt

import numpy as np
from scipy import stats

from experiments.claim import STATISTICAL, Row, Scope, Verdict
from experiments.constants import run_constants, step_size
from experiments.instances import named
from experiments.runs import RunResult
from experiments.settings import RunSettings
from theory.advantages import Estimator
from theory.grpo import Objective
from theory.theorem1 import path_terms

WINDOW = (-0.55, -0.45)
"""Around -1/2."""
BLOCKS = 32


def cell(
    group_size: int, scope: Scope, estimator: Estimator, objective: Objective = "reward"
) -> list[RunSettings]:
    """One run per T from theta_0 = 0 on a full sweep, with eta = min(1, sqrt(G/T)), at most 1/L."""
    lengths = [100, 300, 1000, 3000]
    seeds = 256
    if scope.profile == "paper":
        lengths, seeds = [*lengths, 10_000, 30_000], 1024
    seeds = max(seeds, scope.seeds)
    # Jtilde is sqrt(G-1) L-smooth.
    largest = 1.0 if objective == "reward" else 1 / sqrt(group_size - 1)
    steps = [min(largest, sqrt(group_size / t)) for t in lengths]
    spec = named("conflict", components=1)
    return [
        RunSettings(spec, group_size, t, seeds, estimator, step=eta, objective=objective)
        for t, eta in zip(lengths, steps, strict=True)
    ]


def fitted_slope(lengths: np.ndarray, means: np.ndarray) -> float:
    """Of log mean against log T."""
    return float(stats.linregress(np.log(lengths), np.log(means)).slope)


def slope_interval(
    lengths: np.ndarray,
    samples: np.ndarray,
    level: float,
    statistic: Callable[[np.ndarray, np.ndarray], float] = fitted_slope,
) -> tuple[float, float, float]:
    """A statistic of the means at each T, with two-sided limits at error ``level``.

    ``samples (len(lengths), seeds)``. Jackknife over blocks of seeds with Student's t: asymptotic
    in the number of seeds, unlike the limits of the other claims.
    """
    blocks = np.array_split(np.arange(samples.shape[1]), BLOCKS)
    whole = statistic(lengths, samples.mean(1))
    left_out = np.array([statistic(lengths, np.delete(samples, b, 1).mean(1)) for b in blocks])
    error = sqrt((BLOCKS - 1) / BLOCKS * np.square(left_out - left_out.mean()).sum())
    reach = stats.t.ppf(1 - level / 2, BLOCKS - 1) * error
    return whole, whole - reach, whole + reach


def judge_window(lower: float, upper: float, window: tuple[float, float]) -> Verdict:
    """Of limits for a number that should lie in a window."""
    if window[0] <= lower and upper <= window[1]:
        return "holds"
    outside = upper < window[0] or lower > window[1]
    return "refuted" if outside else "inconclusive"


def points(cell: list[RunSettings], results: Mapping[RunSettings, RunResult]) -> dict[str, float]:
    """What the line is fitted to: averages, standard errors, and T1.path's bound with V_sup."""
    points = {}
    for run in cell:
        sample = np.asarray(results[run]["squared_gradient"])
        points[f"average at T={run.n_steps}"] = float(sample.mean())
        points[f"error at T={run.n_steps}"] = float(sample.std(ddof=1) / sqrt(sample.size))
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
    lengths = np.array([run.n_steps for run in cell])
    samples = np.array([results[run]["squared_gradient"] for run in cell])
    slope, lower, upper = slope_interval(lengths, samples, level)
    parameters = {**cell[-1].parameters(), "step": step_size(cell[-1])}
    extra = {"window_low": window[0], **points(cell, results)}
    verdict = judge_window(lower, upper, window)
    note = STATISTICAL if verdict == "refuted" else ""
    numbers = (slope, lower, upper, window[1])
    head = (claim, "conflict", parameters)
    return Row(*head, *numbers, verdict, note, extra, evidence="statistical")
