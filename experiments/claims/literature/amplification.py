"""L.amplification: what whitened rewards and a KL penalty do to the chance of success.

Statement: KL-regularised maximisers of whitened binary rewards have
logit p_n = logit p_ref + 1/(beta sqrt(p(1-p) + eps)) with p = p_{n-1}, and p_n >= p_ref.
Proof: ``theory.evaluation.tilting``, for models without chance of their own; see L.tools.
Source: arXiv:2503.06639, for one decision; our formalisation (``theory.evaluation.amplification``).
Units: chances; at rational points also how far p_n is below p_ref, against 0.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from scipy.special import expit, logit

from grpo_checks.experiments.claims.literature.iterates import (
    SETTINGS,
    Iterates,
    ascent_rows,
    certain,
    error,
    iterates,
)
from grpo_checks.experiments.falsifier.statement import Statement
from grpo_checks.experiments.models.instances import InstanceSpec, build, named
from grpo_checks.experiments.models.settings import RunResult, RunSettings
from grpo_checks.experiments.points.literature.penalised import (
    chances,
    domain,
    expect_penalised,
    has_chance,
    log_odds,
)
from grpo_checks.experiments.protocol import verdict
from grpo_checks.experiments.protocol.assumptions import NO_CHANCE, stated
from grpo_checks.experiments.protocol.cell_rows import Models, equality, exact, unmet
from grpo_checks.experiments.protocol.claim import Claim, Facts, Row, Scope
from grpo_checks.experiments.protocol.verdict import Decision
from grpo_checks.experiments.runs.words import Table, having
from grpo_checks.experiments.storage.text import instances
from grpo_checks.theory.evaluation.amplification import amplify
from grpo_checks.theory.evaluation.tilting import has_no_chance

NAME = "L.amplification"
MUTANTS = {
    "variance": "gain 1/(beta (p(1-p) + eps))",
    "from the last policy": "odds of p_{n-1} for those of p_ref",
}
_amplify = jax.jit(amplify)


def _raised(p: Any, x: Any, start: Any, beta: Any, eps: Any, mutant: str | None) -> Any:
    """logit h(p) or a false version of it, for x = logit p; of floats, or in JAX."""
    if mutant == "variance":
        return start + 1 / (beta * (p * (1 - p) + eps))
    return _amplify(x, x if mutant == "from the last policy" else start, beta, eps)


def _sides(mutant: str | None, beta: Any, eps: Any, iterate: int, **model: Any) -> tuple[Any, Any]:
    """The definition, maximisers of one decision in turn, against the recurrence."""
    listed = chances(beta, eps, iterate, **model)
    start, before, after = listed[0], listed[-2], listed[-1]
    x, reference = log_odds(before), log_odds(start)
    reached = jax.nn.sigmoid(_raised(before, x, reference, beta, eps, mutant))
    below = jnp.minimum(after - start, 0.0)
    return jnp.stack([after, below]), jnp.stack([reached, jnp.zeros(())])


def _without_chance(outcome: Any, **point: Any) -> Decision | None:
    expect_penalised(outcome=outcome, **point)
    return verdict.unmet("outcomes are random: see L.tools") if has_chance(outcome) else None


STATEMENT = Statement(
    partial(_sides, None),
    domain(),
    "equal",
    mutants={name: partial(_sides, name) for name in MUTANTS},
    exception=_without_chance,
)


PENALISED_MODELS = Models(
    [named("conflict", components=1, start=-1.0), named("coding", components=3)],
    [
        named("search", components=3),
        *(named("bits", components=2, correlation=c, success=0.2) for c in (0.0, 0.5)),
        *(named("random", components=2, seed=s, tools=0, depth=0, width=1) for s in range(4)),
    ],
)
"""Of one decision, and some with tools."""


def recurrence(p: float, reference: float, beta: float, eps: float, mutant: str | None) -> float:
    """h(p), or a false version of it."""
    x, start = float(logit(p)), float(logit(reference))
    return float(expit(_raised(p, x, start, beta, eps, mutant)))


def steps(spec: InstanceSpec, run: Iterates) -> list[tuple[int, float, float]]:
    """(n, p_{n-1}, p_n) while p_{n-1} is not certain."""
    pairs = enumerate(zip(run.chance, run.chance[1:], strict=False), 1)
    return [(n, before, after) for n, (before, after) in pairs if before < 1 - certain(spec)]


def parameters_of(run: Iterates) -> dict[str, Any]:
    """Of the rows of a sequence."""
    names = ("component", "prompt", "beta", "eps")
    return {name: getattr(run, name) for name in names}


def _rows(spec: InstanceSpec, mutant: str | None) -> list[Row]:
    sequences, rows = iterates(spec), []
    if not sequences:
        return [unmet(NAME, spec.name, {}, "every component is certain under pi_ref")]
    fixed = has_no_chance(build(spec).mdp)
    for run in sequences:
        start, pairs = run.chance[0], steps(spec, run)
        for n, before, after in pairs if fixed else pairs[-1:]:
            expected = recurrence(before, start, run.beta, run.eps, mutant)
            labels = (NAME, spec.name, {**parameters_of(run), "iterate": n}, after, expected)
            extra = {"reference": start, "method": "tilting"}
            if not fixed:
                note = "first state or tools are random: see L.tools"
                rows.append(exact(*labels, "assumption unmet", note, extra))
                continue
            off = error(spec, run, before, after)
            row = equality(*labels, off, "", extra)
            rows.append(row if after + off > start else replace(row, verdict="refuted"))
    return rows


def rows(scope: Scope, results: Mapping[RunSettings, RunResult]) -> list[Row]:
    """Exact maximisers against the recurrence, and one step by gradient ascent."""
    listed = [row for spec in PENALISED_MODELS.chosen(scope) for row in _rows(spec, scope.mutant)]
    if scope.instance is None and scope.mutant is None:
        for beta, eps in SETTINGS if scope.profile == "paper" else SETTINGS[:2]:
            listed += ascent_rows(named("conflict", components=1, start=-1.0), beta, eps)
    return listed


def facts(data: Table) -> Facts:
    """Of L.amplification: maximisers by backward induction, and by gradient ascent."""
    true = having(data, "holds")
    exact = true[true["method"] == "tilting"]
    return {
        "cells": len(exact),
        "instances": instances(exact),
        "rounding": (exact["observed"] - exact["bound"]).abs().max(),
        "ascents": (true["method"] == "ascent").sum(),
    }


CLAIM = Claim(
    name=NAME,
    statement="arXiv:2503.06639: KL-regularised maximisers of whitened binary rewards have "
    "logit p_n = logit p_ref + 1/(beta sqrt(p(1-p) + eps)), p = p_{n-1}, above p_ref",
    provenance="literature",
    expected="holds",
    proof=("grpo_checks.theory.evaluation.tilting",),
    figures=("l_amplification",),
    facts={NAME: facts},
    assumptions=(
        NO_CHANCE,
        *stated(
            "one binary reward, whitened by its own law",
            "unrestricted policies, each prompt on its own",
        ),
    ),
    mutants=MUTANTS,
    rows=rows,
    exact=STATEMENT.exact(),
)
