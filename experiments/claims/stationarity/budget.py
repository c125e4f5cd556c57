"""T1.budget: the best group size at a fixed number of episodes, in closed form.

Statement: with B prompts drawn and N = B G episodes N V = G f + a + (2b-a)/(G-1), and the whole G
of least N V is within 1 of max(2, G*), G* = 1 + sqrt((2b-a)/f).
Proof: ``theory.updates.budget``.
Source: derived.
Units: of cells, squared rewards, and members of a group; at rational points members. V of one drawn
prompt is a sum over groups; a, b and f are moments of single episodes.
"""

from collections.abc import Mapping
from math import ceil, floor
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from grpo_checks.experiments.claims.stationarity.group_size import variance_and_terms
from grpo_checks.experiments.claims.stationarity.listed_variance import (
    ListedVariance,
    listed_variance,
)
from grpo_checks.experiments.falsifier.choice_domain import EpisodeDomain
from grpo_checks.experiments.falsifier.statement import Statement
from grpo_checks.experiments.models.instances import InstanceSpec, build, named
from grpo_checks.experiments.models.settings import UNBIASED, RunResult, RunSettings
from grpo_checks.experiments.protocol import verdict
from grpo_checks.experiments.protocol.assumptions import SEVERAL_PROMPTS
from grpo_checks.experiments.protocol.cell_rows import equality, inequality, unmet
from grpo_checks.experiments.protocol.claim import Claim, Facts, Row, Scope
from grpo_checks.experiments.protocol.verdict import Decision
from grpo_checks.experiments.runs.words import Table, having
from grpo_checks.experiments.storage.text import counts, span
from grpo_checks.theory.arithmetic.enclose import enclose
from grpo_checks.theory.evaluation.values import Theta
from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.mdp.policy import Policy
from grpo_checks.theory.updates.budget import BudgetTerms, budget_terms

SHOWN = (2, 3, 4, 5, 6, 8, 10, 12, 16, 24, 32, 48, 64)
SIZES = sorted({*range(2, 17), *SHOWN})
MUTANT = "no pair term"
LISTED = 10
"""Group sizes up to here are listed at rational points."""


def _best(terms: BudgetTerms, mutant: str | None) -> Any:
    """G* or a false version of it; of floats, or in JAX."""
    return terms._replace(excess=terms.within).best if mutant == MUTANT else terms.best


def _listed_best(model: Any) -> tuple[Any, BudgetTerms]:
    """The whole G of least N V, and f, a, 2b - a."""
    listed = [variance_and_terms(**model, group_size=g, drawn=True) for g in range(2, LISTED + 1)]
    costs = jnp.stack([g * variance for g, (variance, _) in enumerate(listed, 2)])
    return 2.0 + jnp.argmin(costs), listed[0][1]


def _sides(mutant: str | None = None, **model: Any) -> tuple[Any, Any]:
    """|max(2, G*) - the whole G of least N V|, 1 at most; 0 where that may not be listed."""
    best, terms = _listed_best(model)
    closed = jnp.maximum(_best(terms, mutant), 2.0)
    return jnp.where(closed < LISTED - 1, jnp.abs(closed - best), 0.0), 1.0


_enclosed_best = enclose(_listed_best)
_enclosed_terms = enclose(lambda model: variance_and_terms(**model, group_size=2, drawn=True)[1])


def _expect_listed(**model: Any) -> Decision | None:
    """Raises ValueError where the best size is beyond those listed."""
    terms = _enclosed_terms(model)
    if terms.between == 0:
        return verdict.unmet("one gradient for all prompts: no group size is best")
    if not terms.excess < (LISTED - 2) ** 2 * terms.between:
        raise ValueError(f"prompts: the best group size is not below {LISTED - 1}, as listed")
    return None


STATEMENT = Statement(
    _sides,
    EpisodeDomain(places=[{"prompts": 2}, {"prompts": 2, "outcomes": 2}]),
    mutants={MUTANT: ("G* = 1 + sqrt(a/f)", {"mutant": MUTANT})},
    exception=_expect_listed,
    note=lambda **model: f"least N V at G = {_enclosed_best(model)[0]}",
)


