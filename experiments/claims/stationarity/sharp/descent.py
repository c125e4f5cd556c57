"""T1.descent: what a run gains, and what curvature may cost, bound |grad J|^2; no bias, any step.

Statement: (1/T) sum E|grad J|^2 <= (E J(theta_T) - J(theta_0))/(eta T)
+ (L eta/2) (1/T) sum E|g_t|^2 for an unbiased update.
Proof: ``theory.convergence.descent``.
Source: derived; T1.path without the polarisation identity.
Units: of J squared over those of theta squared.

J is any objective that the update is unbiased for: cells are the runs of T1.rate and, with Jtilde
for J (the bound "Jtilde"), of T1.surrogate, tested step by step as those of T1.path, with
<grad J, g> in place of its mean. Stored points take the line's own L
(``theory.rational.lines.curvature``), and use up both terms.
"""

from collections.abc import Mapping

import numpy as np

from grpo_checks.experiments.claims.stationarity.sharp.runs import of_potential, unbiased_runs
from grpo_checks.experiments.claims.stationarity.sharp.steps import (
    PerStep,
    not_judged,
    sampled_verdict,
)
from grpo_checks.experiments.models.constants import path_rounding, run_constants, step_size
from grpo_checks.experiments.models.settings import RunResult, RunSettings
from grpo_checks.experiments.points.stationarity.path_search import DESCENT
from grpo_checks.experiments.protocol.assumptions import stated
from grpo_checks.experiments.protocol.cell_rows import stored_only
from grpo_checks.experiments.protocol.claim import Claim, Facts, Row, Scope
from grpo_checks.experiments.runs.words import Table
from grpo_checks.experiments.storage.text import span
from grpo_checks.theory.convergence.descent import descent_bound

NAME = "T1.descent"


def per_step(run: RunSettings) -> PerStep:
    """(<grad J, g> - (J' - J)/eta) - L eta (|grad J|^2 + V)/2 of one step.

    <grad J, g> has the mean |grad J|^2, and varies with J' - J: what is left is of second order.
    """
    c, step = run_constants(run), step_size(run)
    half = c.smoothness * step / 2
    bent, slack = half * c.update_norm**2, half * (c.squared_gradient + c.variance)
    climbed = (c.optimum + c.start) / (step * run.n_steps)
    terms = slack + climbed + np.sqrt(c.squared_gradient) * c.update_norm
    tiny = float(path_rounding(run) * terms)
    coefficients = np.array([-half, 0.0, -half, -1 / step, 1 / step])
    return PerStep(coefficients, bent, bent + slack, (-bent - slack - tiny, bent + tiny))


def _row(run: RunSettings, result: RunResult, level: float) -> Row:
    c, step = run_constants(run), step_size(run)
    parameters = {**run.parameters(), "step": step}
    if run.objective == "potential":
        parameters["bound_name"] = "Jtilde"
    labels = (NAME, run.instance.name, parameters)
    unfit = not_judged(result, step, c.smoothness)
    if unfit is not None:
        return Row(*labels, None, None, None, None, *unfit)
    observed, variance, gain = (
        float(np.mean(result[name])) for name in ("squared_gradient", "variance", "gain")
    )
    sums = (gain * run.n_steps, observed, variance, step, run.n_steps, c.smoothness)
    bound = float(descent_bound(*sums))
    below, above, levels, note = per_step(run).limits(run, result, level)
    levels = levels._replace(weak=bound >= c.squared_gradient)
    verdict, note = sampled_verdict(bound + below, bound + above, bound, levels, note)
    limits = (observed, bound + below, bound + above, bound)
    extra = {"curvature": float(bound - gain / step)}
    return Row(*labels, *limits, verdict, note, extra, evidence="statistical", levels=levels)


def runs(scope: Scope) -> list[RunSettings]:
    """With J, and with Jtilde."""
    return unbiased_runs(scope) + of_potential(scope)


def rows(scope: Scope, results: Mapping[RunSettings, RunResult]) -> list[Row]:
    """One row per run; the limits of ``observed`` are those of left minus right, shifted."""
    cells = runs(scope)
    if not cells:
        return stored_only(NAME, scope)
    return [_row(run, results[run], scope.error / len(cells)) for run in cells]


def facts(data: Table) -> Facts:
    """Of T1.descent: how much of the bound was observed, and what curvature's part of it is."""
    potential = data["bound_name"].eq("Jtilde")
    return {
        "cells": len(data),
        "ratio": span(data.loc[~potential, "ratio"]),
        "potential": span(data.loc[potential, "ratio"]),
        "curvature": f"{(data['curvature'] / data['bound']).max():.0%}",
    }


CLAIM = Claim(
    name=NAME,
    statement="unbiased updates, any step: (1/T) sum E|grad J|^2 <= (E J_T - J_0)/(eta T) "
    "+ (L eta/2) (1/T) sum E|g|^2",
    provenance="derived",
    expected="holds",
    proof=("grpo_checks.theory.convergence.descent",),
    figures=("looseness",),
    facts={NAME: facts},
    assumptions=stated("unbiased update", "constant step"),
    runs=runs,
    rows=rows,
    exact=DESCENT,
)
