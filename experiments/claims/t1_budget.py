"""T1.budget: the best group size at a fixed number of episodes, in closed form."""

from collections.abc import Mapping

import jax
import jax.numpy as jnp

from experiments.assumptions import SEVERAL_PROMPTS, stated
from experiments.claim import Claim, Row, Scope, Verdict
from experiments.instances import InstanceSpec, build, named
from experiments.points.group_size import BUDGET
from experiments.runs import RunResult
from experiments.settings import UNBIASED, RunSettings
from theory.budget import budget_terms
from theory.group_law import plain_law
from theory.update import prompt_moments

LARGEST = 256
SHOWN = (2, 3, 4, 5, 6, 8, 10, 12, 16, 24, 32, 48, 64)
MUTANTS = {"no pair term": "G* = 1 + sqrt(a/f)"}


def _specs(scope: Scope) -> list[InstanceSpec]:
    if scope.instance is not None:
        return [scope.instance]
    seeds = 14 if scope.profile == "paper" else 3
    shown = ("search", "coding", "bits") if scope.profile == "paper" else ("search",)
    named_ones = [named(name, components=3) for name in shown]
    conflict = [named("conflict", components=1, start=x) for x in (-2.0, -0.5, 0.0, 1.0)]
    return named_ones + conflict + [named("random", components=1, seed=s) for s in range(seeds)]


@jax.jit
def _costs(mdp, policy, theta, sizes):  # type: ignore[no-untyped-def]
    """N V = G (E_q V_q + Var_q grad J_q) for each G, from the update's moments; spread; terms."""
    rho = mdp.prompt_distribution
    each = jax.vmap(lambda g: prompt_moments(mdp, policy, theta, plain_law(UNBIASED, g)))(sizes)
    gradient = each.gradient[0]
    between = rho @ jnp.square(gradient - (rho @ gradient)[None]).sum(1)
    terms = budget_terms(mdp, policy, theta)
    return sizes * (each.variance @ rho + between), between, terms


def _row(spec: InstanceSpec, mutant: str | None) -> Row:
    instance = build(spec)
    model = (instance.mdp, instance.policy, instance.theta)
    parameters = {"components": instance.mdp.weights.shape[0], "estimator": UNBIASED.name}
    options = {k: v for k, v in spec.options if k in ("start", "seed")}
    costs, between, terms = _costs(*model, jnp.arange(2, LARGEST + 1))
    best = 2 + int(jnp.argmin(costs))
    if not between > 1e-12 * costs.min():
        note = "one gradient for all prompts, or none: no group size is best"
        head = ("T1.budget", spec.name, parameters)
        return Row(*head, None, None, None, None, "assumption unmet", note, options)
    closed = float(terms.best)
    if mutant == "no pair term":
        closed = 1 + float(jnp.sqrt(terms.within / terms.between))
    # N V is convex in G, so the best whole G is next to the best real one (at least 2).
    off = abs(min(max(closed, 2.0), LARGEST) - best)
    verdict: Verdict = "holds" if off <= 1 else "refuted"
    curve = {f"N V at G={g}": float(costs[g - 2]) for g in SHOWN}
    extra = {"group_size": best, "best_real_group_size": closed, **options, **curve}
    return Row("T1.budget", spec.name, parameters, off, off, off, 1.0, verdict, "", extra)


def rows(scope: Scope, results: Mapping[RunSettings, RunResult]) -> list[Row]:
    """Distance between G* and the whole G of least exact N V, for each instance."""
    return [_row(spec, scope.mutant) for spec in _specs(scope)]


CLAIM = Claim(
    name="T1.budget",
    statement="at B G = N >= G* episodes exact variance is least next to G* = 1 + sqrt((2b-a)/f)",
    provenance="derived",
    expected="holds",
    proof=("theory.budget",),
    figures=("t1_budget",),
    assumptions=(SEVERAL_PROMPTS, *stated("B prompts drawn per update")),
    mutants=MUTANTS,
    runs=lambda scope: [],
    rows=rows,
    exact=BUDGET,
)
