"""T3.tightness: the mean offset of each bound over the oracle offset, and where the slack goes.

The oracle offset is the exact (1-delta) quantile of L_S(Q) - Lhat(Q): no bound that adds a constant
to Lhat can be smaller. The claim orders mean offsets: xi(n) <= 2 sqrt n, and the other bounds relax
kl <= c (Pinsker for McAllester, its refinement for lambda); Catoni's at a fixed constant is no
better than the same nats inverted. Bounds with learned priors are compared, without a claim.
"""

from collections.abc import Mapping
from typing import Any

import jax

from grpo_checks.experiments.claims.generalization.problems import (
    DELTAS,
    ProblemSpec,
    build_problem,
    exact,
    feasible,
    problems,
    specialists,
)
from grpo_checks.experiments.models.settings import RunResult, RunSettings
from grpo_checks.experiments.points.generalization.tightness import EXACT
from grpo_checks.experiments.protocol.assumptions import TASKS_DIFFER, VALUES_DIFFER, stated
from grpo_checks.experiments.protocol.cell_rows import inequality
from grpo_checks.experiments.protocol.claim import Claim, Row, Scope
from grpo_checks.theory.generalization.coverage import BOUNDS
from grpo_checks.theory.generalization.proof_slack import slack
from grpo_checks.theory.generalization.split_prior import NAMES, split_coverage
from grpo_checks.theory.numbers.kl import binary_kl

NAME = "T3.tightness"
_kl = jax.jit(binary_kl)
AT = 1
"""The delta, by its place in DELTAS, of this claim's cells: 0.05."""
ORDER = (("kl-xi", "kl-2sqrt(n)"), ("kl-2sqrt(n)", "McAllester"), ("kl-2sqrt(n)", "lambda"))
MUTANTS = {
    "xi above 2 sqrt n": "xi(n) replaced by 4 sqrt n: kl-xi would not be the least",
    "half of McAllester": "McAllester's offset halved: Pinsker's inequality would fail",
}
# Pairs of count vectors grow as n^4: n = 100 takes a few seconds, n = 200 would take minutes.
LARGEST_SPLIT = 100


def _learned_priors(spec: ProblemSpec, n: int, temperature: float) -> dict[str, Any]:
    """Tightness with a prior from a tenth and from half of the tasks, on the same posterior."""
    ratios_by_prior: dict[str, Any] = {}
    for share in (10, 2):
        first = n // share
        split = split_coverage(build_problem(spec), first, n - first, temperature, DELTAS[AT])
        ratios = split.mean_offset / split.oracle_offset
        for name, ratio in zip(NAMES[1:], ratios[1:], strict=True):
            ratios_by_prior[f"tightness {name} 1/{share}"] = float(ratio)
    return ratios_by_prior


def _extras(spec: ProblemSpec, n: int, temperature: float, learned: bool) -> dict[str, Any]:
    """Tightness of every bound, the slack in nats, and, if asked for, learned priors."""
    cell = exact(spec, n, temperature)
    oracle = float(cell.oracle_offset[AT])
    extra: dict[str, Any] = {"oracle_offset": oracle}
    if oracle > 0:
        for name, offset in zip(BOUNDS, cell.mean_offset[:, AT], strict=True):
            extra[f"tightness {name}"] = float(offset / oracle)
        if learned:
            extra |= _learned_priors(spec, n, temperature)
    nats = slack(build_problem(spec), n, temperature, DELTAS[AT])
    extra |= {f"nats {name}": value for name, value in nats._asdict().items()}
    # What a bound with the oracle offset would ask for.
    mean = cell.mean_empirical
    extra["nats oracle"] = n * float(_kl(mean, min(mean + max(oracle, 0.0), 1.0)))
    return extra


def _offsets(spec: ProblemSpec, n: int, temperature: float, mutant: str | None) -> dict[str, float]:
    means = exact(spec, n, temperature).mean_offset[:, AT]
    offsets = dict(zip(BOUNDS, (float(x) for x in means), strict=True))
    if mutant == "half of McAllester":
        offsets["McAllester"] /= 2
    if mutant == "xi above 2 sqrt n":
        # The offset at 4 sqrt n is that of 2 sqrt n at half of the delta.
        half = exact(spec, n, temperature, (DELTAS[AT] / 2,) * len(DELTAS))
        offsets["kl-xi"] = float(half.mean_offset[BOUNDS.index("kl-2sqrt(n)"), 0])
    return offsets


def _cell(scope: Scope, spec: ProblemSpec, n: int, temperature: float, learned: bool) -> list[Row]:
    offsets = _offsets(spec, n, temperature, scope.mutant)
    extra = {} if scope.mutant else _extras(spec, n, temperature, learned)
    cell, rows = exact(spec, n, temperature), []
    for tighter, looser in ORDER:
        parameters = {
            **spec.parameters(),
            "n_tasks": n,
            "delta": DELTAS[AT],
            "temperature": temperature,
            "bound_name": tighter,
            "looser_bound": looser,
        }
        # Both are 1 for any sample, and their offsets the same number.
        idle = all(cell.trivial[BOUNDS.index(name), AT] for name in (tighter, looser))
        labels = (NAME, spec.instance.name, parameters, offsets[tighter], offsets[looser])
        rows.append(inequality(*labels, 2 * cell.mean_rounding, "", extra, idle))
        # The cell's other numbers are stored once, with its first row.
        extra = {}
    return rows


def rows(scope: Scope, results: Mapping[RunSettings, RunResult]) -> list[Row]:
    """One row per ordered pair of bounds and cell; the cell's tightness in its first row."""
    paper, table = scope.profile == "paper", []
    sizes = (20, 50, 100, 200) if paper else (20, 50)
    for spec in problems(scope) if paper or scope.instance else [specialists()]:
        for n in feasible(spec, sizes):
            learned = paper and spec == specialists() and n <= LARGEST_SPLIT
            table += _cell(scope, spec, n, 1.0, learned)
    if paper and scope.instance is None:
        everything = specialists(deterministic=True)
        for n, temperature in ((20, 1.0), (50, 1.0), (50, 0.3)):
            table += _cell(scope, everything, n, temperature, learned=True)
        table += _cell(scope, specialists(), 50, 0.3, learned=True)
    return table


CLAIM = Claim(
    name=NAME,
    statement="mean offsets over the oracle offset: kl-xi <= kl-2sqrt(n) <= McAllester, lambda",
    provenance="derived",
    expected="holds",
    proof=("grpo_checks.theory.generalization.proof_slack",),
    figures=("t3_tightness",),
    assumptions=(
        *stated("tasks i.i.d. from D_S", "losses in [0, 1]"),
        VALUES_DIFFER,
        TASKS_DIFFER,
    ),
    mutants=MUTANTS,
    runs=lambda scope: [],
    rows=rows,
    exact=EXACT,
)
