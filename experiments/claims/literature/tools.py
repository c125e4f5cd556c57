"""L.tools: with tools that answer at random the recurrence of L.amplification is an upper bound.

Statement: logit p_n - logit p_ref <= 1/(beta sqrt(p(1-p) + eps)) with p = p_{n-1}.
Proof: a policy cannot tilt what a tool answers; see ``theory.evaluation.tilting``.
Source: derived.
Units: of cells, chances, p_n against h(p_{n-1}); at rational points log-odds, which is the same but
no comparison of two numbers that both round to 1.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from grpo_checks.experiments.claims.literature.amplification import (
    PENALISED_MODELS,
    parameters_of,
    recurrence,
    steps,
)
from grpo_checks.experiments.claims.literature.iterates import error, iterates
from grpo_checks.experiments.falsifier.statement import Statement
from grpo_checks.experiments.models.instances import build
from grpo_checks.experiments.models.settings import RunResult, RunSettings
from grpo_checks.experiments.points.literature.penalised import (
    chances,
    domain,
    expect_penalised,
    gain,
    has_chance,
    log_odds,
)
from grpo_checks.experiments.protocol import verdict
from grpo_checks.experiments.protocol.assumptions import stated
from grpo_checks.experiments.protocol.cell_rows import at_most, inequality, unmet
from grpo_checks.experiments.protocol.claim import Claim, Facts, Row, Scope
from grpo_checks.experiments.protocol.verdict import Decision
from grpo_checks.experiments.runs.words import Table
from grpo_checks.experiments.storage.text import instances
from grpo_checks.theory.evaluation.tilting import has_no_chance

NAME = "L.tools"


def sides(beta: Any, eps: Any, iterate: int, **model: Any) -> tuple[Any, Any]:
    """The gain of the maximisers' log-odds, in turn, and that of the recurrence."""
    listed = chances(beta, eps, iterate, **model)
    return log_odds(listed[-1]) - log_odds(listed[0]), gain(listed[-2], beta, eps)


def _with_chance(outcome: Any, **point: Any) -> Decision | None:
    expect_penalised(outcome=outcome, **point)
    return (
        None if has_chance(outcome) else verdict.unmet("outcomes are certain: see L.amplification")
    )


_BOUND = Statement(
    sides,
    domain(outcomes=2),
    exception=_with_chance,
    note=lambda **point: "gain of log-odds",
)
_REACHED = ("p_n = h(p_{n-1}) with random tools too", replace(_BOUND, relation="equal"))
STATEMENT = replace(_BOUND, mutants={"reached": _REACHED})


def rows(scope: Scope, results: Mapping[RunSettings, RunResult]) -> list[Row]:
    """p of the exact maximiser is at most h(p_{n-1}), however the tools answer.

    Models without chance of their own are L.amplification's, unless one is asked for.
    """
    listed, specs = [], PENALISED_MODELS.chosen(scope)
    if scope.instance is None:
        specs = [spec for spec in specs if not has_no_chance(build(spec).mdp)]
    for spec in specs:
        # Without chance both sides are equal at every policy: L.amplification.
        fixed = has_no_chance(build(spec).mdp)
        for run in iterates(spec):
            for n, before, after in steps(spec, run):
                bound = recurrence(before, run.chance[0], run.beta, run.eps, None)
                off = error(spec, run, before, after)
                parameters = {**parameters_of(run), "iterate": n}
                labels = (NAME, spec.name, parameters, after, bound, off, "")
                row = inequality(*labels, {"reference": run.chance[0]}, identity=fixed)
                if scope.mutant:
                    row = replace(row, verdict=at_most(bound, after, off))
                listed.append(row)
    return listed or [unmet(NAME, specs[0].name, {}, "every component is certain under pi_ref")]


def facts(data: Table) -> Facts:
    """Of L.tools: how far the recurrence is from the maximiser where tools answer at random."""
    return {
        "share": (data["observed"] / data["bound"]).min(),
        "instances": instances(data),
    }


CLAIM = Claim(
    name=NAME,
    statement="with tools that answer at random the recurrence bounds p_n from above",
    provenance="derived",
    expected="holds",
    proof=("grpo_checks.theory.evaluation.tilting",),
    figures=("l_amplification",),
    facts={NAME: facts},
    assumptions=stated("one binary reward, whitened by its own law", "unrestricted policies"),
    rows=rows,
    exact=STATEMENT.exact(),
)
