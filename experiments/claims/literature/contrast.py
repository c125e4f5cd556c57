"""L.contrast: the gradient of a chance of success is what success and failure differ by in score.

Statement: grad p = p(1-p) (E[s | r=1] - E[s | r=0]) for one binary reward with chance 0 < p < 1.
Proof: grad p = E[r s] and E[s] = 0.
Source: arXiv:2510.08539, "gradient gap"; our formalisation, see ``theory.evaluation.curvature``.
Units: of cells, |grad p| and the length of the right-hand side; at rational points their squares,
and the squared distance of the two vectors against 0.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from grpo_checks.experiments.claims.literature.listed_errors import listed_prompts
from grpo_checks.experiments.falsifier.choice_domain import ChoiceDomain, expect_binary, one_prompt
from grpo_checks.experiments.falsifier.statement import Statement
from grpo_checks.experiments.models.instances import InstanceSpec, build, named
from grpo_checks.experiments.models.settings import RunResult, RunSettings
from grpo_checks.experiments.protocol.assumptions import LISTED, in_cells
from grpo_checks.experiments.protocol.cell_rows import Models, at_most, exact, seen, unmet
from grpo_checks.experiments.protocol.claim import Claim, Facts, Row, Scope
from grpo_checks.experiments.runs.words import Table, having
from grpo_checks.theory.evaluation.curvature import contrast, score_contrast
from grpo_checks.theory.evaluation.episode_listing import Floats
from grpo_checks.theory.evaluation.tilting import best_outcome
from grpo_checks.theory.evaluation.values import law_gradients

NAME = "L.contrast"
MUTANT = "p for p(1-p)"


def sides(factor: Any = lambda p: p * (1 - p), **model: Any) -> tuple[Any, Any]:
    """The definition, grad p by differentiating a softmax, against the contrast of scores."""
    one = one_prompt(**{**model, "weights": jnp.ones(1)})
    slope = jax.grad(one.value_at)(jnp.zeros(len(one.policy)))
    formula = factor(one.mean) * score_contrast(one.probability, one.composite, one.score)
    squares = [(v**2).sum() for v in (slope, slope - formula, formula)]
    return jnp.stack(squares[:2]), jnp.stack([squares[2], jnp.zeros(())])


STATEMENT = Statement(
    sides,
    ChoiceDomain(places=[{"actions": n, "outcomes": 2, "binary": True} for n in (2, 3)]),
    "equal",
    mutants={MUTANT: ("grad p = p (E[s|r=1] - E[s|r=0])", {"factor": lambda p: p})},
    exception=expect_binary,
)


@cache
def _law_slopes(spec: InstanceSpec) -> Floats:
    """(Q, C, n): grad p_q(v) of an instance at its start, by automatic differentiation."""
    _, mdp, policy, theta, *_ = build(spec)
    slopes = np.asarray(law_gradients(mdp, policy, theta))
    return slopes.reshape(*slopes.shape[:2], theta.size)


SMALL_MODELS = Models(
    [
        named("conflict", components=1, start=-0.5),
        named("random", components=2, seed=1, width=1, tools=1, depth=1),
    ],
    [
        *(named(name, components=3) for name in ("search", "coding")),
        *(named("bits", components=3, correlation=c) for c in (0.0, 0.5)),
        *(named("random", components=2, seed=s, width=1, tools=1, depth=1) for s in range(2, 12)),
        *(named("random", components=2, seed=s, features=3) for s in range(10)),
    ],
)
"""Whose episodes are few."""


def _rows(spec: InstanceSpec, mutant: str | None) -> list[Row]:
    """|p(1-p)(E[s|1]-E[s|0])| against |grad p|; they must agree as vectors."""
    mdp, slopes, rows = build(spec).mdp, _law_slopes(spec), []
    for k in range(mdp.weights.shape[0]):
        event = np.asarray(best_outcome(mdp, k))
        for q, (one, errors, learns) in enumerate(listed_prompts(spec)):
            parameters = {"component": k, "prompt": q}
            p = float(one.probability @ event[one.reward_class])
            rest = float(one.probability @ (1 - event)[one.reward_class])
            if min(p, rest) <= 0:
                rows.append(unmet(NAME, spec.name, parameters, f"p = {p:g}: a certain reward"))
                continue
            factor = p if mutant == MUTANT else p * rest
            slope, expected = factor * contrast(one, event), event @ slopes[q]
            distance = float(np.linalg.norm(slope - expected))
            size, formula = float(np.linalg.norm(expected)), float(np.linalg.norm(slope))
            off = errors.gradient
            extra = {"distance": distance, "chance": p}
            labels = (NAME, spec.name, parameters, size, formula, at_most(distance, 0.0, off))
            row = replace(exact(*labels, "", extra), rounding=off, identity=not learns)
            rows.append(seen(row))
    return rows


def rows(scope: Scope, results: Mapping[RunSettings, RunResult]) -> list[Row]:
    """Every component and prompt of every instance."""
    return [row for spec in SMALL_MODELS.chosen(scope) for row in _rows(spec, scope.mutant)]


def facts(data: Table) -> Facts:
    """Of L.contrast."""
    true = having(data, "holds")
    return {"holds": len(true), "distance": true["distance"].max()}


CLAIM = Claim(
    name=NAME,
    statement="arXiv:2510.08539: grad p = p(1-p) (E[s|r=1] - E[s|r=0]) for one binary reward",
    provenance="literature",
    expected="holds",
    proof=("grpo_checks.theory.evaluation.curvature",),
    facts={NAME: facts},
    assumptions=(LISTED, in_cells("0 < p < 1")),
    rows=rows,
    exact=STATEMENT.exact(),
)
