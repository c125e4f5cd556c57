"""L.correlation: how the advantage of large groups follows each component reward.

arXiv:2509.22047; see ``theory.updates.correlation``. law.py is about finite G, pairs.py about 2.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

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
from grpo_checks.experiments.protocol.cell_rows import (
    Models,
    equality,
    inequality,
    no_better,
    unmet,
)
from grpo_checks.experiments.protocol.claim import Claim, Facts, Row, Scope
from grpo_checks.experiments.runs.words import Table, having
from grpo_checks.theory.estimators.advantages import EstimatorName
from grpo_checks.theory.updates.correlation_rate import decoupled_distance, joint_distance

GROUPS = {"quick": (8, 64), "paper": (2, 4, 8, 16, 32, 64)}
# Rare successes use the proven distances up.
CHANCES = ((0.5, 0.9), (0.01, 0.5), (0.0001, 0.5))
MODELS = Models(
    [named("bits", components=2, success=(*pair, *(0.5,) * 4)) for pair in CHANCES],
    [
        named("bits", components=3, success=(0.5, 0.8, 0.3, 0.5, 0.5, 0.5)),
        named("bits", components=2, correlation=0.5),
        named("coding", components=2),
    ],
)


def parameters_of(prompt: int, component: int, estimator: str) -> dict[str, Any]:
    """What says which correlation a row is about."""
    return {"prompt": prompt, "component": component, "estimator": estimator}


def _rows(spec: InstanceSpec, groups: tuple[int, ...], mutant: str | None) -> list[Row]:
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
                labels = (claim, spec.name, parameters_of(q, k, name))
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
            cell = {**parameters_of(prompt, k, name), "group_size": group_size}
            row = inequality(claim, spec.name, cell, *numbers, "distance from the limit")
            weak = no_better(row, "no better than |corr| <= 1: larger groups would be")
            rows.append(row if bound < trivial else weak)
    return rows


def rows(scope: Scope, results: Mapping[RunSettings, RunResult]) -> list[Row]:
    """The limit's correlations from the law against the formulas, and those at finite G."""
    models, groups = MODELS.chosen(scope), GROUPS[scope.profile]
    return [row for spec in models for row in _rows(spec, groups, scope.mutant)]


def facts(data: Table) -> Facts:
    """Of L.correlation: large groups."""
    return {"holds": len(having(data, "holds")), "size": data["group_size"].max()}


CLAIM = Claim(
    name="L.correlation",
    statement="arXiv:2509.22047, large groups: corr(r_k, A) = w_k sigma_k/sqrt(sum w_j^2 "
    "sigma_j^2) joint, w_k/sqrt(sum w_j^2) decoupled (1/sqrt K)",
    provenance="literature",
    expected="holds",
    proof=("grpo_checks.theory.updates.correlation", "grpo_checks.theory.updates.correlation_rate"),
    figures=("looseness",),
    facts={"L.correlation": facts},
    assumptions=(
        in_cells("uncorrelated components that vary"),
        *stated("the limit of large groups"),
    ),
    rows=rows,
    exact=correlation.LIMIT.exact(),
)
