"""T3.tightness: the mean offset of each bound over the oracle offset, and where the slack goes.

The oracle offset is the exact (1-delta) quantile of L_S(Q) - Lhat(Q): no bound that adds a constant
to Lhat can be smaller. The claim orders mean offsets: xi(n) <= 2 sqrt n, and the other bounds relax
kl <= c (Pinsker for McAllester, its refinement for lambda); Catoni's at a fixed constant is no
better than the same nats inverted. Learned priors and bets are compared, without a claim.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

import jax.numpy as jnp

from grpo_checks.experiments.claims.generalization.facts import tightness as facts
from grpo_checks.experiments.claims.generalization.problems import (
    DELTAS,
    ProblemSpec,
    build_problem,
    exact,
    feasible,
    learned_priors,
    problems,
    specialists,
)
from grpo_checks.experiments.falsifier.constraints import integer, one_of
from grpo_checks.experiments.falsifier.domain import Domain
from grpo_checks.experiments.falsifier.statement import Statement
from grpo_checks.experiments.models.settings import RunResult, RunSettings
from grpo_checks.experiments.points.generalization.samples import ARRAYS, samples, setting
from grpo_checks.experiments.protocol.assumptions import TASKS_DIFFER, VALUES_DIFFER, stated
from grpo_checks.experiments.protocol.cell_rows import inequality
from grpo_checks.experiments.protocol.claim import Claim, Row, Scope
from grpo_checks.theory.generalization.coverage import coverage
from grpo_checks.theory.generalization.learning import Learned
from grpo_checks.theory.generalization.pac_bayes import (
    BOUNDS,
    FORMULAS,
    Formula,
    Setting,
    all_bounds,
    known,
    maurer,
)
from grpo_checks.theory.generalization.proof_slack import slack
from grpo_checks.theory.numbers.counts import MAX_TASKS
from grpo_checks.theory.numbers.kl import binary_kl

NAME = "T3.tightness"
AT = 1
"""The delta, by its place in DELTAS, of this claim's cells: 0.05."""
ORDER = (("kl-xi", "kl-2sqrt(n)"), ("kl-2sqrt(n)", "McAllester"), ("kl-2sqrt(n)", "lambda"))
PURE, LOOSER = BOUNDS[:2], ("kl-2sqrt(n)", "McAllester", "lambda")


def _halved(sample: Learned, at: Setting) -> Any:
    bound = jnp.minimum(FORMULAS["McAllester"](sample, at), 1.0)
    return sample.empirical + (bound - sample.empirical) / 2


def _large_xi(sample: Learned, at: Setting) -> Any:
    return maurer(*known(sample, at), 4 * jnp.sqrt(at.n))


def sides(
    tighter: str,
    looser: str,
    n: int,
    delta: Any,
    formulas: Mapping[str, Formula] = FORMULAS,
    **problem: Any,
) -> tuple[Any, Any]:
    """Mean offsets of two bounds, at most 1 for any sample."""
    chance, sample = samples(n, **problem)
    bounds = (formulas[name](sample, setting(n, delta)) for name in (tighter, looser))
    first, second = (chance @ (jnp.minimum(b, 1.0) - sample.empirical) for b in bounds)
    return first, second


def _trivial(tighter: str, looser: str, delta: Any, **problem: Any) -> Any:
    """Of a bound that is 1 for every sample."""
    chance, sample = samples(**problem)
    return chance @ (1 - sample.empirical)


def _equal(entry: int, tighter: str, looser: str, n: int, **problem: Any) -> bool:
    """xi(1) = 2."""
    return tighter == looser or (n == 1 and looser == PURE[1])


STATEMENT = Statement(
    sides,
    Domain(
        ARRAYS,
        {"tighter": one_of(*PURE), "looser": one_of(*LOOSER), "n": integer(1, MAX_TASKS)},
        [dict(tighter=a, looser=b, n=n, policies=2, types=2) for a, b in ORDER for n in (2, 8)],
    ),
    mutants={
        "xi above 2 sqrt n": (
            "xi(n) replaced by 4 sqrt n: kl-xi would not be the least",
            {"formulas": {**FORMULAS, "kl-xi": _large_xi}},
        ),
        "half of McAllester": (
            "McAllester's offset halved: Pinsker's inequality would fail",
            {"formulas": {**FORMULAS, "McAllester": _halved}},
        ),
    },
    trivial=_trivial,
    equal=_equal,
)
RULES = {name: partial(all_bounds, **changed) for name, changed in STATEMENT.versions.items()}
# Pairs of count vectors grow as n^4: n = 100 takes a few seconds, n = 200 would take minutes.
LARGEST_SPLIT = 100


def _extras(spec: ProblemSpec, n: int, temperature: float, learned: bool) -> dict[str, Any]:
    """Tightness of every bound, the slack in nats, and, if asked for, learned priors."""
    cell = exact(spec, n, temperature)
    oracle = float(cell.oracle_offset[AT])
    extra: dict[str, Any] = {"oracle_offset": oracle}
    if oracle > 0:
        for name, offset in zip(BOUNDS, cell.mean_offset[:, AT], strict=True):
            extra[f"tightness {name}"] = float(offset / oracle)
        if learned:
            extra |= learned_priors(build_problem(spec), n, temperature, DELTAS[AT])
    nats = slack(build_problem(spec), n, temperature, DELTAS[AT])
    extra |= {f"nats {name}": value for name, value in nats._asdict().items()}
    # What a bound with the oracle offset would ask for.
    mean = cell.mean_empirical
    extra["nats oracle"] = n * float(binary_kl(mean, min(mean + max(oracle, 0.0), 1.0)))
    return extra


def _offsets(spec: ProblemSpec, n: int, temperature: float, mutant: str | None) -> dict[str, float]:
    cell = exact(spec, n, temperature)
    if mutant is not None:
        false = coverage(build_problem(spec), n, temperature, DELTAS, RULES[mutant])
        cell = cell._replace(mean_offset=false.mean_offset)
    return dict(zip(BOUNDS, map(float, cell.mean_offset[:, AT]), strict=True))


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
    facts={NAME: facts.tightness, "T3.tightness, bets": facts.bets},
    assumptions=(
        *stated("tasks i.i.d. from D_S", "losses in [0, 1]"),
        VALUES_DIFFER,
        TASKS_DIFFER,
    ),
    rows=rows,
    exact=STATEMENT.exact(),
)
