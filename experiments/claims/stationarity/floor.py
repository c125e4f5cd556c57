"""T1.floor: the std-normalised run ends on `conflict` where J is not stationary.

For G = 8 |grad J|^2 at the zero of E[g] is certified (the rational enclosure of T1.bias), and the
fall of the average of |grad J|^2 flattens from decade to decade; for G = 2 and 3, where c_G is
constant, it goes on as T^(-1/2). It is no lower limit of |grad J|^2 along the run, which crosses
the maximiser of J on its way.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from grpo_checks.experiments.claims.stationarity.bias import stationary_gradient
from grpo_checks.experiments.models.constants import step_size
from grpo_checks.experiments.models.instances import build
from grpo_checks.experiments.models.settings import RunResult, RunSettings
from grpo_checks.experiments.points.stationarity.slopes import FLOOR
from grpo_checks.experiments.protocol.assumptions import ENCLOSED, stated
from grpo_checks.experiments.protocol.claim import (
    STATISTICAL,
    Claim,
    Facts,
    Levels,
    Row,
    Scope,
    judge,
)
from grpo_checks.experiments.runs import slopes
from grpo_checks.experiments.runs.training import exact_law
from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.instances.conflict import MAXIMISER, NORMALIZED_ZERO
from grpo_checks.theory.numbers.balls import ends
from grpo_checks.theory.updates.stationary import orbit

NORMALIZED = Estimator("group_normalized")
KEEPS, STALLS = {"quick": (3,), "paper": (2, 3)}, 8
SEEDS = {"quick": {100: 8192, 300: 8192, 3000: 768}}
"""Of the runs that stall, by their length: longer ones than elsewhere, which flattening needs to be
seen, and few of them, since the limits of short runs decide."""
MUTANTS = {
    "no floor": "G = 8 keeps the slope -1/2 too",
    "stalls early": "the slope flattens by 1/2 within the lengths of the profile",
}


def runs(scope: Scope) -> list[RunSettings]:
    """One set of runs per group size."""
    kept = [run for g in KEEPS[scope.profile] for run in slopes.cell(g, scope, NORMALIZED)]
    return kept + _stalling(scope)


def _stalling(scope: Scope) -> list[RunSettings]:
    """As long as it takes to see them flatten."""
    planned = SEEDS.get(scope.profile, {})
    cell = slopes.cell(STALLS, scope, NORMALIZED, lengths=tuple(planned))
    return [
        replace(run, seeds=max(scope.seeds, planned.get(run.n_steps, run.seeds))) for run in cell
    ]


def _stalled(scope: Scope, results: Mapping[RunSettings, RunResult]) -> Row:
    """Flattening in training, next to the certified floor that it flattens towards."""
    cell = _stalling(scope)
    lengths = np.array([run.n_steps for run in cell])
    fitted = slopes.fall(slopes.flattening_weights(lengths), cell, results)
    level = scope.error / (len(KEEPS[scope.profile]) + 1)
    lower, upper = fitted.limits(level)
    floor = ends(stationary_gradient(STALLS))[0]
    bound = -0.5 if scope.mutant == "stalls early" else 0.0
    verdict = judge(upper, lower, bound)
    note = f"|grad J|^2 >= {float(floor):.6g} at the zero of E[g], certified"
    if not floor > 0:
        verdict = "refuted"
    elif verdict == "refuted":
        note = STATISTICAL
    means = np.array([a.mean for a in fitted.averages])
    local = np.diff(np.log(means)) / np.diff(np.log(lengths))
    shown = {f"slope up to T={t}": float(x) for t, x in zip(lengths[1:], local, strict=True)}
    extra = {
        "floor": float(floor),
        "least": _least(cell[-1]),
        **shown,
        **slopes.points(cell, results, level),
    }
    parameters = {**cell[-1].parameters(), "step": step_size(cell[-1])}
    limits, levels = (
        (fitted.value, lower, upper, bound),
        Levels(fitted.below(bound), fitted.above(bound)),
    )
    return Row(
        "T1.floor", "conflict", parameters, *limits, verdict, note, extra,
        evidence="statistical", levels=levels,
    )  # fmt: skip


def _least(run: RunSettings) -> float:
    """min_t |grad J|^2 of expected updates with the steps of a run: it passes the maximiser."""
    instance, group = build(run.instance), exact_law(run.instance, STALLS, NORMALIZED)
    assert group is not None
    model = (instance.mdp, instance.policy, instance.theta)
    path = orbit(*model, group, step_size(run), run.n_steps)
    return float(path.squared_gradient.min())


def rows(scope: Scope, results: Mapping[RunSettings, RunResult]) -> list[Row]:
    """G = 2 and 3: the slope and its window. G = 8: how much it flattens."""
    keeps = KEEPS[scope.profile]
    level = scope.error / (len(keeps) + 1)
    cells = [slopes.cell(g, scope, NORMALIZED) for g in keeps]
    if scope.mutant == "no floor":
        cells.append(_stalling(scope))
    kept = [slopes.window_row("T1.floor", cell, results, level) for cell in cells]
    return kept if scope.mutant == "no floor" else [*kept, _stalled(scope, results)]


def facts(data: pd.DataFrame) -> Facts:
    """Of T1.floor: the slope that flattens, and those that stay."""
    stalled = data[data["floor"].notna()].iloc[0]
    steady = data[data["floor"].isna()]
    local = stalled.filter(like="slope up to T=").dropna()
    first, least, most = (-float(stalled[c]) for c in ("observed", "upper", "lower"))
    return {
        "size": int(stalled["group_size"]),
        "crossing": crossing(MAXIMISER, NORMALIZED_ZERO),
        "least": float(stalled["least"]),
        "floor": stalled["floor"],
        "slopes": ", ".join(f"{slope:.2f}" for slope in local),
        "flattening": f"{first:.3f} [{least:.3f}, {most:.3f}]",
        "kept": " and ".join(
            f"{r['group_size']:.0f} ({with_limits(r)})" for _, r in steady.iterrows()
        ),
    }


def crossing(maximiser: float, zero: float) -> str:
    """Whether a path from 0 to the zero of E[g] passes the maximiser of J."""
    meets = zero < maximiser < 0
    verb, there = ("cross", ", where grad J = 0") if meets else ("do not meet", "")
    return f"{verb} the maximiser of J, x = {maximiser:.4f}{there}, on their way to x = {zero:.4f}"


def with_limits(row: pd.Series) -> str:
    """The slope that was observed, with its confidence limits."""
    return f"{row['observed']:.3f} [{row['lower']:.3f}, {row['upper']:.3f}]"


CLAIM = Claim(
    name="T1.floor",
    statement="on `conflict` std-normalised GRPO stalls for G = 8, and keeps T^(-1/2) for G = 2, 3",
    provenance="derived",
    expected="holds",
    proof=("grpo_checks.theory.rational.menus.response",),
    figures=("t1_floor",),
    facts={"T1.floor": facts},
    assumptions=(
        ENCLOSED,
        *stated("eps = 0, ddof = 0", "theta_0 = 0, full sweep, eta = min(1, sqrt(G/T))"),
    ),
    mutants=MUTANTS,
    runs=runs,
    rows=rows,
    exact=FLOOR,
)
