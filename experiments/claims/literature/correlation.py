"""L.correlation and L.correlation.law: how the advantage follows each component reward.

arXiv:2509.22047. Its two formulas are limits of large groups; at finite G the decoupled one has an
exact form (derived). See ``theory.updates.correlation``; correlation_pairs.py has groups of two.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import jax
import numpy as np

from grpo_checks.experiments.models.instances import InstanceSpec, build, named
from grpo_checks.experiments.models.settings import RunResult, RunSettings
from grpo_checks.experiments.points.literature import correlation
from grpo_checks.experiments.points.literature.correlations import (
    DECOUPLED,
    JOINT,
    Floats,
    correlation_errors,
    exact_correlations,
    prompts,
    too_many_groups,
)
from grpo_checks.experiments.protocol.assumptions import in_cells, stated
from grpo_checks.experiments.protocol.cell_rows import equality, inequality, no_better, unmet
from grpo_checks.experiments.protocol.claim import Claim, Row, Scope
from grpo_checks.theory.estimators.advantages import EstimatorName
from grpo_checks.theory.updates.correlation import decoupled_correlations, is_binary
from grpo_checks.theory.updates.correlation_rate import decoupled_distance, joint_distance

QUICK_GROUPS, PAPER_GROUPS = (8, 64), (2, 4, 8, 16, 32, 64)
MUTANTS = {
    "variances": "sigma_k^2 for sigma_k in the joint formula",
    "no groups": "c_G(p) = 1/sqrt(p(1-p)) at finite G",
}
_decoupled = jax.jit(decoupled_correlations, static_argnames="group_size")


def _specs(scope: Scope) -> list[InstanceSpec]:
    if scope.instance is not None:
        return [scope.instance]
    # Rare successes use the proven distances up.
    chances = ((0.5, 0.9), (0.01, 0.5), (0.0001, 0.5))
    specs = [named("bits", components=2, success=(*pair, *(0.5,) * 4)) for pair in chances]
    if scope.profile == "quick":
        return specs
    three = named("bits", components=3, success=(0.5, 0.8, 0.3, 0.5, 0.5, 0.5))
    dependent = [named("bits", components=2, correlation=0.5), named("coding", components=2)]
    return [*specs, three, *dependent]


def _groups(scope: Scope) -> tuple[int, ...]:
    return PAPER_GROUPS if scope.profile == "paper" else QUICK_GROUPS


def _parameters(prompt: int, component: int, estimator: str) -> dict[str, Any]:
    return {"prompt": prompt, "component": component, "estimator": estimator}


def _limit_rows(spec: InstanceSpec, groups: tuple[int, ...], mutant: str | None) -> list[Row]:
    claim, rows = "L.correlation", []
    for q, prompt in enumerate(prompts(spec)):
        if prompt.obstacle:
            rows.append(unmet(claim, spec.name, {"prompt": q}, prompt.obstacle))
            continue
        formulas = dict(prompt.formulas)
        if mutant == "variances":
            formulas[JOINT.name] = prompt.squares
        for name, formula in formulas.items():
            for k, value in enumerate(map(float, formula)):
                labels = (claim, spec.name, _parameters(q, k, name))
                numbers = (float(prompt.limits[name][k]), value, 2 * prompt.error[name])
                row = equality(*labels, *numbers, "in the limit of large groups")
                # One component has correlation 1 whatever the policy.
                rows.append(replace(row, identity=len(formula) == 1))
        for g in groups:
            rows += _finite_rows(spec, q, formulas, g)
    return rows


def _distances(spec: InstanceSpec, prompt: int, group_size: int) -> dict[EstimatorName, Floats]:
    """Proven ones from the limit, of each component."""
    mdp, law = build(spec).mdp, prompts(spec)[prompt].law
    vectors, composite = np.asarray(mdp.class_vector), np.asarray(mdp.class_composite)
    return {
        JOINT.name: joint_distance(law, vectors, composite, group_size),
        DECOUPLED.name: decoupled_distance(law, vectors, np.asarray(mdp.weights), group_size),
    }


def _finite_rows(
    spec: InstanceSpec,
    prompt: int,
    formulas: Mapping[EstimatorName, Floats],
    group_size: int,
) -> list[Row]:
    """Distances from the limit at a finite G, against proven ones."""
    claim, cell = "L.correlation", {"prompt": prompt, "group_size": group_size}
    obstacle = too_many_groups(spec, group_size)
    if obstacle:
        return [unmet(claim, spec.name, cell, obstacle)]
    correlations, rows = exact_correlations(spec, group_size), []
    bounds, errors = _distances(spec, prompt, group_size), prompts(spec)[prompt].error
    for name, formula in formulas.items():
        off = errors[name] + correlation_errors(spec, prompt, group_size)[name]
        for k, limit in enumerate(map(float, formula)):
            distance, trivial = abs(float(correlations[name][prompt, k]) - limit), 1 + limit
            bound = min(float(bounds[name][k]), trivial)
            numbers = (distance, bound, off * (1 + bound))
            cell = {**_parameters(prompt, k, name), "group_size": group_size}
            row = inequality(claim, spec.name, cell, *numbers, "distance from the limit")
            weak = no_better(row, "no better than |corr| <= 1: larger groups would be")
            rows.append(row if bound < trivial else weak)
    return rows


def limit_rows(scope: Scope, results: Mapping[RunSettings, RunResult]) -> list[Row]:
    """The limit's correlations from the law against the formulas, and those at finite G."""
    groups = _groups(scope)
    return [row for spec in _specs(scope) for row in _limit_rows(spec, groups, scope.mutant)]


