"""T1.slope: where the optimum is interior, the average of |grad J|^2 falls as T^(-1/2)."""

from collections.abc import Mapping
from math import sqrt

import numpy as np
from scipy import stats

from experiments.claim import FAMILY_WISE_ERROR, STATISTICAL, Claim, Row, Scope, Verdict, outside
from experiments.constants import run_constants, step_size
from experiments.instances import named
from experiments.runs import RunResult
from experiments.settings import RunSettings
from theory.advantages import Estimator
from theory.theorem1 import path_terms

WINDOW = (-0.55, -0.45)
MUTANTS = {
    "exponent -1/3": "fitted slope in [-0.383, -0.283]",
    "group_normalized": "the same window for the std-normalised estimator at G = 8",
}
GROUPS = (2, 8)
BLOCKS = 32


def _cell(group_size: int, scope: Scope) -> list[RunSettings]:
    """One run per T from theta_0 = 0 on a full sweep, with eta = min(1, sqrt(G/T))."""
    lengths = [100, 300, 1000, 3000]
    seeds = 256
    if scope.profile == "paper":
        lengths, seeds = [*lengths, 10_000, 30_000], 1024
    seeds = max(seeds, scope.seeds)
    spec, estimator = named("conflict", components=1), Estimator("leave_one_out")
    if scope.mutant == "group_normalized":
        estimator = Estimator("group_normalized")
    steps = [min(1.0, sqrt(group_size / t)) for t in lengths]
    return [
        RunSettings(spec, group_size, t, seeds, estimator, step=eta)
        for t, eta in zip(lengths, steps, strict=True)
    ]


def runs(scope: Scope) -> list[RunSettings]:
    """All runs of both group sizes; none on an instance that the claim is not about."""
    if scope.instance is not None and not scope.instance.is_named("conflict"):
        return []
    return [run for g in GROUPS for run in _cell(g, scope)]


def _slope(lengths: np.ndarray, means: np.ndarray) -> float:
    return float(stats.linregress(np.log(lengths), np.log(means)).slope)


def slope_interval(
    lengths: np.ndarray, samples: np.ndarray, level: float
) -> tuple[float, float, float]:
    """Fitted slope of log mean against log T, with two-sided limits at error ``level``.

    ``samples (len(lengths), seeds)``. Jackknife over blocks of seeds with Student's t: asymptotic
    in the number of seeds, unlike the limits of the other claims.
    """
    blocks = np.array_split(np.arange(samples.shape[1]), BLOCKS)
    whole = _slope(lengths, samples.mean(1))
    left_out = np.array([_slope(lengths, np.delete(samples, b, 1).mean(1)) for b in blocks])
    error = sqrt((BLOCKS - 1) / BLOCKS * np.square(left_out - left_out.mean()).sum())
    reach = stats.t.ppf(1 - level / 2, BLOCKS - 1) * error
    return whole, whole - reach, whole + reach


def _judge(lower: float, upper: float, window: tuple[float, float]) -> Verdict:
    if window[0] <= lower and upper <= window[1]:
        return "holds"
    outside = upper < window[0] or lower > window[1]
    return "refuted" if outside else "inconclusive"


def _points(cell: list[RunSettings], results: Mapping[RunSettings, RunResult]) -> dict[str, float]:
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


def _row(scope: Scope, cell: list[RunSettings], results: Mapping[RunSettings, RunResult]) -> Row:
    window = (-0.383, -0.283) if scope.mutant == "exponent -1/3" else WINDOW
    lengths = np.array([run.n_steps for run in cell])
    samples = np.array([results[run]["squared_gradient"] for run in cell])
    level = FAMILY_WISE_ERROR / len(GROUPS)
    slope, lower, upper = slope_interval(lengths, samples, level)
    parameters = {**cell[-1].parameters(), "step": step_size(cell[-1])}
    extra = {"window_low": window[0], **_points(cell, results)}
    verdict = _judge(lower, upper, window)
    note = STATISTICAL if verdict == "refuted" else ""
    return Row(
        "T1.slope", "conflict", parameters, slope, lower, upper, window[1], verdict, note, extra
    )


def rows(scope: Scope, results: Mapping[RunSettings, RunResult]) -> list[Row]:
    """One row per group size; ``bound`` is the upper end of the window."""
    unmet = outside(
        "T1.slope",
        scope,
        "conflict",
        "stated for `conflict`, whose optimum is known to be interior",
    )
    if unmet:
        return unmet
    cells = [_cell(g, scope) for g in GROUPS]
    return [_row(scope, cell, results) for cell in cells]


CLAIM = Claim(
    name="T1.slope",
    statement="on `conflict` the average of |grad J|^2 falls as T^s, s in [-0.55, -0.45]",
    provenance="abstract",
    expected="holds",
    assumptions=("interior optimum", "theta_0 = 0, full sweep, eta = min(1, sqrt(G/T))"),
    mutants=MUTANTS,
    runs=runs,
    rows=rows,
)
