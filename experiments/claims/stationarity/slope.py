"""T1.slope: with the step rule of the bound, on `conflict`, |grad J|^2 averages to about T^(-1/2).

The optimum there is interior and not flat. The slope is that of eta = min(1, sqrt(G/T)), from
theta_0 = 0: another rule measures itself, another start the way to the optimum.
"""

from collections.abc import Mapping

from grpo_checks.experiments.models.settings import UNBIASED, RunResult, RunSettings
from grpo_checks.experiments.points.stationarity.slopes import SLOPE
from grpo_checks.experiments.protocol.assumptions import INTERIOR, stated
from grpo_checks.experiments.protocol.claim import Claim, Facts, Row, Scope
from grpo_checks.experiments.runs import slopes
from grpo_checks.experiments.runs.words import Table, table
from grpo_checks.theory.estimators.advantages import Estimator

MUTANTS = {
    "exponent -1/3": "fitted slope in [-0.383, -0.283]",
    "group_normalized": "the same for the std-normalised estimator: G = 8, or unequal rewards",
}
GROUPS = (2, 8)


def _cells(scope: Scope) -> list[list[RunSettings]]:
    mutated = scope.mutant == "group_normalized"
    estimator = Estimator("group_normalized") if mutated else UNBIASED
    return [slopes.cell(g, scope, estimator) for g in GROUPS]


def runs(scope: Scope) -> list[RunSettings]:
    """All runs of both group sizes."""
    return [run for runs in _cells(scope) for run in runs]


def rows(scope: Scope, results: Mapping[RunSettings, RunResult]) -> list[Row]:
    """One row per group size; ``bound`` is the upper end of the window."""
    window = (-0.383, -0.283) if scope.mutant == "exponent -1/3" else slopes.WINDOW
    level = scope.error / len(GROUPS)
    return [slopes.window_row("T1.slope", runs, results, level, window) for runs in _cells(scope)]


def facts(data: Table) -> Facts:
    """Of T1.slope: the fitted slopes, and the lengths that they were fitted to."""
    averages = data.filter(like="average at T=").dropna(axis=1, how="all")
    lengths = [int(str(name).removeprefix("average at T=")) for name in averages]
    headings = (
        "group_size: G | observed: slope | lower: lower limit | upper: upper limit | seeds | "
        "verdict"
    )
    return {
        "shortest": min(lengths),
        "longest": max(lengths),
        "table": table(data, headings, digits=4),
    }


CLAIM = Claim(
    name="T1.slope",
    statement="on `conflict` the average of |grad J|^2 falls as T^s, s in [-0.55, -0.45]",
    provenance="abstract",
    expected="holds",
    proof=("grpo_checks.theory.convergence.stationarity",),
    figures=("t1_slope", "t1_floor"),
    facts={"T1.slope": facts},
    assumptions=(INTERIOR, *stated("theta_0 = 0, full sweep, eta = min(1, sqrt(G/T))")),
    mutants=MUTANTS,
    runs=runs,
    rows=rows,
    exact=SLOPE,
)
