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
from flint import fmpq

from grpo_checks.experiments.claims.stationarity import rate as t1_rate
from grpo_checks.experiments.claims.stationarity.sharp.steps import (
    PerStep,
    not_judged,
    sampled_verdict,
)
from grpo_checks.experiments.models.constants import (
    Constants,
    path_rounding,
    run_constants,
    step_size,
)
from grpo_checks.experiments.models.instances import named
from grpo_checks.experiments.models.settings import RunResult, RunSettings
from grpo_checks.experiments.points.stationarity.path_search import PATH
from grpo_checks.experiments.points.stationarity.paths import BIAS, LOWERED, OPTIMISATION, VARIANCE
from grpo_checks.experiments.protocol.assumptions import in_cells
from grpo_checks.experiments.protocol.claim import Claim, Facts, Row, Scope
from grpo_checks.experiments.runs.words import Table, count, without_copies
from grpo_checks.experiments.storage.text import span
from grpo_checks.theory.convergence.stationarity import path_terms
from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.instances.conflict import MAXIMISER, NORMALIZED_ZERO
from grpo_checks.theory.numbers.balls import ends
from grpo_checks.theory.training.loop import STEP

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
    _, term, left = LOWERED.get(mutant or "", ("", "", fmpq(1)))
    kept = [
        float(ends(left)[0]) if name == term else 1.0 for name in (BIAS, VARIANCE, OPTIMISATION)
    ]
    return np.array([1.0, -kept[0], -kept[1] * smooth * step, -kept[2] * 2 / step, 0.0])


def _bias_range(run: RunSettings, c: Constants) -> float:
    if run.estimator.name == "leave_one_out":
        return 0.0
    if run.estimator.name == "mean_baseline":
        return c.squared_gradient / run.group_size**2
    return float((c.update_norm + np.sqrt(c.squared_gradient)) ** 2)


def per_step(run: RunSettings, mutant: str | None) -> PerStep:
    """The inequality of one step, in the ranges of its terms."""
    c, step = run_constants(run), step_size(run)
    slack = _bias_range(run, c) + c.smoothness * step * c.variance
    # A step moves J by at most eta |grad J||g| + L eta^2 |g|^2 / 2, either way.
    moved = 2 * np.sqrt(c.squared_gradient) * c.update_norm + c.smoothness * step * c.update_norm**2
    reach = step * run.n_steps
    low, high = -2 * c.gap / reach - slack, c.squared_gradient + 2 * c.start / reach
    # Of the four terms of a sample, the last a difference of values.
    terms = c.squared_gradient + slack + 2 * (c.optimum + c.start) / reach
    tiny = path_rounding(run) * terms
    ranges = (c.squared_gradient + moved, moved + slack, (low - tiny, high + tiny))
    return PerStep(_coefficients(run, mutant), *ranges)


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
    below, above, levels, note = per_step(run, scope.mutant).limits(run, result, level)
    levels = levels._replace(weak=bound >= c.squared_gradient)
    shares = {name: float(x) for name, x in terms._asdict().items()}
    if run.estimator.name == "leave_one_out":
        shares["sharper_bound"] = (shares["optimisation"] + shares["variance"]) / (
            2 - c.smoothness * step
        )
    verdict, note = sampled_verdict(bound + below, bound + above, bound, levels, note)
    limits = (observed, bound + below, bound + above, bound)
    return Row(*labels, *limits, verdict, note, shares, evidence="statistical", levels=levels)


def rows(scope: Scope, results: Mapping[RunSettings, RunResult]) -> list[Row]:
    """One row per run; the limits of ``observed`` are those of left minus right, shifted."""
    cells = runs(scope)
    level = scope.error / len(cells)
    return t1_rate.marked(cells, [_row(scope, run, results[run], level) for run in cells])


def facts(data: Table) -> Facts:
    """Of T1.path without copies: its three terms, and the sharper bound of an unbiased update."""
    data = without_copies(data)
    terms = data[["optimisation", "bias", "variance"]]
    largest = terms.div(data["bound"], axis=0).max()
    return {
        "cells": len(data),
        "biased": (data["bias"] > 0).sum(),
        "vacuous": count(data, "vacuous"),
        "gap": (terms.sum(axis=1) - data["bound"]).abs().max(),
        "shares": ", ".join(f"{name} up to {share:.0%}" for name, share in largest.items()),
        "ratio": span(data["ratio"]),
        "sharper": span(data["sharper_bound"] / data["observed"]),
    }


CLAIM = Claim(
    name="T1.path",
    statement="at each step |grad J|^2 <= 2(E J' - J)/eta + |bias|^2 + L eta V, summed over a path",
    provenance="derived",
    expected="holds",
    proof=("grpo_checks.theory.convergence.stationarity",),
    figures=("t1_path",),
    facts={"T1.path": facts},
    assumptions=(in_cells("constant step eta <= 1/L"),),
    runs=runs,
    rows=rows,
    exact=PATH,
)
