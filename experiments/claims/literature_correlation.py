"""L.correlation and L.correlation.law: how the advantage follows each component reward.

arXiv:2509.22047. Its two formulas are limits of large groups; at finite G the decoupled one has an
exact form (derived). See ``theory.correlation``, and literature_pairs.py for groups of two.
"""

from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

from experiments.assumptions import in_cells, stated
from experiments.claim import Claim, Row, Scope, Verdict
from experiments.correlations import DECOUPLED, JOINT, Floats, exact_correlations, prompts
from experiments.exact_cells import equality, exact, unmet
from experiments.instances import InstanceSpec, build, named
from experiments.points import correlation
from experiments.runs import RunResult
from experiments.settings import RunSettings
from theory.advantages import EstimatorName
from theory.correlation import decoupled_correlations, is_binary

QUICK_GROUPS, PAPER_GROUPS = (8, 16), (2, 4, 8, 16, 32, 64)
FIRST = 8
"""Beyond this G the distance from the limit is expected to fall as 1/G."""
CLOSER = 0.75
"""A doubled group must leave at most this share of the distance; 1/2 asymptotically."""
MUTANTS = {
    "variances": "sigma_k^2 for sigma_k in the joint formula",
    "no groups": "c_G(p) = 1/sqrt(p(1-p)) at finite G",
}
_decoupled = jax.jit(decoupled_correlations, static_argnames="group_size")


def _specs(scope: Scope) -> list[InstanceSpec]:
    if scope.instance is not None:
        return [scope.instance]
    specs = [named("bits", components=2, success=(0.5, 0.9, 0.5, 0.5, 0.5, 0.5))]
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
                head = (claim, spec.name, _parameters(q, k, name))
                found = float(prompt.limits[name][k])
                rows.append(equality(*head, found, value, note="in the limit of large groups"))
            rows += [_approach(spec, q, name, formula, g) for g in groups if g > FIRST]
    return rows


def _approach(
    spec: InstanceSpec, prompt: int, name: EstimatorName, limit: Floats, group_size: int
) -> Row:
    """Distance of all components together from the limit, at most 3/4 of that at G/2.

    Exact numbers, no sampling. Of all together, since a single one may pass through its limit.
    Where successes or failures are too rare for groups of this size, it says nothing.
    """
    here, before = (
        float(np.linalg.norm(exact_correlations(spec, g)[name][prompt] - limit))
        for g in (group_size, group_size // 2)
    )
    bound = CLOSER * before
    near = here <= bound
    verdict: Verdict = "holds" if near else "inconclusive"
    note = "distance from the limit, against 3/4 of that at half the group size"
    note += "" if near else ": not yet in the range where it falls as 1/G, larger groups would be"
    parameters = {"prompt": prompt, "estimator": name, "group_size": group_size}
    return exact("L.correlation", spec.name, parameters, here, bound, verdict, note)


def limit_rows(scope: Scope, results: Mapping[RunSettings, RunResult]) -> list[Row]:
    """The limit's correlations from the law against the formulas, and the approach to them."""
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
            found = exact_correlations(spec, g)
            expected = np.asarray(_decoupled(weights, prompt.mean, g))
            if mutant == "no groups":
                expected = prompt.formulas[DECOUPLED.name]
            for k, value in enumerate(map(float, expected)):
                extra = {
                    "chance": float(prompt.mean[k]),
                    "joint": float(found[JOINT.name][q, k]),
                    "joint_limit": float(prompt.formulas[JOINT.name][k]),
                    "decoupled_limit": float(prompt.formulas[DECOUPLED.name][k]),
                }
                parameters = {**_parameters(q, k, DECOUPLED.name), "group_size": g}
                own = float(found[DECOUPLED.name][q, k])
                rows.append(equality(claim, spec.name, parameters, own, value, extra=extra))
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
    proof=("theory.correlation",),
    assumptions=(
        in_cells("uncorrelated components that vary"),
        *stated("the limit of large groups"),
    ),
    mutants={"variances": MUTANTS["variances"]},
    runs=lambda scope: [],
    rows=limit_rows,
    exact=correlation.LIMIT,
)
LAW = Claim(
    name="L.correlation.law",
    statement="decoupled at finite G: corr(r_k, A) = w_k sigma_k c_G(p_k)/sqrt(sum w_j^2 "
    "(1 - p_j^G - (1-p_j)^G))",
    provenance="derived",
    expected="holds",
    proof=("theory.correlation",),
    figures=("literature",),
    assumptions=(in_cells("independent binary components"), *stated("eps = 0")),
    mutants={"no groups": MUTANTS["no groups"]},
    runs=lambda scope: [],
    rows=law_rows,
    exact=correlation.LAW,
)
