"""T2.potential: decomposed GRPO climbs Jtilde, exactly, and training ends where it is highest.

Exact rows are those of ``experiments.claims.decomposition.potential_cells``. The trained row puts
limits that are valid at any number of seeds around the mean J at the end of training; where graded
components leave the closed form without meaning, the Jacobian of E[g] says that no potential exists
at all.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from grpo_checks.experiments.claims.decomposition.cases import CONFIRMED, DECOMPOSED, TRAINED_AT
from grpo_checks.experiments.claims.decomposition.potential_cells import exact_row
from grpo_checks.experiments.claims.decomposition.region import (
    best_point,
    corners,
    region_rows,
    residual,
)
from grpo_checks.experiments.claims.decomposition.training_cells import training_runs
from grpo_checks.experiments.models.instances import InstanceSpec, build, named
from grpo_checks.experiments.models.settings import RunResult, RunSettings
from grpo_checks.experiments.points.decomposition.potential import STATEMENT
from grpo_checks.experiments.protocol.assumptions import BINARY
from grpo_checks.experiments.protocol.claim import (
    STATISTICAL,
    Claim,
    Facts,
    Levels,
    Row,
    Scope,
    Verdict,
    settled_by,
)
from grpo_checks.experiments.runs.words import Table, table
from grpo_checks.experiments.storage.text import instances, span
from grpo_checks.theory.convergence.confidence import lower_limit, upper_limit
from grpo_checks.theory.convergence.error_levels import lower_level, upper_level
from grpo_checks.theory.estimators.advantages import Estimator

BANDIT = {"seed": 2, "prompts": 1, "width": 1, "tools": 0, "answers": 4, "depth": 0}


def _checked(scope: Scope) -> list[tuple[InstanceSpec, int, Estimator]]:
    """Instances, group sizes and options."""
    plain, trl = DECOMPOSED, replace(DECOMPOSED, ddof=1, eps=1e-4)
    if scope.instance is not None:
        return [(scope.instance, TRAINED_AT, plain)]
    bandit = named("random", components=2, **BANDIT)
    if scope.profile != "paper":
        return [(CONFIRMED, TRAINED_AT, plain)]
    small = [(CONFIRMED, TRAINED_AT, plain), (bandit, TRAINED_AT, plain)]
    specs = [named(name, components=3) for name in ("search", "coding", "bits", "conflict")]
    models = [named("random", components=2, levels=2, seed=s, features=3 * s) for s in (0, 1)]
    return [
        *small,
        *((s, g, e) for s in (*specs, *models) for g in (2, 4, 8) for e in (plain, trl)),
    ]


def _trained_row(run: RunSettings, result: RunResult, level: float) -> Row:
    """Does training end at the maximiser of Jtilde? And not at that of J?"""
    if result["diverged"]:
        none, why = (None, None, None, None), "the run left the finite numbers"
        return Row("T2.potential", run.instance.name, {}, *none, "inconclusive", why)
    mdp = build(run.instance).mdp
    weights = np.asarray(mdp.weights)
    success = np.asarray(result["success"])[:, -1, 0]
    ends = success @ weights
    best, calls = best_point(mdp, run.group_size), corners(mdp) @ weights
    span, top = (float(calls.min()), float(calls.max())), float(calls.max())
    limits = lower_limit(ends, level, *span), upper_limit(ends, level, *span)
    error = float(ends.std(ddof=1) / np.sqrt(ends.size))
    mean, aim = float(ends.mean()), float(best @ weights)
    inside = limits[0] <= aim <= limits[1] < top
    verdict: Verdict = "holds" if inside else "inconclusive" if limits[1] >= top else "refuted"
    away = min(lower_level(ends, aim, *span), upper_level(ends, aim, *span))
    levels = Levels(upper_level(ends, top, *span), min(1.0, 2 * away))
    extra = {
        "standard_error": error,
        "off_in_errors": (mean - aim) / error,
        "residual": residual(mdp, run.group_size, best),
        "optimum_of_J": top,
        "optimum_in_errors": (top - mean) / error,
        "mean_success_1": float(success[:, 0].mean()),
        "mean_success_2": float(success[:, 1].mean()),
        "where": f"end of training, {run.estimator.name}",
    }
    note = "J at the end; bound: J at the maximiser of Jtilde"
    if verdict == "refuted":
        note += "; " + STATISTICAL
    if verdict == "inconclusive":
        reach = (limits[1] - limits[0]) / 2 / max(top - mean, 1e-300)
        note += "; " + settled_by(ends.size * reach**2)
    labels = ("T2.potential", run.instance.name, run.parameters(), mean, *limits, aim)
    return Row(*labels, verdict, note, extra, evidence="statistical", levels=levels)


def runs(scope: Scope) -> list[RunSettings]:
    """Training on two calls, whose best mixture for Jtilde is known."""
    return [run for run in training_runs(scope) if run.instance == CONFIRMED]


def rows(scope: Scope, results: Mapping[RunSettings, RunResult]) -> list[Row]:
    """Exact comparisons, training, and the picture of what can be attained."""
    table = [exact_row(*cell, scope.mutant) for cell in _checked(scope)]
    if scope.mutant is not None or scope.instance is not None:
        return table
    trained = [run for run in runs(scope) if run.estimator == DECOMPOSED]
    level = scope.error / (2 * len(trained))
    table += [_trained_row(run, results[run], level) for run in trained]
    return [*table, *region_rows()]


def facts(data: Table) -> Facts:
    """Of T2.potential: E[g] against grad Jtilde, where training ends, and graded rewards."""
    compared = data[data["size"].notna() & (data["verdict"] != "vacuous")]
    trained = data[data["standard_error"].notna()]
    graded = data[data["asymmetry"].notna()]
    headings = (
        "group_size: G | seeds | observed: mean J at the end | standard_error: standard error | "
        "bound: J at the maximiser of Jtilde | lower: lower limit | upper: upper limit | "
        "optimum_of_J: J* | optimum_in_errors: errors below J*"
    )
    return {
        "trained": instances(trained),
        "graded": instances(graded),
        "off": compared["observed"].max(),
        "cells": len(compared),
        "table": table(trained, headings),
        "residual": data["residual"].abs().max(),
        "asymmetry": span(graded["asymmetry"]),
    }


CLAIM = Claim(
    name="T2.potential",
    statement="E[g] of `componentwise_normalized` is grad Jtilde; training ends at its maximiser",
    provenance="derived",
    expected="holds",
    proof=("grpo_checks.theory.updates.potential",),
    figures=("t2_region",),
    facts={"T2.potential": facts},
    assumptions=(BINARY,),
    runs=runs,
    rows=rows,
    exact=STATEMENT.exact(),
)
