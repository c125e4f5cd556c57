"""T1.rate: the average of E|grad J|^2 falls as 1/sqrt T, with explicit group size and range.

Limits are those of ``experiments.models.averages``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import sqrt
from typing import Any

import numpy as np

from grpo_checks.experiments.claims.stationarity import facts
from grpo_checks.experiments.claims.stationarity.sharp.steps import not_judged, sampled_verdict
from grpo_checks.experiments.models.averages import average, highest
from grpo_checks.experiments.models.constants import run_constants, step_size
from grpo_checks.experiments.models.copies import copies
from grpo_checks.experiments.models.instances import InstanceSpec, build, named
from grpo_checks.experiments.models.settings import RunResult, RunSettings
from grpo_checks.experiments.points.stationarity.path_search import RATE
from grpo_checks.experiments.protocol.assumptions import in_cells, stated
from grpo_checks.experiments.protocol.claim import Claim, Levels, Row, Scope, settled_by
from grpo_checks.experiments.protocol.error_shares import FAMILY_WISE_ERROR
from grpo_checks.theory.convergence.confidence import samples_needed
from grpo_checks.theory.convergence.stationarity import rate_bound

MUTANTS = {
    "exponent": "sqrt(8 L (J*-J_0) V_sup)/T instead of sqrt(8 L (J*-J_0) V_sup/T)",
    "no variance term": "2 L (J*-J_0)/T alone",
}
# Instance, components, group sizes: two of them only where a shape compiles fast.
QUICK = (
    ("search", 3, (8,)),
    ("coding", 2, (8,)),
    ("conflict", 1, (2, 8)),
    ("bits", 6, (2, 8)),
    ("random", 1, (8,)),
)
MIN_SEEDS, MAX_SEEDS = 128, 10_000
# T1.path tests step by step: short runs need more seeds for as many steps.
MIN_STEPS = 25_600


def grid(scope: Scope) -> list[RunSettings]:
    """The cells of the profile, without their number of seeds."""
    paper = scope.profile == "paper"
    lengths: Sequence[int] = (100, 1000, 10_000) if paper else (100, 1000)
    sizes: Sequence[int] = (2, 4, 8, 16, 32) if paper else (2, 8)
    cells: list[tuple[InstanceSpec, int]]
    if scope.instance is not None:
        cells = [(scope.instance, g) for g in sizes]
    elif paper:
        specs = [named(name, components=k) for name, *_ in QUICK for k in (1, 2, 3, 6)]
        cells = [(spec, g) for spec in specs for g in sizes]
    else:
        cells = [(named(name, components=k), g) for name, k, chosen in QUICK for g in chosen]
    return [RunSettings(spec, g, t, MIN_SEEDS) for spec, g in cells for t in lengths]


def _bound(run: RunSettings, mutant: str | None = None) -> float:
    c = run_constants(run)
    bound = float(rate_bound(c.gap, c.variance, run.n_steps, c.smoothness))
    first = 2 * c.smoothness * c.gap / run.n_steps
    if mutant == "exponent":
        return first + (bound - first) / sqrt(run.n_steps)
    return first if mutant == "no variance term" else bound


def planned(cells: list[RunSettings], scope: Scope, others: int = 0) -> list[RunSettings]:
    """The runs with their seeds; ``others`` are cells of the claim of another kind."""
    level = FAMILY_WISE_ERROR / (len(cells) + others)
    return [replace(run, seeds=_planned_seeds(run, level, scope.seeds)) for run in cells]


def _planned_seeds(run: RunSettings, level: float, least: int) -> int:
    """Enough to settle an average of 3/10 of the bound at a level above that of verdicts, of which
    the share of one claim is less: there they settle a little less. Fixed before any is seen."""
    bound, high = _bound(run), highest(run)[0]
    needed = max(least, MIN_SEEDS, MIN_STEPS // run.n_steps)
    if 0 < bound < high:
        planned = samples_needed(0.7 * bound, 0.1 * bound, high - bound, level)
        needed = max(needed, int(min(planned, MAX_SEEDS)))
    return -(-needed // MIN_SEEDS) * MIN_SEEDS


def limits(
    run: RunSettings, result: RunResult, level: float, bound: float
) -> tuple[float, float, Levels]:
    """Both confidence limits of the average, and the levels at which they meet ``bound``."""
    seen = average(run, result)
    holds, refuted = seen.levels(bound)
    weak = bound >= run_constants(run).squared_gradient
    return *seen.limits(level), Levels(holds, refuted, weak)


def runs(scope: Scope) -> list[RunSettings]:
    """One run per cell, with as many seeds as its confidence limit is planned to need."""
    return planned(grid(scope), scope)


def waterfall(run: RunSettings, result: RunResult, observed: float, bound: float) -> dict[str, Any]:
    """What each step of the proof adds between the observed average and the bound; exact sums.

    Curvature: L eta (|m|^2 + V) in place of what the steps lost to it. Polarisation: the term
    (1 - L eta) |m|^2 that the theorem drops. Then V_sup for V, J* for J(theta_T), and one formula
    for both cases of the step. Together they are bound - observed, whatever chance did.
    """
    c, step = run_constants(run), step_size(run)
    gain, variance = float(np.mean(result["gain"])), float(np.mean(result["variance"]))
    noise, climbed = c.smoothness * step, 2 * gain / step
    distance = 2 * c.gap / (step * run.n_steps)
    parts = {
        "L for the curvature met": noise * (observed + variance) + climbed - 2 * observed,
        "|m|^2 dropped": (1 - noise) * observed,
        "V_sup for V": noise * (c.variance - variance),
        "J* for J(theta_T)": distance - climbed,
        "one formula for the step": bound - distance - noise * c.variance,
    }
    return {
        "bound_with_exact_variance": distance + noise * variance,
        "optimum_exact": run.objective == "reward" and build(run.instance).optimum_is_exact,
        **{f"slack: {name}": part for name, part in parts.items()},
        "loosest": max(parts, key=lambda name: parts[name]),
    }


def _settled(run: RunSettings, result: RunResult, level: float, bound: float) -> str:
    """How many seeds would put the average below the bound, where it was seen there."""
    sample = np.asarray(result["squared_gradient"])
    observed = float(sample.mean())
    if observed >= bound:
        return ""
    spread, width = float(sample.std(ddof=1)), highest(run)[0] - observed
    return settled_by(samples_needed(bound - observed, spread, width, level))


def judged(
    claim: str, run: RunSettings, result: RunResult, level: float, mutant: str | None = None
) -> Row:
    """The row of one cell, for the objective of its run."""
    c = run_constants(run)
    labels = (claim, run.instance.name, {**run.parameters(), "step": step_size(run)})
    bound = _bound(run, mutant)
    unfit = not_judged(result, step_size(run), c.smoothness)
    if unfit is not None:
        return Row(*labels, None, None, None, bound, *unfit)
    observed = float(np.mean(result["squared_gradient"]))
    lower, upper, levels = limits(run, result, level, bound)
    note = _settled(run, result, level, bound) if lower <= bound < upper else ""
    verdict, note = sampled_verdict(lower, upper, bound, levels, note, "|grad|^2")
    extra = waterfall(run, result, observed, bound)
    numbers = (observed, lower, upper, bound)
    return Row(*labels, *numbers, verdict, note, extra, evidence="statistical", levels=levels)


def rows(scope: Scope, results: Mapping[RunSettings, RunResult]) -> list[Row]:
    """One row per cell, one-sided limits at the level of the claim shared among all cells."""
    cells = runs(scope)
    level = scope.error / len(cells)
    table = [judged("T1.rate", run, results[run], level, scope.mutant) for run in cells]
    return marked(cells, table)


def marked(cells: Sequence[RunSettings], table: Sequence[Row]) -> list[Row]:
    """The rows of these runs; a copy says of which other one it is (``models.copies``)."""
    copied, marks = copies(cells), []
    for run, row in zip(cells, table, strict=True):
        first = copied.get(run)
        extra = {"copy_of": f"K = {first.parameters()['components']}"} if first else {}
        marks.append(replace(row, extra={**row.extra, **extra}))
    return marks


CLAIM = Claim(
    name="T1.rate",
    statement="(1/T) sum E|grad J|^2 <= 2L(J*-J_0)/T + sqrt(8L(J*-J_0)V_sup/T), `leave_one_out`",
    provenance="abstract",
    expected="holds",
    proof=("grpo_checks.theory.convergence.stationarity",),
    figures=("t1_rate", "t1_waterfall"),
    facts={"T1.rate": facts.rate, "T1.rate, exponents": facts.exponents},
    assumptions=(
        *stated("unbiased update"),
        in_cells("constant step min(1/L, sqrt(2(J*-J_0)/(L V_sup T)))"),
    ),
    mutants=MUTANTS,
    runs=runs,
    rows=rows,
    exact=RATE,
)
