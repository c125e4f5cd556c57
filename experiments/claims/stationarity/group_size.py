"""T1.G: what a larger group buys. Exact V, by closed form and by the sums over groups.

On a full sweep G V tends to sum_q rho_q^2 tr Cov_q((R-mu)s) =: a from above: G V - a is
(2b - a)/(G - 1). With one prompt drawn from rho, and rho_q for rho_q^2, V keeps Var_q(grad J_q) on
top, however large the groups. V is a sum over groups at every size here; a and b are moments of
single episodes, and the floor comes from automatic differentiation.
"""

from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from grpo_checks.experiments.claims.stationarity.listed_variance import listed_variance
from grpo_checks.experiments.models.instances import InstanceSpec, build, named
from grpo_checks.experiments.models.settings import UNBIASED, RunResult, RunSettings
from grpo_checks.experiments.points.stationarity.group_size import LIMIT
from grpo_checks.experiments.protocol.assumptions import in_cells
from grpo_checks.experiments.protocol.cell_rows import Floats, equality, unmet
from grpo_checks.experiments.protocol.claim import Claim, Row, Scope
from grpo_checks.theory.estimators.group_law import plain_law
from grpo_checks.theory.evaluation.values import Theta, prompt_values
from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.mdp.policy import Policy
from grpo_checks.theory.updates.moments import pair_moments, update_moments

SUMMED = (2, 3, 4, 8, 16, 32)
"""Group sizes whose V is a sum over groups here."""
SHOWN = tuple(2**k for k in range(1, 13))
MUTANTS = {"no floor": "with sampled prompts V tends to 0", "limit halved": "G V tends to a/2"}


def _specs(scope: Scope) -> list[InstanceSpec]:
    if scope.instance is not None:
        return [scope.instance]
    specs = [named("conflict", components=1, start=-0.5)]
    if scope.profile == "paper":
        specs += [named(name, components=3) for name in ("coding", "search", "bits")]
        specs += [named("random", components=2, seed=s) for s in range(3)]
    return specs


@jax.jit
def _closed(
    mdp: TAMDP, policy: Policy, theta: Theta, sizes: Int[Array, " G"]
) -> tuple[list[Float[Array, " G"]], Float[Array, " 2"], Float[Array, " 2"], Float[Array, ""]]:
    """V for each size on a full sweep and with one drawn prompt; a, 2b - a for both; the floor."""

    def both(g: Int[Array, ""]) -> list[Float[Array, ""]]:
        law = plain_law(UNBIASED, g)
        return [update_moments(mdp, policy, theta, law, b).variance for b in (None, 1)]

    rho = mdp.prompt_distribution
    moments = pair_moments(mdp, policy, theta)
    slopes = jax.jacrev(lambda t: prompt_values(mdp, policy.probs(t)))(theta)
    slopes = slopes.reshape(rho.shape[0], -1)
    floor = rho @ jnp.square(slopes - (rho @ slopes)[None]).sum(1)
    shares = jnp.stack([jnp.square(rho), rho])
    return jax.vmap(both)(sizes), shares @ moments.spread, shares @ moments.excess, floor


def _rows_of(spec: InstanceSpec, mutant: str | None) -> list[Row]:
    instance, listed = build(spec), listed_variance(spec, SUMMED)
    options = {name: value for name, value in spec.options if name in ("start", "seed")}
    parameters = {"components": instance.mdp.weights.shape[0], "estimator": UNBIASED.name}
    if not listed.sizes:
        return [unmet("T1.G", spec.name, parameters, "too many groups to sum over")]
    model = (instance.mdp, instance.policy, instance.theta)
    curves, limit, excess, floor = jax.device_get(_closed(*model, jnp.asarray(SHOWN)))
    extra = {"limit": float(limit[0]), "floor": float(floor), **options, **_shown(*curves)}
    g = np.array(listed.sizes)
    limit = limit / 2 if mutant == "limit halved" else limit
    sweep, drawn = ((a + x / (g - 1)) / g for a, x in zip(limit, excess, strict=True))
    kept = 0.0 if mutant == "no floor" else float(floor)

    def row(observed: Floats, expected: Floats, note: str, prompts: int | None) -> Row:
        """At the size where they are furthest apart; either side has about the same error."""
        at = int(np.argmax(np.abs(observed - expected) / listed.error))
        cell = {**parameters, "prompts": prompts, "group_size": listed.sizes[at]}
        numbers = (float(observed[at]), float(expected[at]), 2 * float(listed.error[at]))
        return equality("T1.G", spec.name, cell, *numbers, note, extra)

    rows = [row(listed.sweep, sweep, "V on a full sweep, (a + (2b-a)/(G-1))/G", None)]
    if np.count_nonzero(instance.mdp.prompt_distribution) > 1:
        rows.append(row(listed.drawn, drawn + kept, "V of one drawn prompt, likewise + floor", 1))
    return rows


def _shown(sweep: Floats, drawn: Floats) -> dict[str, float]:
    curves: dict[str, float] = {}
    for g, v, w in zip(SHOWN, sweep, drawn, strict=True):
        curves |= {f"V at G={g}": float(v), f"V of one prompt at G={g}": float(w)}
    return curves


def rows(scope: Scope, results: Mapping[RunSettings, RunResult]) -> list[Row]:
    """A row for the full sweep of each instance, and one for a drawn prompt where they differ."""
    return [row for spec in _specs(scope) for row in _rows_of(spec, scope.mutant)]


CLAIM = Claim(
    name="T1.G",
    statement="`leave_one_out`, full sweep: G V -> sum rho^2 tr Cov((R-mu)s); B prompts: V -> "
    "Var_q(grad J_q)/B",
    provenance="derived",
    expected="holds",
    proof=("grpo_checks.theory.updates.ustatistic",),
    figures=("t1_g",),
    assumptions=(in_cells("groups of two can be summed over"),),
    mutants=MUTANTS,
    runs=lambda scope: [],
    rows=rows,
    exact=LIMIT,
)
