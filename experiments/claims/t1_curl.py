"""T1.curl: is E[g] of `group_normalized` the gradient of anything? Not with three reward values.

Jacobians are exact; at G = 2 on `bandit` the asymmetry is a fraction, so that it is not rounding.
With two values E[g] = c_G(p) grad p is the gradient of F_G(p): the claim does not apply there. Nor
does it, at G = 2, where actions have random rewards: ``experiments.points.curl`` says why.
"""

from collections.abc import Mapping
from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np

from experiments.assumptions import THREE_COMPOSITES, stated
from experiments.claim import Claim, Row, Scope, Verdict
from experiments.instances import InstanceSpec, build, named
from experiments.points.curl import EXACT
from experiments.runs import RunResult, exact_law
from experiments.settings import RunSettings
from theory.advantages import Estimator
from theory.curl import asymmetry, update_jacobian
from theory.instances.bandit import PAYS, pair_update_curl

GROUPS = {"quick": (2, 8), "paper": (2, 4, 8, 16)}
POINTS = 32
ROUNDING = 1e-10
"""Far above the rounding of a Jacobian, far below any asymmetry that would matter."""
MUTANTS = {
    "always a gradient": "the Jacobian of E[g] is symmetric with three values too",
    "random rewards": "an action may have several outcomes",
}
TWO = named("bandit", components=1, pays=(0, 1, 1))


def _specs(scope: Scope) -> list[InstanceSpec]:
    if scope.instance is not None:
        return [scope.instance]
    if scope.profile == "quick":
        return [named("bandit", components=1)]
    others = [named("coding", components=3), named("random", components=2)]
    return [named("bandit", components=1), TWO, *others]


@jax.jit
def _asymmetries(mdp, policy, points, group):  # type: ignore[no-untyped-def]
    return jax.lax.map(lambda t: asymmetry(update_jacobian(mdp, policy, t, group)), points)


def _points(spec: InstanceSpec) -> jnp.ndarray:
    """The start, and policies around it."""
    instance = build(spec)
    rng = np.random.default_rng(0)
    count = POINTS if instance.theta.size < 10 else 4
    return instance.theta[None] + rng.normal(size=(count, *instance.theta.shape))


def _certified(spec: InstanceSpec, group_size: int) -> str:
    """The largest entry of J - J^T as a fraction, where there is a formula in fractions."""
    if group_size != 2 or spec != named("bandit", components=1):
        return ""
    curl = pair_update_curl(PAYS, [Fraction(1, 3)] * 3)
    return f"exact at the uniform policy: {max(max(row) for row in curl)} in J - J^T"


def _row(spec: InstanceSpec, group_size: int, mutant: str | None) -> Row:
    instance = build(spec)
    group = exact_law(spec, group_size, Estimator("group_normalized"))
    model = (instance.mdp, instance.policy)
    least = float(jnp.min(found := _asymmetries(*model, _points(spec), group)))
    largest = float(jnp.max(found))
    distinct = len(set(np.asarray(instance.mdp.class_numerator).tolist()))
    parameters = {"components": instance.mdp.weights.shape[0], "group_size": group_size}
    extra = {"estimator": "group_normalized", "distinct_rewards": distinct, "largest": largest}
    symmetric = largest <= ROUNDING
    if distinct < 3:
        note = "two distinct rewards: E[g] is a gradient"
        verdict: Verdict = "assumption unmet"
    else:
        note = _certified(spec, group_size)
        agrees = symmetric if mutant == "always a gradient" else least > ROUNDING
        verdict = "holds" if agrees else "refuted"
    return Row("T1.curl", spec.name, parameters, least, least, largest, None, verdict, note, extra)


def rows(scope: Scope, results: Mapping[RunSettings, RunResult]) -> list[Row]:
    """Smallest and largest relative asymmetry over some policies, for each model and G."""
    sizes = GROUPS[scope.profile]
    return [_row(spec, g, scope.mutant) for spec in _specs(scope) for g in sizes]


CLAIM = Claim(
    name="T1.curl",
    statement="with >= 3 distinct composites, sure ones, E[g] of `group_normalized` is no gradient",
    provenance="derived",
    expected="holds",
    proof=("theory.curl",),
    figures=("t1_bias",),
    assumptions=(THREE_COMPOSITES, *stated("actions have sure rewards", "eps = 0, ddof = 0")),
    mutants=MUTANTS,
    runs=lambda scope: [],
    rows=rows,
    exact=EXACT,
)
