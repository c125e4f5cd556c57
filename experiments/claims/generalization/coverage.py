"""T3.coverage: how often each PAC-Bayes bound fails, exactly, and never more than delta.

Cells without sampling: Gibbs posteriors on exact losses (every count vector enumerated), the worst
posterior of each sample (enclosed: by ascent, and by change of measure), one policy at the laws
where its bound fails most, coins that use KL(Q‖P) up (``hardest``), losses from sampled episodes,
priors learned from half of the tasks, a trained Gaussian posterior. One cell is sampled: the
certificate whose draws of policies are random.
Omitting ln xi(n) is no mutant here: with the other steps of the proof loose, coverage cannot see
it; tests/theory/generalization/test_pac_bayes.py holds the bounds against published values instead.
"""

from collections.abc import Mapping

from grpo_checks.experiments.claims.generalization import coverage_mutants as t3_mutants
from grpo_checks.experiments.claims.generalization import coverage_posteriors as t3_posteriors
from grpo_checks.experiments.claims.generalization.facts import coverage as facts
from grpo_checks.experiments.claims.generalization.hardest import mutants as hardest_mutants
from grpo_checks.experiments.claims.generalization.problems import (
    DELTAS,
    TEMPERATURES,
    ProblemSpec,
    build_problem,
    exact,
    feasible,
    problems,
    specialists,
)
from grpo_checks.experiments.models.settings import RunResult, RunSettings
from grpo_checks.experiments.points.generalization.coverage import EXACT
from grpo_checks.experiments.protocol.assumptions import TASKS_DIFFER, VALUES_DIFFER, stated
from grpo_checks.experiments.protocol.cell_rows import inequality, no_better, unmet
from grpo_checks.experiments.protocol.claim import Claim, Row, Scope, judge
from grpo_checks.theory.generalization.coverage import Coverage
from grpo_checks.theory.generalization.pac_bayes import BOUNDS
from grpo_checks.theory.generalization.worst_posterior import KINDS, worst_posterior

NAME = "T3.coverage"
TRIVIAL = "no better than 1, the trivial bound on a risk, for any sample"
SIZES = {"quick": (5, 20, 50), "paper": (5, 20, 50, 100, 200)}


def _cell_rows(spec: ProblemSpec, n: int, temperature: float, cell: Coverage) -> list[Row]:
    rows = []
    for j, delta in enumerate(DELTAS):
        for i, bound in enumerate(BOUNDS):
            failure, mean = float(cell.failure[i, j]), float(cell.mean_bound[i, j])
            offset, oracle = float(cell.mean_offset[i, j]), float(cell.oracle_offset[j])
            parameters = {
                **spec.parameters(),
                "n_tasks": n,
                "delta": delta,
                "temperature": temperature,
                "posterior": "Gibbs",
                "bound_name": bound,
            }
            extra = {"mean_bound": mean, "mean_offset": offset, "oracle_offset": oracle}
            if oracle > 0:
                extra["tightness"] = offset / oracle
            labels = (NAME, spec.instance.name, parameters, failure, delta)
            row = inequality(*labels, float(cell.rounding[i, j]), "", extra)
            rows.append(no_better(row, TRIVIAL) if cell.trivial[i, j] else row)
    return rows


def _gibbs(scope: Scope) -> list[Row]:
    """Every bound at every (instance, n, temperature, delta)."""
    rows = []
    temperatures = TEMPERATURES if scope.profile == "paper" else TEMPERATURES[:2]
    for spec in problems(scope):
        sizes = feasible(spec, SIZES[scope.profile])
        if not sizes:
            note = "too many prompts to list the counts of even 5 tasks"
            rows.append(unmet(NAME, spec.instance.name, spec.parameters(), note))
        cells = [(spec, n, t) for n in sizes for t in temperatures]
        rows += [row for cell in cells for row in _cell_rows(*cell, exact(*cell))]
    if scope.instance is None:
        for n in (5, 10, 20, 50) if scope.profile == "paper" else (10,):
            cell = (specialists(types=6), n, 1.0)
            rows += _cell_rows(*cell, exact(*cell))
    return rows


def _worst(scope: Scope) -> list[Row]:
    """Whatever posterior the learner picks: the probability that some Q breaks the bound."""
    rows, delta = [], 0.05
    paper = scope.profile == "paper"
    sizes, bounds = ((5, 20, 50, 100), KINDS) if paper else ((20,), KINDS[:1])
    for spec in problems(scope)[: 2 if paper else 1]:
        cells = [(n, b) for n in feasible(spec, sizes) for b in bounds]
        for n, bound in cells:
            worst = worst_posterior(build_problem(spec), n, delta, bound)
            parameters = {
                **spec.parameters(),
                "n_tasks": n,
                "delta": delta,
                "posterior": "worst",
                "bound_name": bound,
            }
            low, high = worst.at_least, max(worst.at_least, worst.at_most)
            verdict = judge(high, low, delta + worst.rounding)
            note = "enclosed: found by ascent, at most by change of measure"
            row = Row(
                NAME, spec.instance.name, parameters, low, low, high, delta, verdict, note,
                rounding=worst.rounding,
            )  # fmt: skip
            rows.append(row)
    return rows


def rows(scope: Scope, results: Mapping[RunSettings, RunResult]) -> list[Row]:
    """One row per cell: the exact failure probability against delta."""
    if scope.mutant is not None:
        false = hardest_mutants if scope.mutant in hardest_mutants.MUTANTS else t3_mutants
        return false.rows(NAME, scope.mutant)
    table = _gibbs(scope) + _worst(scope)
    return table if scope.instance is not None else table + t3_posteriors.rows(NAME, scope)


CLAIM = Claim(
    name=NAME,
    statement="P(L_S(Q) > bound) <= delta over the draw of tasks, whatever posterior they lead to",
    provenance="abstract",
    expected="holds",
    proof=(
        "grpo_checks.theory.generalization.pac_bayes",
        "grpo_checks.theory.generalization.coverage",
        "grpo_checks.theory.generalization.betting.mixture",
    ),
    figures=("t3_coverage",),
    facts={NAME: facts.coverage, "T3.coverage, sampled": facts.sampled, "T3.price": facts.price},
    assumptions=(
        *stated("tasks i.i.d. from D_S", "losses in [0, 1]", "prior fixed before the tasks"),
        VALUES_DIFFER,
        TASKS_DIFFER,
    ),
    mutants={**t3_mutants.MUTANTS, **hardest_mutants.MUTANTS},
    rows=rows,
    exact=EXACT,
)
