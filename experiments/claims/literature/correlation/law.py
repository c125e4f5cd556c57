"""L.correlation.law: how the decoupled advantage follows each component reward at finite G.

A closed form (derived), see ``theory.updates.correlation``; law of large groups: limit.py.
"""

from collections.abc import Mapping

import jax
import numpy as np
import pandas as pd

from grpo_checks.experiments.claims.literature.correlation.limit import (
    GROUPS,
    MODELS,
    parameters_of,
)
from grpo_checks.experiments.models.instances import InstanceSpec, build
from grpo_checks.experiments.models.settings import RunResult, RunSettings
from grpo_checks.experiments.points.literature import correlation
from grpo_checks.experiments.points.literature.correlations import (
    DECOUPLED,
    JOINT,
    correlation_errors,
    exact_correlations,
    prompts,
    too_many_groups,
)
from grpo_checks.experiments.protocol.assumptions import in_cells, stated
from grpo_checks.experiments.protocol.cell_rows import equality, unmet
from grpo_checks.experiments.protocol.claim import Claim, Facts, Row, Scope
from grpo_checks.experiments.runs.words import having, table
from grpo_checks.theory.updates.correlation import decoupled_correlations, is_binary

_decoupled = jax.jit(decoupled_correlations, static_argnames="group_size")


def _rows(spec: InstanceSpec, groups: tuple[int, ...], mutant: str | None) -> list[Row]:
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
                parameters = {**parameters_of(q, k, DECOUPLED.name), "group_size": g}
                labels = (claim, spec.name, parameters)
                numbers = (float(correlations[DECOUPLED.name][q, k]), value, off[DECOUPLED.name])
                rows.append(equality(*labels, *numbers, "", extra))
    return rows


def rows(scope: Scope, results: Mapping[RunSettings, RunResult]) -> list[Row]:
    """The closed form at finite G against the exact group law."""
    models, groups = MODELS.chosen(scope), GROUPS[scope.profile]
    return [row for spec in models for row in _rows(spec, groups, scope.mutant)]


def facts(data: pd.DataFrame) -> Facts:
    """Of L.correlation.law: the first instance of the table, component by component."""
    first = having(data, "holds").groupby("group_size").head(2)
    first = first.sort_values(["group_size", "component"])
    lines = [
        {"G": f"{g:.0f}", "joint": _pair(cell["joint"]), "decoupled": _pair(cell["observed"])}
        for g, cell in first.groupby("group_size")
    ]
    one = first.groupby("component").first()
    return {
        "chances": ", ".join(f"{p:.3g}" for p in one["chance"]),
        "joint": _pair(one["joint_limit"]),
        "decoupled": _pair(one["decoupled_limit"]),
        "table": table(pd.DataFrame(lines)),
    }


def _pair(values: pd.Series) -> str:
    return ", ".join(f"{x:.3f}" for x in values)


CLAIM = Claim(
    name="L.correlation.law",
    statement="decoupled at finite G: corr(r_k, A) = w_k sigma_k c_G(p_k)/sqrt(sum w_j^2 "
    "(1 - p_j^G - (1-p_j)^G))",
    provenance="derived",
    expected="holds",
    proof=("grpo_checks.theory.updates.correlation",),
    figures=("l_correlation",),
    facts={"L.correlation.law": facts},
    assumptions=(in_cells("independent binary components"), *stated("eps = 0")),
    rows=rows,
    exact=correlation.two_remain(correlation.LAW),
)