def _law_rows(spec: InstanceSpec, groups: tuple[int, ...], mutant: str | None) -> list[Row]:
    claim, mdp, rows = "L.correlation.law", build(spec).mdp, []
    weights, binary = mdp.weights, is_binary(mdp)
    for q, prompt in enumerate(prompts(spec)):
        why = prompt.obstacle or ("" if binary else "graded components")
        if why:
            rows.append(unmet(claim, spec.name, {"prompt": q}, why))
            continue
        for g in groups:
            obstacle = too_many_groups(spec, g)
            if obstacle:
                cell = {"prompt": q, "group_size": g}
                rows.append(unmet(claim, spec.name, cell, obstacle))
                continue
            correlations, off = exact_correlations(spec, g), correlation_errors(spec, q, g)
            expected = np.asarray(_decoupled(weights, prompt.rarer, g))
            if mutant == "no groups":
                expected = prompt.formulas[DECOUPLED.name]
            for k, value in enumerate(map(float, expected)):
                extra = {
                    "chance": float(prompt.mean[k]),
                    "joint": float(correlations[JOINT.name][q, k]),
                    "joint_limit": float(prompt.formulas[JOINT.name][k]),
                    "decoupled_limit": float(prompt.formulas[DECOUPLED.name][k]),
                }
                parameters = {**_parameters(q, k, DECOUPLED.name), "group_size": g}
                labels = (claim, spec.name, parameters)
                numbers = (float(correlations[DECOUPLED.name][q, k]), value, off[DECOUPLED.name])
                rows.append(equality(*labels, *numbers, "", extra))
    return rows


def law_rows(scope: Scope, results: Mapping[RunSettings, RunResult]) -> list[Row]:
    """The closed form at finite G against the exact group law."""
    groups = _groups(scope)
    return [row for spec in _specs(scope) for row in _law_rows(spec, groups, scope.mutant)]


LIMIT = Claim(
    name="L.correlation",
    statement="arXiv:2509.22047, large groups: corr(r_k, A) = w_k sigma_k/sqrt(sum w_j^2 "
    "sigma_j^2) joint, w_k/sqrt(sum w_j^2) decoupled (1/sqrt K)",
    provenance="literature",
    expected="holds",
    proof=("grpo_checks.theory.updates.correlation", "grpo_checks.theory.updates.correlation_rate"),
    figures=("looseness",),
    assumptions=(
        in_cells("uncorrelated components that vary"),
        *stated("the limit of large groups"),
    ),
    mutants={"variances": MUTANTS["variances"]},
    rows=limit_rows,
    exact=correlation.LIMIT.exact(),
)
LAW = Claim(
    name="L.correlation.law",
    statement="decoupled at finite G: corr(r_k, A) = w_k sigma_k c_G(p_k)/sqrt(sum w_j^2 "
    "(1 - p_j^G - (1-p_j)^G))",
    provenance="derived",
    expected="holds",
    proof=("grpo_checks.theory.updates.correlation",),
    figures=("l_correlation",),
    assumptions=(in_cells("independent binary components"), *stated("eps = 0")),
    mutants={"no groups": MUTANTS["no groups"]},
    rows=law_rows,
    exact=correlation.two_remain(correlation.LAW),
)
