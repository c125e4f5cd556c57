"""T1.rate.sharp: the rate of T1.rate with V along the path and without the polarisation identity.

Statement: (1/T) sum E|grad J|^2 <= (2 (J* - J_0)/(eta T) + L eta (1/T) sum E V_t)/(2 - L eta) for
`leave_one_out`, eta <= 1/L; at the step of T1.rate that is at most its bound.
Proof: ``theory.convergence.descent``.
Source: arXiv:2604.19857, abstract, for the rate; the constants are derived.
Units: of J squared over those of theta squared.

Cells are the runs of T1.rate, and others: prompts drawn at random, log-linear policies with several
parameters and decisions. Where the steps of a run meet T1.descent this holds too, since
J(theta_T) <= J*: that gives the upper limit. Stored points take the line's own L.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from grpo_checks.experiments.claims.stationarity.sharp.descent import per_step
from grpo_checks.experiments.claims.stationarity.sharp.runs import unbiased_runs
from grpo_checks.experiments.claims.stationarity.sharp.steps import not_judged, sampled_verdict
from grpo_checks.experiments.models.constants import path_rounding, run_constants, step_size
from grpo_checks.experiments.models.settings import RunResult, RunSettings
from grpo_checks.experiments.points.stationarity.path_search import SHARP_RATE
from grpo_checks.experiments.protocol.assumptions import in_cells, stated
from grpo_checks.experiments.protocol.cell_rows import stored_only
from grpo_checks.experiments.protocol.claim import Claim, Facts, Levels, Row, Scope
from grpo_checks.experiments.runs.words import count, table
from grpo_checks.experiments.storage.text import span
from grpo_checks.theory.convergence.confidence import lower_limit
from grpo_checks.theory.convergence.descent import sharp_rate
from grpo_checks.theory.convergence.error_levels import lower_level
from grpo_checks.theory.convergence.stationarity import rate_bound

NAME = "T1.rate.sharp"


def _limits(run: RunSettings, result: RunResult, level: float) -> tuple[float, float, Levels]:
    """Of left minus right, both times 1 - L eta/2, and the levels at which they meet 0."""
    c, step = run_constants(run), step_size(run)
    half, distance = c.smoothness * step / 2, c.gap / (step * run.n_steps)
    square, variance = (np.asarray(result[x]) for x in ("squared_gradient", "variance"))
    sample = (1 - half) * square - half * variance - distance
    tiny = path_rounding(run) * (c.squared_gradient + half * c.variance + distance)
    ends = (-half * c.variance - distance - tiny, c.squared_gradient + tiny)
    _, above, levels, _ = per_step(run).limits(run, result, level)
    refuted = lower_level(sample, 0.0, *ends)
    return lower_limit(sample, level, *ends), above, Levels(levels.holds, refuted)


def _row(run: RunSettings, result: RunResult, level: float) -> Row:
    c, step = run_constants(run), step_size(run)
    labels = (NAME, run.instance.name, {**run.parameters(), "step": step})
    unfit = not_judged(result, step, c.smoothness)
    if unfit is not None:
        return Row(*labels, None, None, None, None, *unfit)
    observed, variance = (float(np.mean(result[x])) for x in ("squared_gradient", "variance"))
    bound = float(sharp_rate(c.gap, variance, step, run.n_steps, c.smoothness))
    below, above, levels = _limits(run, result, level)
    levels = levels._replace(weak=bound >= c.squared_gradient)
    scale = 1 - c.smoothness * step / 2
    lower, upper = bound + below / scale, bound + above / scale
    verdict, note = sampled_verdict(lower, upper, bound, levels)
    looser = float(rate_bound(c.gap, c.variance, run.n_steps, c.smoothness))
    numbers, extra = (observed, lower, upper, bound), {"bound_of_T1.rate": looser}
    return Row(*labels, *numbers, verdict, note, extra, evidence="statistical", levels=levels)


def rows(scope: Scope, results: Mapping[RunSettings, RunResult]) -> list[Row]:
    """One row per run."""
    cells = unbiased_runs(scope)
    if not cells:
        return stored_only(NAME, scope)
    return [_row(run, results[run], scope.error / len(cells)) for run in cells]


def facts(data: pd.DataFrame) -> Facts:
    """Of T1.rate.sharp: tightness at the longest T, beside that of T1.rate, by kind of run."""
    longest = data[data["n_steps"] == data["n_steps"].max()]
    drawn = longest["prompts"].map(lambda b: "all" if pd.isna(b) else f"{b:.0f} drawn")
    kinds = longest.assign(prompts=drawn).groupby(["instance", "prompts"])
    lines = kinds.apply(_both_rates, include_groups=False).reset_index()
    return {
        "cells": len(data),
        "holds": count(data, "holds"),
        "vacuous": count(data, "vacuous"),
        "longest": int(data["n_steps"].max()),
        "table": table(lines),
    }


def _both_rates(cells: pd.DataFrame) -> pd.Series:
    looser = cells["bound_of_T1.rate"] / cells["observed"]
    return pd.Series({"bound/observed": span(cells["ratio"]), "of T1.rate": span(looser)})


CLAIM = Claim(
    name=NAME,
    statement="(1/T) sum E|grad J|^2 <= (2(J*-J_0)/(eta T) + L eta V)/(2 - L eta), "
    "`leave_one_out`, V the mean variance along the path",
    provenance="derived",
    expected="holds",
    proof=("grpo_checks.theory.convergence.descent",),
    figures=("looseness",),
    facts={NAME: facts},
    assumptions=(
        *stated("unbiased update"),
        in_cells("constant step min(1/L, sqrt(2(J*-J_0)/(L V_sup T)))"),
    ),
    runs=unbiased_runs,
    rows=rows,
    exact=SHARP_RATE,
)
