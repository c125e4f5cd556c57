"""T1.curl: is E[g] of `group_normalized` the gradient of anything? Not with three reward values.

The Jacobian of E[g] is exact up to rounding, and asymmetric at some policy by more than that; where
float64 cannot see it, the curl over three of the model's composites is enclosed, which by
``theory.convergence.jacobian`` is enough. With two values E[g] = c_G(p) grad p is the gradient of
F_G(p): the claim does not apply there.
"""

from collections.abc import Mapping
from dataclasses import replace
from math import sqrt
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flint import fmpq
from jaxtyping import Array, Float
from numpy.typing import NDArray

from grpo_checks.experiments.models.instances import InstanceSpec, build, named
from grpo_checks.experiments.models.settings import RunResult, RunSettings
from grpo_checks.experiments.points.stationarity.curl import STATEMENT, is_curled
from grpo_checks.experiments.protocol.assumptions import MOVABLE_LAW
from grpo_checks.experiments.protocol.cell_rows import Models, certified
from grpo_checks.experiments.protocol.claim import Claim, Facts, Row, Scope
from grpo_checks.experiments.runs.training import exact_law
from grpo_checks.experiments.runs.words import Table, table
from grpo_checks.theory.convergence.jacobian import asymmetry, jacobian_rounding, update_jacobian
from grpo_checks.theory.convergence.smoothness import squared_diameter
from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.estimators.group_law import GroupLaw
from grpo_checks.theory.evaluation.reward_span import reward_spans, widest
from grpo_checks.theory.evaluation.values import Theta
from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.mdp.policy import Policy

_diameter = jax.jit(squared_diameter)
GROUPS = {"quick": (2, 8), "paper": (2, 4, 8, 16)}
PLAIN = Estimator("group_normalized")
TRAINERS = Estimator("group_normalized", ddof=1, eps=1e-4)
"""As TRL has it; checked at the largest group size."""
TWO = named("bandit", components=1, pays=(0, 1, 1))


MODELS = Models(
    [named("bandit", components=1)],
    [TWO, named("coding", components=3), named("random", components=2)],
)


@jax.jit
def _asymmetries(
    mdp: TAMDP, policy: Policy, points: Float[Array, "N O A"], group: GroupLaw
) -> tuple[Float[Array, " N"], Float[Array, " N"]]:
    """|J - J^T|/|J| at each policy, and |J|."""

    def both(theta: Theta) -> tuple[Float[Array, ""], Float[Array, ""]]:
        jacobian = update_jacobian(mdp, policy, theta, group)
        return asymmetry(jacobian), jnp.linalg.norm(jacobian)

    return jax.lax.map(both, points)


def _points(spec: InstanceSpec) -> NDArray[np.float64]:
    """Policies around the uniform one: near certainty little is left of a Jacobian."""
    policy, size = build(spec).policy, build(spec).theta
    # Differences of logits of order 1, whatever the features.
    spread = sqrt(2 / max(float(_diameter(policy)), 1e-300))
    count = 32 if size.size < 10 else 4
    return spread * np.random.default_rng(0).normal(size=(count, *size.shape))


def _measured(spec: InstanceSpec, group_size: int, estimator: Estimator) -> tuple[float, float]:
    """The asymmetry where it is clearest, and its rounding error: |J - J^T| has twice that of J,
    and its ratio to |J|, at most 2, as much again. ValueError for sums too large to tabulate."""
    model, points = (build(spec).mdp, build(spec).policy), _points(spec)
    group = exact_law(spec, group_size, estimator)
    assert group is not None
    ratios, norm = map(np.asarray, _asymmetries(*model, points, group))
    clearest = int(np.argmax(ratios * norm))
    rounding = jacobian_rounding(*model, jax.device_put(points[clearest]), group)
    error = min(4 * rounding / float(norm[clearest]), 2.0) if norm[clearest] > 0 else 2.0
    return float(ratios[clearest]), error


def _enclosed(spec: InstanceSpec, group_size: int, estimator: Estimator) -> bool:
    """Whether the curl over three composites of the prompt that counts is certainly not 0."""
    mdp, policy = build(spec).mdp, build(spec).policy
    lowest = widest(reward_spans(mdp, policy)).numerators[:3]
    return is_curled([fmpq(n, mdp.composite_denominator) for n in lowest], group_size, estimator)


def _measurement(spec: InstanceSpec, group_size: int, estimator: Estimator) -> Row:
    """The numbers of a row, *refuted* as long as nothing speaks against that."""
    mdp, options = build(spec).mdp, {"eps": estimator.eps, "ddof": estimator.ddof}
    parameters = {"components": mdp.weights.shape[0], "group_size": group_size, **options}
    distinct = len(np.unique(np.asarray(mdp.class_numerator)))
    extra: dict[str, Any] = {"estimator": estimator.name, "distinct_rewards": distinct}
    labels = ("T1.curl", spec.name, parameters)
    try:
        ratio, error = _measured(spec, group_size, estimator)
    except ValueError as why:
        nothing = (None, None, None, None)
        return Row(*labels, *nothing, "refuted", f"not in float64: {why}", extra)
    numbers = (ratio, ratio - error, ratio + error, None)
    extra["largest"] = ratio
    return Row(*labels, *numbers, "refuted", "", extra, rounding=error)


def _row(spec: InstanceSpec, group_size: int, estimator: Estimator, mutant: str | None) -> Row:
    row, why = _measurement(spec, group_size, estimator), MOVABLE_LAW.broken_by(spec)
    if why is not None:
        return replace(row, verdict="assumption unmet", note=why)
    visible = row.lower is not None and row.lower > 0
    if not visible and _enclosed(spec, group_size, estimator):
        note = row.note or "too small for float64"
        row, visible = certified(replace(row, note=f"{note}; the curl is enclosed")), True
    denied = mutant == "always a gradient"
    return replace(row, verdict="holds" if visible and not denied else "refuted")


def rows(scope: Scope, results: Mapping[RunSettings, RunResult]) -> list[Row]:
    """The clearest relative asymmetry over some policies, for each model, G and estimator."""
    sizes = GROUPS[scope.profile]
    kinds = [*((g, PLAIN) for g in sizes), (sizes[-1], TRAINERS)]
    return [_row(spec, *kind, scope.mutant) for spec in MODELS.chosen(scope) for kind in kinds]


def facts(data: Table) -> Facts:
    """Of T1.curl: the asymmetry of the Jacobian of E[g]."""
    headings = (
        "instance | distinct_rewards: distinct rewards | group_size: G | eps | largest | verdict"
    )
    rounded = data.assign(
        eps=data["eps"].fillna(0).map("{:g}".format),
        largest=data["largest"].map("{:.2g}".format),
    )
    return {"table": table(rounded, headings)}


CLAIM = Claim(
    name="T1.curl",
    statement="one prompt, m >= 3 distinct composites, the grad p(v) spanning m-1 dimensions: E[g] "
    "of `group_normalized` is no gradient, any G, eps, ddof",
    provenance="derived",
    expected="holds",
    proof=("grpo_checks.theory.convergence.jacobian",),
    figures=("t1_bias",),
    facts={"T1.curl": facts},
    assumptions=(MOVABLE_LAW,),
    rows=rows,
    exact=STATEMENT.exact(),
)
