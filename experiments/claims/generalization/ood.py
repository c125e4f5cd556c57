"""T3.ood: bounds on the target risk, from mild shifts to disjoint task types.

All deterministic policies of `specialists` (the worst of them decides a cell), all 50 sampled ones
elsewhere. Cells of expectations are exact; the two bounds that also use a sample, kl-xi plus TV and
the importance-weighted kl, have exact failure probabilities.
"""

from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from grpo_checks.experiments.claims.generalization.problems import (
    ProblemSpec,
    build_problem,
    feasible,
    problems,
    specialists,
)
from grpo_checks.experiments.models.settings import RunResult, RunSettings
from grpo_checks.experiments.points.generalization.ood import EXACT
from grpo_checks.experiments.protocol.assumptions import (
    TASKS_DIFFER,
    VALUES_DIFFER,
    in_cells,
    stated,
)
from grpo_checks.experiments.protocol.cell_rows import inequality, no_better, unmet
from grpo_checks.experiments.protocol.claim import Claim, Row, Scope
from grpo_checks.theory.generalization.coverage import BOUNDS, coverage
from grpo_checks.theory.generalization.learning import Learning
from grpo_checks.theory.generalization.transfer import Shifted, reweighted, shifted, total_variation
from grpo_checks.theory.numbers.kl import kl_divergence, kl_first
from grpo_checks.theory.updates.rounding import accumulated

NAME = "T3.ood"
SHIFTS = (0.0, 0.05, 0.1, 0.2, 0.4, 0.7, 1.0)
MUTANTS = {
    "KL swapped": "kl(L_T ‖ L_S) <= KL(D_S ‖ D_T)",
    "half of TV": "L_S + TV/2",
}
DELTA, TASKS = 0.05, 20
TRIVIAL = "no better than 1, the trivial bound on a risk"


def _one_policy() -> Learning:
    """It fails on the rare one of two types, and only there: where the mutants are false."""
    return Learning([[0.0, 1.0]], [0.9, 0.1])


def _laws(source: np.ndarray) -> list[tuple[str, np.ndarray, np.ndarray]]:
    """Towards the rarest type, step by step; then a target that the source has never seen."""
    rare = np.eye(source.size)[np.argmin(source)]
    laws = [(f"{s:g}", source, (1 - s) * source + s * rare) for s in SHIFTS]
    if source.size > 1:
        rest = source * (1 - rare)
        laws.append(("disjoint", rest / rest.sum(), rare))
    return laws


_reweighted = jax.jit(reweighted)


@jax.jit
def _all_bounds(
    losses: Float[Array, "M Z"],
    source: Float[Array, " Z"],
    target: Float[Array, " Z"],
    error: float | Float[Array, ""],
) -> tuple[Float[Array, " M"], Float[Array, "B M"]]:
    """For each policy: L_T, and the bounds, those of the mutants last, at this rounding error."""
    bounds = jax.vmap(lambda loss: shifted(loss, source, target, error))(losses)
    risk = losses @ source * (1 + error)
    swapped = kl_first(jnp.minimum(risk, 1.0), jnp.minimum(kl_divergence(source, target), 700.0))
    halved = jnp.minimum(risk + total_variation(source, target) / 2, 1.0)
    return losses @ target, jnp.stack([*bounds, swapped, halved])


