"""T1.surrogate: decomposed GRPO converges at the rate of T1.rate, to stationary points of Jtilde.

Jtilde is sqrt(G-1) L-smooth and its gradient is E[g] of `componentwise_normalized`, so T1.rate
holds with Jtilde for J (``theory.updates.potential``); J* becomes the upper bound R_max F_G(1). On
`conflict`, where Jtilde has an interior maximum, the average of |grad Jtilde|^2 falls as T^(-1/2)
even at G = 8, where that of |grad J|^2 flattens (T1.floor).
"""

from collections.abc import Mapping
from itertools import product

from grpo_checks.experiments.claims.stationarity import rate as t1_rate
from grpo_checks.experiments.claims.stationarity.floor import with_limits
from grpo_checks.experiments.models.instances import build, named
from grpo_checks.experiments.models.settings import RunResult, RunSettings
from grpo_checks.experiments.points.stationarity.path_search import SURROGATE
from grpo_checks.experiments.protocol.assumptions import BINARY, in_cells, stated
from grpo_checks.experiments.protocol.cell_rows import Models
from grpo_checks.experiments.protocol.claim import Claim, Facts, Row, Scope
from grpo_checks.experiments.runs import slopes
from grpo_checks.experiments.runs.margins import ratios
from grpo_checks.experiments.runs.words import Table, count
from grpo_checks.experiments.storage.text import span
from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.updates.correlation import is_binary

DECOMPOSED = Estimator("componentwise_normalized")
SLOPE_GROUP = 8
MODELS = Models(
    [named("conflict", components=1)],
    [named("coding", components=2), named("bits", components=3, correlation=0.5)],
)
SIZES = {"quick": (8,), "paper": (2, 4, 8, 16)}
LENGTHS = {"quick": (10_000,), "paper": (1000, 10_000)}
MUTANTS = {"exponent": t1_rate.MUTANTS["exponent"], "of J": "the slope of |grad J|^2 instead"}


def _grid(scope: Scope) -> list[RunSettings]:
    """The cells of the rate, without their number of seeds."""
    specs = [spec for spec in MODELS.chosen(scope) if is_binary(build(spec).mdp)]
    return [
        RunSettings(spec, size, length, t1_rate.MIN_SEEDS, DECOMPOSED, objective="potential")
        for spec, size, length in product(specs, SIZES[scope.profile], LENGTHS[scope.profile])
    ]


def _slope_cell(scope: Scope) -> list[RunSettings]:
    """Runs on `conflict` with G = 8; none for another instance."""
    if scope.instance is not None and not scope.instance.is_named("conflict"):
        return []
    objective = "reward" if scope.mutant == "of J" else "potential"
    return slopes.cell(SLOPE_GROUP, scope, DECOMPOSED, objective)  # type: ignore[arg-type]


def rate_runs(scope: Scope) -> list[RunSettings]:
    """One run per cell of the rate."""
    return t1_rate.planned(_grid(scope), scope, others=1)


def runs(scope: Scope) -> list[RunSettings]:
    """One run per cell of the rate, and those of the slope."""
    return rate_runs(scope) + _slope_cell(scope)


def rows(scope: Scope, results: Mapping[RunSettings, RunResult]) -> list[Row]:
    """The rate in each cell, and the slope on `conflict`."""
    cells, sloped = rate_runs(scope), _slope_cell(scope)
    level = scope.error / (len(cells) + 1)
    table = [t1_rate.judged("T1.surrogate", r, results[r], level, scope.mutant) for r in cells]
    if sloped:
        table.append(slopes.window_row("T1.surrogate", sloped, results, level))
    return table


def facts(data: Table) -> Facts:
    """Of T1.surrogate: the rate in Jtilde, and the slope where that in J flattens."""
    sloped = data["window_low"].notna()
    rate, slope = data[~sloped], data[sloped].iloc[0]
    return {
        "size": int(slope["group_size"]),
        "holds": count(rate, "holds"),
        "vacuous": count(rate, "vacuous"),
        "cells": len(rate),
        "ratio": span(ratios(rate)),
        "slope": with_limits(slope),
    }


CLAIM = Claim(
    name="T1.surrogate",
    statement="`componentwise_normalized` converges as in T1.rate, with Jtilde for J",
    provenance="derived",
    expected="holds",
    proof=("grpo_checks.theory.updates.potential",),
    figures=("looseness",),
    facts={"T1.surrogate": facts},
    assumptions=(
        BINARY,
        *stated("eps = 0, ddof = 0"),
        in_cells("constant step eta <= 1/(sqrt(G-1) L)"),
    ),
    mutants=MUTANTS,
    runs=runs,
    rows=rows,
    exact=SURROGATE,
)
