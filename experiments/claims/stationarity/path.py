"""T1.path: optimisation, bias and variance, each measured exactly along the run, bound |grad J|^2.

The claim is a sum of one inequality per step, given the past. *Holds* means that these inequalities
hold on average over the realised steps of all runs: an upper limit for the average conditional mean
of left minus right, valid for dependent steps, is below 0. *Refuted* means that a lower limit is
above 0, either for that average or for the expectation over runs; each takes half of the level, and
either contradicts the inequality of some step.

For an unbiased update the same descent lemma without the polarisation identity gives
(2 - L eta) mean |grad J|^2 <= 2 (E J_T - J_0)/(eta T) + L eta mean V (derived): almost half of the
bound, reported as ``sharper_bound``.

Stored points use up the whole bound, and its terms one by one; of the variance term 61.5 % are lost
on every log-odds line, whatever the run (``theory.rational.lines.curvature``).
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from grpo_checks.experiments.claims.stationarity import rate as t1_rate
from grpo_checks.experiments.models.constants import (
    Constants,
    path_rounding,
    run_constants,
    step_size,
)
from grpo_checks.experiments.models.instances import named
from grpo_checks.experiments.models.settings import RunResult, RunSettings
from grpo_checks.experiments.points.stationarity.path_search import PATH
from grpo_checks.experiments.protocol.assumptions import in_cells
from grpo_checks.experiments.protocol.claim import (
    STATISTICAL,
    Claim,
    Levels,
    Row,
    Scope,
    judge,
    not_judged,
    settled_by,
)
from grpo_checks.theory.convergence.confidence import drift_upper_limit, lower_limit, samples_needed
from grpo_checks.theory.convergence.error_levels import drift_level, lower_level
from grpo_checks.theory.convergence.stationarity import path_terms
from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.instances.conflict import MAXIMISER, NORMALIZED_ZERO
from grpo_checks.theory.training.loop import STEP

MUTANTS = {
    "no variance term": "the term L eta (1/T) sum E V_t dropped",
    "no optimisation term": "the term 2 (E J(theta_T) - J(theta_0))/(eta T) dropped",
    "no bias term": "the term (1/T) sum E|m_t - grad J|^2 dropped",
    "9/5 for 2": "1.8 (E J(theta_T) - J(theta_0))/(eta T)",
    "9/10 of the bias": "0.9 (1/T) sum E|m_t - grad J|^2",
    "L/6": "L/6 for L in the term of the variance",
}

SEEDS = t1_rate.MIN_SEEDS


def _biased_runs(profile: str) -> list[RunSettings]:
    """Where the estimator is biased, or prompts are drawn, or a mutant is known to be false."""
    still = named("conflict", components=1, start=MAXIMISER)
    stalled = named("conflict", components=1, start=NORMALIZED_ZERO)
    plain, coding = named("conflict", components=1), named("coding", components=2)
    normalized, baseline = Estimator("group_normalized"), Estimator("mean_baseline")
    paper = profile == "paper"
    seeds = 4 * SEEDS if paper else SEEDS
    runs = [
        RunSettings(still, 2, 2000, SEEDS, step=1.0),
        RunSettings(stalled, 8, 20_000, seeds, normalized, step=5e-4),
        RunSettings(plain, 8, 1000, SEEDS, normalized),
        RunSettings(plain, 2, 1000, SEEDS, baseline),
        RunSettings(plain, 8, 1000, SEEDS, prompts=1),
    ]
    if paper:
        runs.append(RunSettings(coding, 8, 1000, SEEDS, baseline))
        runs.append(RunSettings(coding, 8, 1000, SEEDS, prompts=1))
    return runs


def runs(scope: Scope) -> list[RunSettings]:
    """The runs of T1.rate, and those with biased estimators or drawn prompts."""
    only, others = scope.instance, _biased_runs(scope.profile)
    if only is not None:
        others = [r for r in others if only.is_named(r.instance.name)]
    return t1_rate.runs(scope) + [replace(r, seeds=max(r.seeds, scope.seeds)) for r in others]


def _coefficients(run: RunSettings, mutant: str | None) -> np.ndarray:
    """Of the numbers in ``STEP`` in left minus right of one step."""
    step, smooth = step_size(run), run_constants(run).smoothness
    terms = ("no bias term", "no variance term", "no optimisation term")
    kept = [0.0 if mutant == term else 1.0 for term in terms]
    return np.array([1.0, -kept[0], -kept[1] * smooth * step, -kept[2] * 2 / step, 0.0])


def _bias_range(run: RunSettings, c: Constants) -> float:
    if run.estimator.name == "leave_one_out":
        return 0.0
    if run.estimator.name == "mean_baseline":
        return c.squared_gradient / run.group_size**2
    return float((c.update_norm + np.sqrt(c.squared_gradient)) ** 2)


def _limits(
    run: RunSettings, result: RunResult, mutant: str | None, level: float
) -> tuple[float, float, Levels, str]:
    """Lower and upper limit of left minus right, their levels, what would settle an open sign."""
    c, step, a = run_constants(run), step_size(run), _coefficients(run, mutant)
    sample = np.stack([result[name] for name in STEP], -1) @ a
    slack = _bias_range(run, c) + c.smoothness * step * c.variance
    # A step moves J by at most eta |grad J||g| + L eta^2 |g|^2 / 2, either way.
    moved = 2 * np.sqrt(c.squared_gradient) * c.update_norm + c.smoothness * step * c.update_norm**2
    n, largest = sample.size * run.n_steps, c.squared_gradient + moved
    square = max(0.0, float(a @ np.asarray(result["products"]) @ a))
    drift = float(sample.mean()) * n
    upper = drift_upper_limit(n, drift, square, level, largest)
    below = -drift_upper_limit(n, -drift, square, level / 2, moved + slack)
    reach = step * run.n_steps
    low, high = -2 * c.gap / reach - slack, c.squared_gradient + 2 * c.start / reach
    # Of the four terms of a sample, the last a difference of values.
    terms = c.squared_gradient + slack + 2 * (c.optimum + c.start) / reach
    tiny = path_rounding(run) * terms
    lower = max(below, lower_limit(sample, level / 2, low - tiny, high + tiny))
    above = drift_level(n, -drift, square, 0.0, moved + slack)
    refuted = 2 * min(above, lower_level(sample, 0.0, low - tiny, high + tiny))
    levels = Levels(drift_level(n, drift, square, 0.0, largest), min(1.0, refuted))
    if not lower <= 0 < upper or drift >= 0:
        return lower, upper, levels, ""
    steps = samples_needed(-drift / n, np.sqrt(square / n), largest, level)
    return lower, upper, levels, settled_by(steps / run.n_steps)


def _row(scope: Scope, run: RunSettings, result: RunResult, level: float) -> Row:
    c, step = run_constants(run), step_size(run)
    labels = ("T1.path", run.instance.name, {**run.parameters(), "step": step})
    unfit = not_judged(result, step, c.smoothness)
    if unfit is not None:
        return Row(*labels, None, None, None, None, *unfit)
    means = {name: float(np.mean(result[name])) for name in STEP}
    total = means["gain"] * run.n_steps
    bias, variance = means["squared_bias"], means["variance"]
    terms = path_terms(total, bias, variance, step, run.n_steps, c.smoothness)
    kept = -_coefficients(run, scope.mutant)[1:4] @ [bias, variance, means["gain"]]
    bound, observed = float(kept), means["squared_gradient"]
    below, above, levels, note = _limits(run, result, scope.mutant, level)
    levels = levels._replace(weak=bound >= c.squared_gradient)
    shares = {name: float(x) for name, x in terms._asdict().items()}
    if run.estimator.name == "leave_one_out":
        shares["sharper_bound"] = (shares["optimisation"] + shares["variance"]) / (
            2 - c.smoothness * step
        )
    verdict = judge(bound + above, bound + below, bound)
    if verdict == "holds" and levels.weak:
        verdict, note = "vacuous", "no better than the trivial bound on |grad J|^2"
    if verdict == "refuted":
        note = STATISTICAL
    limits = (observed, bound + below, bound + above, bound)
    return Row(*labels, *limits, verdict, note, shares, evidence="statistical", levels=levels)


def rows(scope: Scope, results: Mapping[RunSettings, RunResult]) -> list[Row]:
    """One row per run; the limits of ``observed`` are those of left minus right, shifted."""
    cells = runs(scope)
    level = scope.error / len(cells)
    return [_row(scope, run, results[run], level) for run in cells]


CLAIM = Claim(
    name="T1.path",
    statement="at each step |grad J|^2 <= 2(E J' - J)/eta + |bias|^2 + L eta V, summed over a path",
    provenance="derived",
    expected="holds",
    proof=("grpo_checks.theory.convergence.stationarity",),
    figures=("t1_path",),
    assumptions=(in_cells("constant step eta <= 1/L"),),
    mutants=MUTANTS,
    runs=runs,
    rows=rows,
    exact=PATH,
)
