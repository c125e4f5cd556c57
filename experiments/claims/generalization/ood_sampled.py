"""T3.ood with a sample: two bounds on the target risk from n tasks of the source.

Statement: with chance 1 - delta, L_T is at most the kl-xi bound on L_S plus TV(D_S, D_T); and at
most w_max times the kl-xi bound of the losses w l/w_max, w = D_T/D_S.
Proof: Maurer's bound; |L_T - L_S| <= TV; E_S w l = L_T.
Source: derived.
Units: chances, over the draw of tasks. A document is a learning problem with a target
(``theory.rational.tasks.tasks``), and ``bound``.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flint import fmpq

from grpo_checks.experiments.claims.generalization.problems import (
    ProblemSpec,
    build_problem,
    feasible,
)
from grpo_checks.experiments.falsifier.constraints import integer, interval, one_of, simplex
from grpo_checks.experiments.falsifier.domain import Domain, Place
from grpo_checks.experiments.protocol import cell_rows
from grpo_checks.experiments.protocol.cell_rows import inequality, no_better
from grpo_checks.experiments.protocol.claim import Row
from grpo_checks.experiments.protocol.points import Document, Exact, Search
from grpo_checks.experiments.protocol.verdict import Decision, compare, unmet
from grpo_checks.theory.generalization.coverage import BOUNDS, coverage
from grpo_checks.theory.generalization.learning import Learning
from grpo_checks.theory.generalization.maurer_constant import xi
from grpo_checks.theory.generalization.transfer import reweighted, total_variation
from grpo_checks.theory.numbers.counts import MAX_TASKS, count_vectors, log_chances
from grpo_checks.theory.numbers.kl import binary_kl
from grpo_checks.theory.rational.tasks.bounds import RULES, failure, says_nothing
from grpo_checks.theory.rational.tasks.divergences import variation
from grpo_checks.theory.rational.tasks.tasks import Learned, Tasks, learn, parse_tasks

MOVED, WEIGHTED = SAMPLED = ("kl-xi + TV", "importance-weighted kl-xi")
DELTA, TASKS = 0.05, 20
TRIVIAL = "no better than 1, the trivial bound on a risk"
UNCOVERED = "the source never shows the target's tasks: weights are infinite"
SOFT = 0.02
"""Nats over which a sample goes from holding to failing, in the guide alone."""
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
    failure, mean = float(cell.failure[at, 0]), min(unit * float(cell.mean_bound[at, 0]), 1.0)
    off = float(cell.rounding[at, 0])
    row = inequality(*labels, failure, DELTA, off, "", {"mean_bound": mean})
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


def _covered(tasks: Tasks, distance: fmpq) -> Decision:
    """The failure probability of the kl-xi bound plus a distance, against delta."""

    def rule(seen: Learned, n: int, delta: fmpq) -> bool | None:
        return RULES["kl-xi"](seen._replace(risk=seen.risk - distance), n, delta)

    failing = failure(tasks, lambda counts: rule(learn(tasks, counts), tasks.n, tasks.delta))
    if failing == 0 and says_nothing(tasks, rule, learn):
        return Decision(failing, tasks.delta, "vacuous", "no better than 1 for any sample")
    return compare(failing, tasks.delta)


def in_units(tasks: Tasks) -> tuple[Tasks, fmpq] | None:
    """Losses w l/w_max on the source, and w_max, w = D_T/D_S; None where the source covers less."""
    if any(t > 0 and s == 0 for s, t in zip(tasks.source, tasks.target, strict=True)):
        return None
    weight = [t / s if s > 0 else fmpq(0) for s, t in zip(tasks.source, tasks.target, strict=True)]
    top = max(weight)
    losses = tuple(
        tuple(x * w / top for x, w in zip(row, weight, strict=True)) for row in tasks.losses
    )
    return tasks._replace(losses=losses, target=tasks.source), top


def decide(document: Document, mutant: str | None) -> Decision:
    """Of the bound named. Raises ValueError for a mutant: they are about one policy."""
    if mutant is not None:
        raise ValueError(f"bound = {document['bound']!r}: expected one without a sample")
    tasks = parse_tasks(document)
    if document["bound"] == MOVED:
        return _covered(tasks, variation(tasks.source, tasks.target))
    scaled = in_units(tasks)
    return unmet(UNCOVERED) if scaled is None else _covered(scaled[0], fmpq(0))


def _ratio(x: Any, place: Place) -> Any:
    """Failure probability over delta of one policy, softened."""
    point = DOMAIN.point(x, place)
    n, delta, p, q, (loss,) = (point[f] for f in ("n", "delta", "source", "target", "losses"))
    distance, target = total_variation(p, q), loss @ q
    if point["bound"] == WEIGHTED:
        loss, distance = loss * (q / p) / (q / p).max(), jnp.zeros(())
        target = loss @ p
    vectors = count_vectors(n, p.size)
    seen, risk = vectors.astype(float) @ loss / n, target - distance
    needed = jnp.log(xi(n) / delta) / n
    kl = jnp.where(risk > seen, binary_kl(seen, jnp.maximum(risk, seen)), 0.0)
    ways = np.exp(log_chances(vectors, np.ones(p.size)))
    chance = ways * jnp.exp(vectors.astype(float) @ jnp.log(p))
    return chance @ jax.nn.sigmoid((kl - needed) / SOFT) / delta


DOMAIN = Domain(
    {
        "delta": interval(),
        # Weights need a source that shows every type; a document may have one that does not.
        "source": simplex("types"),
        "target": simplex("types", support=False),
        "losses": interval("policies", "types"),
    },
    {"bound": one_of(*SAMPLED), "n": integer(1, MAX_TASKS)},
    places=[{"bound": b, "n": n, "policies": 1, "types": 2} for b in SAMPLED for n in (1, 4)],
)
EXACT = Exact(
    decide,
    Search(DOMAIN.choices(), DOMAIN.dimension, _ratio, DOMAIN.document),
    DOMAIN.simpler,
)
