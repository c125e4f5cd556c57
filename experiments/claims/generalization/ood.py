"""T3.ood: how far a risk may move from one law of task types to another.

Statement: with osc = max l - min l, L_T - L_S is at most osc TV, TV, sqrt(KL/2) in either order of
the laws, and sqrt(chi^2(D_T ‖ D_S) Var_S l); kl(L_T ‖ L_S) <= KL(D_T ‖ D_S). Two bounds that use a
sample besides: ``ood_sampled``.
Proof: total variation by its definition, Pinsker, Cauchy-Schwarz, data processing.
Source: abstract; derived where it is silent.
Units: losses in [0, 1], divergences in nats. Cells: all deterministic policies of `specialists`
(the worst of them decides a cell), all 50 sampled ones elsewhere.
"""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flint import fmpq
from jaxtyping import Array, Float

from grpo_checks.experiments.claims.generalization import kl_order, ood_sampled
from grpo_checks.experiments.claims.generalization.facts import ood as facts
from grpo_checks.experiments.claims.generalization.hardest import transfer
from grpo_checks.experiments.claims.generalization.problems import (
    ProblemSpec,
    build_problem,
    problems,
    specialists,
)
from grpo_checks.experiments.falsifier.constraints import interval, one_of, simplex
from grpo_checks.experiments.falsifier.domain import Domain
from grpo_checks.experiments.falsifier.statement import Statement
from grpo_checks.experiments.models.settings import RunResult, RunSettings
from grpo_checks.experiments.points.generalization.deep import of_losses
from grpo_checks.experiments.protocol.assumptions import (
    TASKS_DIFFER,
    VALUES_DIFFER,
    in_cells,
    stated,
)
from grpo_checks.experiments.protocol.cell_rows import inequality, no_better
from grpo_checks.experiments.protocol.claim import Claim, Row, Scope
from grpo_checks.experiments.protocol.forms import by_name
from grpo_checks.theory.generalization.learning import Learning
from grpo_checks.theory.generalization.transfer import Shifted, limits, shifted, total_variation
from grpo_checks.theory.numbers.kl import binary_kl, kl_divergence, kl_first
from grpo_checks.theory.numbers.logs import Logs, as_powers, binary_divergence, divergence
from grpo_checks.theory.updates.rounding import accumulated

NAME = "T3.ood"
PROCESSED = "data_processing"


def _one_policy() -> Learning:
    """It fails on the rare one of two types, and only there: where the mutants are false."""
    return Learning([[0.0, 1.0]], [0.9, 0.1])


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
    rows, names = [], [*Shifted._fields, *STATEMENT.mutants]
    losses, error = np.asarray(problem.loss), accumulated(problem.loss.shape[1] + 16)
    # For the figure: the policy that loses most when its tasks become all of the rarest type.
    shown = int(np.argmax(losses[:, np.argmin(problem.chance)] - np.asarray(problem.risk)))
    for label, source, target in ood_sampled.moved_laws(np.asarray(problem.chance)):
        (risk, bounds), (_, upper) = (
            map(np.asarray, _all_bounds(problem.loss, source, target, e)) for e in (0.0, error)
        )
        variation = float(np.abs(source - target).sum() / 2)
        for name, bound, above in zip(names, bounds, upper, strict=True):
            if (name in STATEMENT.mutants) if mutant is None else (name != mutant):
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
            rows.append(no_better(row, ood_sampled.TRIVIAL) if np.isinf(slack).all() else row)
    return rows


def sides(bound: str, source: Any, target: Any, loss: Any) -> tuple[Any, Any]:
    """Of the bound that is named: L_T - L_S and its limit, or kl(L_T ‖ L_S) and KL(D_T ‖ D_S)."""
    before, after = loss @ source, loss @ target
    if bound == PROCESSED:
        return binary_kl(after, before), kl_divergence(target, source)
    return after - before, getattr(limits(loss, source, target), bound)


def _swapped(bound: str, source: Any, target: Any, loss: Any) -> tuple[Any, Any]:
    return kl_order.sides(source, target, loss)


def _halved(bound: str, source: Any, target: Any, loss: Any) -> tuple[Any, Any]:
    return loss @ target - loss @ source, total_variation(source, target) / 2


def _trivial(bound: str, source: Any, target: Any, loss: Any) -> Any:
    """L_T <= 1."""
    return jnp.inf if bound == PROCESSED else 1 - loss @ source


def _logs(source: Any, target: Any, loss: Any) -> tuple[Logs | None, Logs | None]:
    return binary_divergence(loss @ target, loss @ source), divergence(target, source)


def _equal(entry: int, bound: str, **point: Any) -> bool | None:
    if bound != PROCESSED:
        return None
    left, right = _logs(**point)
    return left is not None and right is not None and left.plus(right, fmpq(-1)).vanishes()


def _in_powers(bound: str, **point: Any) -> str | None:
    return as_powers(*_logs(**point)) if bound == PROCESSED else None


STATEMENT = Statement(
    sides,
    Domain(
        {
            "source": simplex("types", support=False),
            "target": simplex("types", support=False),
            "loss": interval("types"),
        },
        {"bound": one_of(*Shifted._fields)},
        places=[{"bound": bound, "types": 3} for bound in Shifted._fields],
    ),
    mutants={
        "KL swapped": ("kl(L_T ‖ L_S) <= KL(D_S ‖ D_T)", _swapped),
        "half of TV": ("L_S + TV/2", _halved),
    },
    trivial=_trivial,
    equal=_equal,
    note=_in_powers,
)


def rows(scope: Scope, results: Mapping[RunSettings, RunResult]) -> list[Row]:
    """Expectations and sampled bounds, for each shift."""
    if scope.mutant in ood_sampled.STATEMENT.mutants:
        return transfer.outer_factor(NAME)
    if scope.mutant is not None:
        return _expectations("one policy", {}, _one_policy(), scope.mutant)
    specs = [ProblemSpec(scope.instance)] if scope.instance else [specialists(deterministic=True)]
    if scope.profile == "paper" and scope.instance is None:
        specs += problems(scope)
    table = []
    for spec in specs:
        known = (spec.instance.name, spec.parameters(), build_problem(spec))
        table += _expectations(*known, None)
    table += [row for spec in specs[:1] for row in ood_sampled.sampled_rows(NAME, spec)]
    return table if scope.instance else table + transfer.cells(NAME)


CLAIM = Claim(
    name=NAME,
    statement="L_T <= L_S + osc TV <= L_S + sqrt(KL/2); data processing; chi-square; weighted kl",
    provenance="abstract",
    expected="holds",
    proof=("grpo_checks.theory.generalization.transfer",),
    figures=("t3_ood",),
    facts={NAME: facts.ood},
    assumptions=(
        *stated("losses in [0, 1]"),
        in_cells("weights: the source covers the target"),
        VALUES_DIFFER,
        TASKS_DIFFER,
    ),
    mutants={**STATEMENT.changes, **ood_sampled.STATEMENT.changes},
    rows=rows,
    exact=by_name(
        "bound", (Shifted._fields, STATEMENT.exact()), (ood_sampled.SAMPLED, ood_sampled.EXACT)
    ).with_deep(of_losses(STATEMENT).exact()),
)