def _expectations(
    instance: str, parameters: Mapping[str, object], problem: Learning, mutant: str | None
) -> list[Row]:
    """For each shift and bound the policy with the least slack, where the bound is below 1."""
    rows, names = [], [*Shifted._fields, *MUTANTS]
    losses, error = np.asarray(problem.loss), accumulated(problem.loss.shape[1] + 16)
    # For the figure: the policy that loses most when its tasks become all of the rarest type.
    shown = int(np.argmax(losses[:, np.argmin(problem.chance)] - np.asarray(problem.risk)))
    for label, source, target in _laws(np.asarray(problem.chance)):
        (risk, bounds), (_, upper) = (
            map(np.asarray, _all_bounds(problem.loss, source, target, e)) for e in (0.0, error)
        )
        variation = float(np.abs(source - target).sum() / 2)
        for name, bound, above in zip(names, bounds, upper, strict=True):
            if (name in MUTANTS) if mutant is None else (name != mutant):
                continue
            off = above - bound + error * risk
            # Next to 1 the bound says nothing.
            slack = np.where(bound < 1, bound + off - risk, np.inf)
            worst = int(np.argmin(slack))
            cell = {**parameters, "shift": label, "bound_name": name}
            one = {"shown_bound": float(bound[shown]), "shown_risk": float(risk[shown])}
            sides = (float(risk[worst]), float(bound[worst]), float(off[worst]))
            extra = {"variation": variation, **one}
            # The same law: L_T = L_S, and so are the bounds, whatever the policy.
            row = inequality(NAME, instance, cell, *sides, "", extra, identity=variation <= error)
            rows.append(no_better(row, TRIVIAL) if np.isinf(slack).all() else row)
    return rows


def _sampled_row(
    labels: tuple[str, str, dict[str, object]], problem: Learning, variation: float, unit: float
) -> Row:
    """P(unit (kl-xi bound + variation) < L_T), where L_T/unit is the problem's target risk."""
    cell = coverage(problem, TASKS, 1.0, (DELTA,) * 3, shift=variation)
    at = BOUNDS.index("kl-xi")
    failure, mean = float(cell.failure[at, 0]), min(unit * float(cell.mean_bound[at, 0]), 1.0)
    off = float(cell.rounding[at, 0])
    row = inequality(*labels, failure, DELTA, off, "", {"mean_bound": mean})
    return no_better(row, TRIVIAL) if mean >= 1 - unit * cell.mean_rounding else row


def _sampled(spec: ProblemSpec) -> list[Row]:
    """kl-xi + TV, and the importance-weighted kl-xi bound: how often they lie below L_T."""
    problem, rows = build_problem(spec), []
    for label, source, target in _laws(np.asarray(problem.chance)):
        parameters = {**spec.parameters(), "shift": label, "n_tasks": TASKS, "delta": DELTA}
        heads = [
            (NAME, spec.instance.name, {**parameters, "bound_name": name})
            for name in ("kl-xi + TV", "importance-weighted kl-xi")
        ]
        plain = Learning(problem.loss, source, problem.prior, target)
        variation = float(np.abs(source - target).sum() / 2)
        rows.append(_sampled_row(heads[0], plain, variation, 1.0))
        losses, top = _reweighted(problem.loss, source, target)
        if not np.isfinite(top):
            note = "the source never shows the target's tasks: weights are infinite"
            rows.append(unmet(*heads[1], note))
            continue
        # In units of w_max: D_T enters through the weights, the sample is the source's.
        weighted = Learning(np.clip(losses, 0, 1), source, problem.prior)
        rows.append(_sampled_row(heads[1], weighted, 0.0, float(top)))
    return rows


def rows(scope: Scope, results: Mapping[RunSettings, RunResult]) -> list[Row]:
    """Expectations and sampled bounds, for each shift."""
    if scope.mutant is not None:
        return _expectations("one policy", {}, _one_policy(), scope.mutant)
    specs = [ProblemSpec(scope.instance)] if scope.instance else [specialists(deterministic=True)]
    if scope.profile == "paper" and scope.instance is None:
        specs += problems(scope)
    table = []
    for spec in specs:
        known = (spec.instance.name, spec.parameters(), build_problem(spec))
        table += _expectations(*known, None)
    for spec in specs[:1]:
        table += _sampled(spec) if feasible(spec, (TASKS,)) else []
    return table


CLAIM = Claim(
    name=NAME,
    statement="L_T <= L_S + osc TV <= L_S + sqrt(KL/2); data processing; chi-square; weighted kl",
    provenance="abstract",
    expected="holds",
    proof=("grpo_checks.theory.generalization.transfer",),
    figures=("t3_ood",),
    assumptions=(
        *stated("losses in [0, 1]"),
        in_cells("weights: the source covers the target"),
        VALUES_DIFFER,
        TASKS_DIFFER,
    ),
    mutants=MUTANTS,
    runs=lambda scope: [],
    rows=rows,
    exact=EXACT,
)
