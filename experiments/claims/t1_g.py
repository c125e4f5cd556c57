"""T1.G: what a larger group buys. Exact V, by closed form and by the sums over groups.

On a full sweep G V tends to sum_q rho_q^2 tr Cov_q((R-mu)s) =: a from above: G V - a is
(2b - a)/(G - 1), so (G-1)(G V - a) is one number for all G. With B sampled prompts V does not fall
below Var_q(grad J_q)/B, however large the groups.
"""

from collections.abc import Mapping

import jax
import jax.numpy as jnp

from experiments.assumptions import stated
from experiments.claim import Claim, Row, Scope, judge
from experiments.instances import InstanceSpec, build, named
from experiments.points.group_size import LIMIT
from experiments.runs import RunResult
from experiments.settings import UNBIASED, RunSettings
from theory.exact import prompt_values
from theory.group_law import group_law, plain_law
from theory.update import pair_moments, update_moments

SUMMED = (2, 3, 4, 8)
"""Group sizes whose V is a sum over groups here."""
SHOWN = tuple(2**k for k in range(1, 13))
HUGE = 10**13
TOLERANCE = 1e-10
MUTANTS = {"no floor": "with sampled prompts V tends to 0", "limit halved": "G V tends to a/2"}


def _specs(scope: Scope) -> list[InstanceSpec]:
    if scope.instance is not None:
        return [scope.instance]
    found = [named("conflict", components=1, start=-0.5)]
    if scope.profile == "paper":
        found += [named(name, components=3) for name in ("coding", "search", "bits")]
        found += [named("random", components=2, seed=s) for s in range(3)]
    return found


@jax.jit
def _closed(mdp, policy, theta, sizes):  # type: ignore[no-untyped-def]
    """V for each size on a full sweep, with one sampled prompt, and its limits."""

    def both(g):  # type: ignore[no-untyped-def]
        law = plain_law(UNBIASED, g)
        return [update_moments(mdp, policy, theta, law, b).variance for b in (None, 1)]

    rho = mdp.prompt_distribution
    moments = pair_moments(mdp, policy, theta)
    # By automatic differentiation, not by the sweep that V itself rests on.
    slopes = jax.jacrev(lambda t: prompt_values(mdp, policy.probs(t)))(theta)
    slopes = slopes.reshape(rho.shape[0], -1)
    floor = rho @ jnp.square(slopes - (rho @ slopes)[None]).sum(1)
    limit = jnp.square(rho) @ moments.spread
    return jax.vmap(both)(sizes), limit, jnp.square(rho) @ moments.excess, floor


def _summed(spec: InstanceSpec) -> list[float]:
    """V on a full sweep as a sum over groups."""
    instance = build(spec)
    model = (instance.mdp, instance.policy, instance.theta)
    laws = [group_law(instance.mdp, g, UNBIASED, "counts") for g in SUMMED]
    every = jax.jit(lambda m, p, t: [update_moments(m, p, t, law).variance for law in laws])
    found = every(*model)
    return [float(v) for v in found]


def _relative(found: float, expected: float, scale: float) -> float:
    """A difference in units of ``scale``; 0 where there is nothing to compare."""
    return abs(found - expected) / scale if scale > 0 else abs(found - expected)


def _rows_of(spec: InstanceSpec, mutant: str | None) -> list[Row]:
    instance = build(spec)
    model = (instance.mdp, instance.policy, instance.theta)
    sizes = jnp.asarray([*SHOWN, HUGE])
    (sweep, drawn), limit, excess, floor = jax.device_get(_closed(*model, sizes))
    target = limit / 2 if mutant == "limit halved" else limit
    # G V - a, a sum over groups, against (2b - a)/(G - 1).
    off = [
        _relative(g * v - target, excess / (g - 1), limit)
        for g, v in zip(SUMMED, _summed(spec), strict=True)
    ]
    k = instance.mdp.weights.shape[0]
    options = {name: value for name, value in spec.options if name in ("start", "seed")}
    curves: dict[str, float] = {}
    for g, v, w in zip(SHOWN, sweep, drawn, strict=False):
        curves |= {f"V at G={g}": float(v), f"V of one prompt at G={g}": float(w)}
    extra = {"limit": float(limit), "floor": float(floor), **options, **curves}
    lowest = 0.0 if mutant == "no floor" else floor
    # In units of V at G = 2: a model with one prompt has no floor.
    last = _relative(float(drawn[-1]), lowest, float(drawn[0]))

    def row(off: float, note: str, prompts: int | None) -> Row:
        parameters = {"components": k, "prompts": prompts, "estimator": UNBIASED.name}
        verdict = judge(off, off, TOLERANCE)
        return Row("T1.G", spec.name, parameters, off, off, off, TOLERANCE, verdict, note, extra)

    law = "relative error of G V - a = (2b-a)/(G-1), V a sum over groups"
    return [row(max(off), law, None), row(last, f"V at G = {HUGE:.0e}, from the floor", 1)]


def rows(scope: Scope, results: Mapping[RunSettings, RunResult]) -> list[Row]:
    """Two rows for each instance: relative distances from the two limits."""
    return [row for spec in _specs(scope) for row in _rows_of(spec, scope.mutant)]


CLAIM = Claim(
    name="T1.G",
    statement="full sweep: G V -> sum rho^2 tr Cov((R-mu)s); B prompts: V -> Var_q(grad J_q)/B",
    provenance="derived",
    expected="holds",
    proof=("theory.ustatistic",),
    figures=("t1_g",),
    assumptions=stated("`leave_one_out`"),
    mutants=MUTANTS,
    runs=lambda scope: [],
    rows=rows,
    exact=LIMIT,
)
