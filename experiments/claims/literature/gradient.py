"""L.contrast and L.hessian: gradient and Hessian of J as moments of listed episodes.

One side of each cell is automatic differentiation of the exact value, the other a sum over all
episodes; see ``theory.evaluation.curvature``.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import NamedTuple, get_args

import jax
import numpy as np
from jaxtyping import Array, Float

from grpo_checks.experiments.claims.literature.listed_errors import listed_errors
from grpo_checks.experiments.models.instances import InstanceSpec, build, named
from grpo_checks.experiments.models.settings import RunResult, RunSettings
from grpo_checks.experiments.points.literature import gradient
from grpo_checks.experiments.protocol.assumptions import LISTED, in_cells, influence_on, stated
from grpo_checks.experiments.protocol.cell_rows import (
    at_most,
    exact,
    inequality,
    no_better,
    seen,
    unmet,
)
from grpo_checks.experiments.protocol.claim import Claim, Row, Scope
from grpo_checks.theory.convergence.smoothness import general_smoothness
from grpo_checks.theory.evaluation.curvature import Norm, contrast, curvature_moments, matrix_norm
from grpo_checks.theory.evaluation.episode_listing import Floats, Listing, list_episodes, obstacle
from grpo_checks.theory.evaluation.tilting import best_outcome
from grpo_checks.theory.evaluation.values import Theta, law_gradients, prompt_values
from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.mdp.policy import Policy, Tabular

NORMS: tuple[Norm, ...] = get_args(Norm)


@jax.jit
def _both(
    mdp: TAMDP, policy: Policy, theta: Theta
) -> tuple[Float[Array, "Q C n"], Float[Array, "Q ..."]]:
    """grad p_q(v) and Hess J_q by automatic differentiation; one compilation per shape."""
    hessian = jax.hessian(lambda t: prompt_values(mdp, policy.probs(t)))(theta)
    return law_gradients(mdp, policy, theta), hessian


class Derivatives(NamedTuple):
    """theta flattened to n numbers."""

    law: Floats
    """(Q, C, n): grad p_q(v)."""
    hessian: Floats
    """(Q, n, n): Hess J_q."""


@cache
def derivatives(spec: InstanceSpec) -> Derivatives:
    """Of an instance at its start."""
    _, mdp, policy, theta, *_ = build(spec)
    slopes, hessians = map(np.asarray, _both(mdp, policy, theta))
    n = theta.size
    n_prompts, n_classes = slopes.shape[:2]
    return Derivatives(slopes.reshape(n_prompts, n_classes, n), hessians.reshape(n_prompts, n, n))


@cache
def listings(spec: InstanceSpec) -> list[Listing] | None:
    """The episodes of each prompt; None where there are too many."""
    _, mdp, policy, theta, *_ = build(spec)
    return None if obstacle(mdp, policy) else list_episodes(mdp, policy, theta)


def too_many(claim: str, spec: InstanceSpec) -> Row:
    """What a claim says of a model whose episodes cannot be listed."""
    _, mdp, policy, *_ = build(spec)
    return unmet(claim, spec.name, {}, obstacle(mdp, policy))


def _specs(scope: Scope) -> list[InstanceSpec]:
    if scope.instance is not None:
        return [scope.instance]
    small = named("random", components=2, seed=1, width=1, tools=1, depth=1)
    specs = [named("conflict", components=1, start=-0.5), small]
    if scope.profile == "quick":
        return specs
    more = [named(name, components=3) for name in ("search", "coding")]
    more += [named("bits", components=3, correlation=c) for c in (0.0, 0.5)]
    tabular = [
        named("random", components=2, seed=s, width=1, tools=1, depth=1) for s in range(2, 12)
    ]
    linear = [named("random", components=2, seed=s, features=3) for s in range(10)]
    return [*specs, *more, *tabular, *linear]


def _contrast_rows(spec: InstanceSpec, mutant: str | None) -> list[Row]:
    """|p(1-p)(E[s|1]-E[s|0])| against |grad p|; they must agree as vectors."""
    claim, listed = "L.contrast", listings(spec)
    if listed is None:
        return [too_many(claim, spec)]
    mdp, slopes, rows = build(spec).mdp, derivatives(spec).law, []
    learns = influence_on(spec).law
    errors = [listed_errors(spec, one, q) for q, one in enumerate(listed)]
    for k in range(mdp.weights.shape[0]):
        event = np.asarray(best_outcome(mdp, k))
        for q, one in enumerate(listed):
            parameters = {"component": k, "prompt": q}
            p = float(one.probability @ event[one.reward_class])
            rest = float(one.probability @ (1 - event)[one.reward_class])
            if min(p, rest) <= 0:
                rows.append(unmet(claim, spec.name, parameters, f"p = {p:g}: a certain reward"))
                continue
            factor = p if mutant == "p for p(1-p)" else p * rest
            slope, expected = factor * contrast(one, event), event @ slopes[q]
            distance = float(np.linalg.norm(slope - expected))
            size, formula = float(np.linalg.norm(expected)), float(np.linalg.norm(slope))
            off = errors[q].gradient
            extra = {"distance": distance, "chance": p}
            labels = (claim, spec.name, parameters, size, formula, at_most(distance, 0.0, off))
            row = replace(exact(*labels, "", extra), rounding=off, identity=not learns[q])
            rows.append(seen(row))
    return rows


def _trivial(spec: InstanceSpec) -> float:
    """|Hess J_q|_2 is at most this for any policy (``theory.convergence.smoothness``)."""
    _, mdp, policy, *_ = build(spec)
    if isinstance(policy, Tabular):
        return float(mdp.max_reward) / 2
    return float(general_smoothness(mdp, policy))


def _hessian_rows(spec: InstanceSpec, mutant: str | None) -> list[Row]:
    claim, listed = "L.hessian", listings(spec)
    if listed is None:
        return [too_many(claim, spec)]
    hessians, trivial, rows = derivatives(spec).hessian, _trivial(spec), []
    learns = influence_on(spec).law
    for q, (one, hessian) in enumerate(zip(listed, hessians, strict=True)):
        moments, off = curvature_moments(one), listed_errors(spec, one, q).hessian
        for norm in NORMS:
            size = matrix_norm(hessian, norm)
            bound = moments.bound("spectral" if mutant == "one norm" else norm)
            bound *= {"half": 0.5, "variance": moments.deviation}.get(mutant or "", 1.0)
            parameters = {"prompt": q, "norm": norm}
            extra = {"reward_deviation": moments.deviation, "n_parameters": len(hessian)}
            labels = (claim, spec.name, parameters, size, bound, off, "", extra)
            row = seen(inequality(*labels, identity=not learns[q]))
            if norm == "spectral" and bound >= trivial - off:
                row = no_better(row, f"no better than {trivial:.3g}, true of every policy")
            rows.append(row)
    return rows


def contrast_rows(scope: Scope, results: Mapping[RunSettings, RunResult]) -> list[Row]:
    """Every component and prompt of every instance."""
    return [row for spec in _specs(scope) for row in _contrast_rows(spec, scope.mutant)]


def hessian_rows(scope: Scope, results: Mapping[RunSettings, RunResult]) -> list[Row]:
    """Every prompt of every instance, in both norms."""
    return [row for spec in _specs(scope) for row in _hessian_rows(spec, scope.mutant)]


CONTRAST = Claim(
    name="L.contrast",
    statement="arXiv:2510.08539: grad p = p(1-p) (E[s|r=1] - E[s|r=0]) for one binary reward",
    provenance="literature",
    expected="holds",
    proof=("grpo_checks.theory.evaluation.curvature",),
    assumptions=(LISTED, in_cells("0 < p < 1")),
    mutants={"p for p(1-p)": "grad p = p (E[s|r=1] - E[s|r=0])"},
    runs=lambda scope: [],
    rows=contrast_rows,
    exact=gradient.CONTRAST,
)
HESSIAN = Claim(
    name="L.hessian",
    statement="arXiv:2601.23135: |Hess J| <= sigma_r sqrt(E|s s^T + Hess log pi|^2), both norms "
    "spectral or both Frobenius",
    provenance="literature",
    expected="holds",
    proof=("grpo_checks.theory.evaluation.curvature",),
    assumptions=(LISTED, *stated("one prompt at a time")),
    mutants={
        "half": "half the bound",
        "variance": "sigma_r^2 for sigma_r",
        "one norm": "the spectral bound in the Frobenius norm too",
    },
    runs=lambda scope: [],
    rows=hessian_rows,
    exact=gradient.HESSIAN,
)
