"""L.amplification and L.tools: what whitened rewards and a KL penalty do to the chance of success.

arXiv:2503.06639 for one decision; with tools that answer at random the recurrence is only an upper
bound (derived; see ``theory.evaluation.tilting``).
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import jax
from scipy.special import expit, logit

from grpo_checks.experiments.claims.literature.ascent import ascent_rows
from grpo_checks.experiments.claims.literature.iterates import (
    SETTINGS,
    Iterates,
    certain,
    error,
    iterates,
)
from grpo_checks.experiments.models.instances import InstanceSpec, build, named
from grpo_checks.experiments.models.settings import RunResult, RunSettings
from grpo_checks.experiments.points.literature import tilting
from grpo_checks.experiments.protocol.assumptions import NO_CHANCE, stated
from grpo_checks.experiments.protocol.cell_rows import at_most, equality, exact, inequality, unmet
from grpo_checks.experiments.protocol.claim import Claim, Row, Scope
from grpo_checks.theory.evaluation.amplification import amplify
from grpo_checks.theory.evaluation.tilting import has_no_chance

MUTANTS = {
    "variance": "gain 1/(beta (p(1-p) + eps))",
    "from the last policy": "odds of p_{n-1} for those of p_ref",
}

_amplify = jax.jit(amplify)


def _specs(scope: Scope) -> list[InstanceSpec]:
    if scope.instance is not None:
        return [scope.instance]
    plain = [named("conflict", components=1, start=-1.0), named("coding", components=3)]
    if scope.profile == "quick":
        return plain
    bits = [named("bits", components=2, correlation=c, success=0.2) for c in (0.0, 0.5)]
    one = [named("random", components=2, seed=s, tools=0, depth=0, width=1) for s in range(4)]
    return [*plain, named("search", components=3), *bits, *one]


def recurrence(p: float, reference: float, beta: float, eps: float, mutant: str | None) -> float:
    """h(p), or a false version of it."""
    x, start = float(logit(p)), float(logit(reference))
    if mutant == "variance":
        return float(expit(start + 1 / (beta * (p * (1 - p) + eps))))
    if mutant == "from the last policy":
        start = x
    return float(expit(_amplify(x, start, beta, eps)))


def _pairs(spec: InstanceSpec, run: Iterates) -> list[tuple[int, float, float]]:
    """(n, p_{n-1}, p_n) while p_{n-1} is not certain."""
    pairs = enumerate(zip(run.chance, run.chance[1:], strict=False), 1)
    return [(n, before, after) for n, (before, after) in pairs if before < 1 - certain(spec)]


def _parameters(run: Iterates) -> dict[str, Any]:
    names = ("component", "prompt", "beta", "eps")
    return {name: getattr(run, name) for name in names}


def _amplification_rows(spec: InstanceSpec, mutant: str | None) -> list[Row]:
    claim, sequences, rows = "L.amplification", iterates(spec), []
    if not sequences:
        return [unmet(claim, spec.name, {}, "every component is certain under pi_ref")]
    fixed = has_no_chance(build(spec).mdp)
    for run in sequences:
        start, pairs = run.chance[0], _pairs(spec, run)
        for n, before, after in pairs if fixed else pairs[-1:]:
            expected = recurrence(before, start, run.beta, run.eps, mutant)
            labels = (claim, spec.name, {**_parameters(run), "iterate": n}, after, expected)
            extra = {"reference": start, "method": "tilting"}
            if not fixed:
                note = "first state or tools are random: see L.tools"
                rows.append(exact(*labels, "assumption unmet", note, extra))
                continue
            off = error(spec, run, before, after)
            row = equality(*labels, off, "", extra)
            rows.append(row if after + off > start else replace(row, verdict="refuted"))
    return rows


def amplification_rows(scope: Scope, results: Mapping[RunSettings, RunResult]) -> list[Row]:
    """Exact maximisers against the recurrence, and one step by gradient ascent."""
    rows = [row for spec in _specs(scope) for row in _amplification_rows(spec, scope.mutant)]
    if scope.instance is None and scope.mutant is None:
        for beta, eps in SETTINGS if scope.profile == "paper" else SETTINGS[:2]:
            rows += ascent_rows(named("conflict", components=1, start=-1.0), beta, eps)
    return rows


def tools_rows(scope: Scope, results: Mapping[RunSettings, RunResult]) -> list[Row]:
    """p of the exact maximiser is at most h(p_{n-1}), however the tools answer.

    Models without chance of their own are L.amplification's, unless one is asked for.
    """
    rows, specs = [], _specs(scope)
    if scope.instance is None:
        specs = [spec for spec in specs if not has_no_chance(build(spec).mdp)]
    for spec in specs:
        # Without chance both sides are equal at every policy: L.amplification.
        fixed = has_no_chance(build(spec).mdp)
        for run in iterates(spec):
            for n, before, after in _pairs(spec, run):
                bound = recurrence(before, run.chance[0], run.beta, run.eps, None)
                off = error(spec, run, before, after)
                parameters = {**_parameters(run), "iterate": n}
                labels = ("L.tools", spec.name, parameters, after, bound, off, "")
                row = inequality(*labels, {"reference": run.chance[0]}, identity=fixed)
                if scope.mutant:
                    row = replace(row, verdict=at_most(bound, after, off))
                rows.append(row)
    return rows or [unmet("L.tools", specs[0].name, {}, "every component is certain under pi_ref")]


AMPLIFICATION = Claim(
    name="L.amplification",
    statement="arXiv:2503.06639: KL-regularised maximisers of whitened binary rewards have "
    "logit p_n = logit p_ref + 1/(beta sqrt(p(1-p) + eps)), p = p_{n-1}, above p_ref",
    provenance="literature",
    expected="holds",
    proof=("grpo_checks.theory.evaluation.tilting",),
    figures=("literature",),
    assumptions=(
        NO_CHANCE,
        *stated(
            "one binary reward, whitened by its own law",
            "unrestricted policies, each prompt on its own",
        ),
    ),
    mutants=MUTANTS,
    runs=lambda scope: [],
    rows=amplification_rows,
    exact=tilting.AMPLIFICATION,
)
TOOLS = Claim(
    name="L.tools",
    statement="with tools that answer at random the recurrence bounds p_n from above",
    provenance="derived",
    expected="holds",
    proof=("grpo_checks.theory.evaluation.tilting",),
    figures=("literature",),
    assumptions=stated("one binary reward, whitened by its own law", "unrestricted policies"),
    mutants={"reached": "p_n = h(p_{n-1}) with random tools too"},
    runs=lambda scope: [],
    rows=tools_rows,
    exact=tilting.TOOLS,
)