@jax.jit
def _closed(
    mdp: TAMDP, policy: Policy, theta: Theta
) -> tuple[BudgetTerms, Float[Array, " G"], Float[Array, ""]]:
    """The three terms, and N V at every G from 2 up."""
    terms = budget_terms(mdp, policy, theta)
    return terms, terms.cost(jnp.arange(2.0, SIZES[-1] + 1.0)), terms.best


def _specs(scope: Scope) -> list[InstanceSpec]:
    if scope.instance is not None:
        return [scope.instance]
    # Rewards of one denominator are one compilation.
    seeds = range(14) if scope.profile == "paper" else (0, 1, 3)
    shown = ("search", "coding", "bits") if scope.profile == "paper" else ("search",)
    named_ones = [named(name, components=3) for name in shown]
    conflict = [named("conflict", components=1, start=x) for x in (-2.0, -0.5, 0.0, 1.0)]
    return named_ones + conflict + [named("random", components=1, seed=s) for s in seeds]


def _listed(spec: InstanceSpec, best: float) -> ListedVariance:
    """V at the sizes of all instances, and at the two next to ``best``."""
    near = {floor(best), ceil(best)} if best < SIZES[-1] else set()
    return listed_variance(spec, tuple(sorted({*SIZES, *(g for g in near if g >= 2)})))


def _rows_of(spec: InstanceSpec, mutant: str | None) -> list[Row]:
    instance = build(spec)
    model = (instance.mdp, instance.policy, instance.theta)
    terms, formula, best_real = jax.device_get(_closed(*model))
    parameters = {"components": instance.mdp.weights.shape[0], "estimator": UNBIASED.name}
    labels = ("T1.budget", spec.name, parameters)
    sums = _listed(spec, float(best_real) if terms.between > 0 else 2.0)
    if not sums.sizes:
        return [unmet(*labels, "too many groups to sum over")]
    if not terms.between > sums.error[0]:
        return [unmet(*labels, "one gradient for all prompts, or none: no group size is best")]
    g = np.array(sums.sizes)
    costs, expected = g * sums.drawn, formula[g - 2]
    closed = float(_best(terms, mutant) if mutant else best_real)
    # N V is convex in G, so the best whole G is next to the best real one (at least 2).
    best = sums.sizes[int(np.argmin(costs))]
    off = abs(min(max(closed, 2.0), sums.sizes[-1]) - best)
    options = {k: v for k, v in spec.options if k in ("start", "seed")}
    curve = {
        f"N V at G={n}": float(c) for n, c in zip(sums.sizes, costs, strict=True) if n in SHOWN
    }
    extra = {"group_size": best, "best_real_group_size": closed, **options, **curve}
    at = int(np.argmax(np.abs(costs - expected) / (g * sums.error)))
    numbers = (float(costs[at]), float(expected[at]), float(2 * g[at] * sums.error[at]))
    cost = equality(
        *labels, *numbers, "N V, G f + a + (2b-a)/(G-1)", {"group_size": sums.sizes[at]}
    )
    return [inequality(*labels, off, 1.0, 0.0, "whole sizes from G*", extra), cost]


def rows(scope: Scope, results: Mapping[RunSettings, RunResult]) -> list[Row]:
    """Distance between G* and the whole G of least N V, and N V itself, for each instance."""
    return [row for spec in _specs(scope) for row in _rows_of(spec, scope.mutant)]


def best_sizes(data: Table) -> Table:
    """Of T1.budget: the cells whose G is the best of many; in others the size is that of one
    comparison."""
    return having(data, "holds").dropna(subset=["best_real_group_size"])


def facts(data: Table) -> Facts:
    """Of T1.budget: the best group sizes, real and whole."""
    best = best_sizes(data)
    return {
        "instances": len(best),
        "best": span(best["best_real_group_size"]),
        "typical": counts(best["group_size"]),
    }


CLAIM = Claim(
    name="T1.budget",
    statement="B prompts drawn, B G = N >= G*: N V = G f + a + (2b-a)/(G-1), least next to "
    "G* = 1 + sqrt((2b-a)/f)",
    provenance="derived",
    expected="holds",
    proof=("grpo_checks.theory.updates.budget",),
    figures=("t1_budget",),
    facts={"T1.budget": facts},
    assumptions=(SEVERAL_PROMPTS,),
    rows=rows,
    exact=STATEMENT.exact(),
)
