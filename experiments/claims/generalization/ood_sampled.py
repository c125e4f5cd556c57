"""T3.ood with a sample: two bounds on the target risk from n tasks of the source.

Statement: with chance 1 - delta, L_T is at most the kl-xi bound on L_S plus TV(D_S, D_T); and at
most w_max times the kl-xi bound of the losses w l/w_max, w = D_T/D_S.
Proof: Maurer's bound; |L_T - L_S| <= TV; E_S w l = L_T.
Source: derived.
Units: chances, over the draw of tasks. A document is a learning problem with a target, and
``bound``.
"""

from dataclasses import replace
from itertools import product
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from grpo_checks.experiments.claims.generalization.problems import (
    ProblemSpec,
    build_problem,
    feasible,
)
from grpo_checks.experiments.falsifier.constraints import integer, one_of, simplex
from grpo_checks.experiments.falsifier.domain import Domain
from grpo_checks.experiments.falsifier.statement import Statement
from grpo_checks.experiments.points.generalization.samples import (
    ARRAYS,
    failure,
    informative,
    samples,
    setting,
)
from grpo_checks.experiments.protocol import cell_rows
from grpo_checks.experiments.protocol.cell_rows import inequality, no_better
from grpo_checks.experiments.protocol.claim import Row
from grpo_checks.experiments.protocol.points import Document
from grpo_checks.experiments.protocol.verdict import Decision, unmet
from grpo_checks.theory.generalization.coverage import coverage
from grpo_checks.theory.generalization.learning import Learning
from grpo_checks.theory.generalization.pac_bayes import BOUNDS, FORMULAS
from grpo_checks.theory.generalization.transfer import reweighted, total_variation
from grpo_checks.theory.numbers.counts import MAX_TASKS
from grpo_checks.theory.numbers.logs import covered

MOVED, WEIGHTED = SAMPLED = ("kl-xi + TV", "importance-weighted kl-xi")
DELTA, TASKS = 0.05, 20
TRIVIAL = "no better than 1, the trivial bound on a risk"
UNCOVERED = "the source never shows the target's tasks: weights are infinite"
SHIFTS = (0.0, 0.05, 0.1, 0.2, 0.4, 0.7, 1.0)
_reweighted = jax.jit(reweighted)


def moved_laws(source: np.ndarray) -> list[tuple[str, np.ndarray, np.ndarray]]:
    """Towards the rarest type, step by step; then a target that the source has never seen."""
    rare = np.eye(source.size)[np.argmin(source)]
    pairs = [(f"{s:g}", source, (1 - s) * source + s * rare) for s in SHIFTS]
    if source.size > 1:
        rest = source * (1 - rare)
        pairs.append(("disjoint", rest / rest.sum(), rare))
    return pairs


def _row(
    labels: tuple[str, str, dict[str, object]], problem: Learning, variation: float, unit: float
) -> Row:
    """P(unit (kl-xi bound + variation) < L_T), where L_T/unit is the problem's target risk."""
    cell = coverage(problem, TASKS, 1.0, (DELTA,) * 3, shift=variation)
    at = BOUNDS.index("kl-xi")
    failing, mean = float(cell.failure[at, 0]), min(unit * float(cell.mean_bound[at, 0]), 1.0)
    off = float(cell.rounding[at, 0])
    row = inequality(*labels, failing, DELTA, off, "", {"mean_bound": mean})
    return no_better(row, TRIVIAL) if mean >= 1 - unit * cell.mean_rounding else row


def sampled_rows(claim: str, spec: ProblemSpec) -> list[Row]:
    """How often each bound lies below L_T; none where the samples are too many to list."""
    problem, rows = build_problem(spec), []
    pairs = moved_laws(np.asarray(problem.chance)) if feasible(spec, (TASKS,)) else []
    for label, source, target in pairs:
        parameters = {**spec.parameters(), "shift": label, "n_tasks": TASKS, "delta": DELTA}
        moved, weighted = (
            (claim, spec.instance.name, {**parameters, "bound_name": name}) for name in SAMPLED
        )
        plain = Learning(problem.loss, source, problem.prior, target)
        rows.append(_row(moved, plain, float(np.abs(source - target).sum() / 2), 1.0))
        losses, top = _reweighted(problem.loss, source, target)
        if not np.isfinite(top):
            rows.append(cell_rows.unmet(*weighted, UNCOVERED))
            continue
        # In units of w_max: D_T enters through the weights, the sample is the source's.
        scaled = Learning(np.clip(losses, 0, 1), source, problem.prior)
        rows.append(_row(weighted, scaled, 0.0, float(top)))
    return rows


def _bounds(
    bound: str, n: int, delta: Any, source: Any, target: Any, losses: Any, **law: Any
) -> tuple[Any, Any, Any]:
    """Of the bound named; the weighted one in units of w_max, in which L_T is a source risk."""
    if bound == WEIGHTED:
        losses, target = reweighted(losses, source, target)[0], source
    chance, sample = samples(n, source, losses, target=target, **law)
    known = FORMULAS["kl-xi"](sample, setting(n, delta))
    return chance, known + total_variation(source, target), sample.risk


def _outer(bound: str, source: Any, target: Any, **problem: Any) -> tuple[Any, Any, Any]:
    """With E w^2 for w_max as the outer factor of the weighted bound, whatever bound is named."""
    chance, known, risk = _bounds(WEIGHTED, source=source, target=target, **problem)
    square = (jnp.square(target) / source).sum()
    return chance, known * square / (target / source).max(), risk


def _uncovered(bound: str, source: Any, target: Any, **others: Any) -> Decision | None:
    return None if bound == MOVED or covered(target, source) else unmet(UNCOVERED)


STATEMENT = Statement(
    failure(_bounds),
    Domain(
        {**ARRAYS, "target": simplex("types", support=False)},
        {"bound": one_of(*SAMPLED), "n": integer(1, MAX_TASKS)},
        places=[
            {"bound": b, "n": n, "policies": 1, "types": 2, "prior": False, "temperature": False}
            for b, n in product(SAMPLED, (1, 4))
        ],
    ),
    trivial=informative(_bounds),
    exception=_uncovered,
    mutants={
        "E w^2 for max w": (
            "E w^2 as the outer factor of the weighted bound, for max w",
            failure(_outer),
        )
    },
)


def decide(document: Document, mutant: str | None) -> Decision:
    """Of the bound named. Raises ValueError for a mutant of the bounds without a sample."""
    if mutant not in (None, *STATEMENT.mutants):
        raise ValueError(f"bound = {document['bound']!r}: expected one without a sample")
    return STATEMENT.decide(document, mutant)


EXACT = replace(replace(STATEMENT, sides=failure(_bounds, soft=True)).exact(), decide=decide)
