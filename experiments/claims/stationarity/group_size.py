"""T1.G: what a larger group buys.

Statement: of `leave_one_out` on a full sweep V = (a + (2b - a)/(G - 1))/G, so that G V tends to
a = sum_q rho_q^2 tr Cov_q((R-mu)s) from above; with one prompt drawn from rho, and rho_q for
rho_q^2, V keeps Var_q(grad J_q) on top, however large the groups.
Proof: ``theory.updates.ustatistic``.
Source: derived.
Units: squared rewards; at rational points how far V is from its formula, against 0. V is a sum over
groups everywhere; a and b are moments of single episodes, and of cells the floor comes from
automatic differentiation.
"""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flint import fmpq
from jaxtyping import Array, Float, Int

from grpo_checks.experiments.claims.stationarity.listed_variance import listed_variance
from grpo_checks.experiments.falsifier.choice_domain import EpisodeDomain
from grpo_checks.experiments.falsifier.constraints import boolean, integer
from grpo_checks.experiments.falsifier.reading import LARGEST_GROUP
from grpo_checks.experiments.falsifier.relaxed import Kinds, noise, update
from grpo_checks.experiments.falsifier.statement import Statement
from grpo_checks.experiments.models.instances import InstanceSpec, build, named
from grpo_checks.experiments.models.settings import UNBIASED, RunResult, RunSettings
from grpo_checks.experiments.protocol.assumptions import in_cells
from grpo_checks.experiments.protocol.cell_rows import Floats, Models, equality, unmet
from grpo_checks.experiments.protocol.claim import Claim, Facts, Row, Scope
from grpo_checks.experiments.runs.words import Table
from grpo_checks.theory.arithmetic.enclose import enclose
from grpo_checks.theory.estimators.group_law import plain_law
from grpo_checks.theory.evaluation.values import Theta, prompt_values
from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.mdp.policy import Policy
from grpo_checks.theory.updates.budget import BudgetTerms, between_prompts
from grpo_checks.theory.updates.moments import PromptMoments, combine, update_moments
from grpo_checks.theory.updates.policy_law import pair_moments

SUMMED = (2, 3, 4, 8, 16, 32)
"""Group sizes whose V is a sum over groups here."""
SHOWN = tuple(2**k for k in range(1, 13))


def _formula(size: Any, within: Any, excess: Any, floor: Any) -> Any:
    """V of `leave_one_out`; of floats, or in JAX."""
    return (within + excess / (size - 1)) / size + floor


def variance_and_terms(
    share: Any, kinds: Kinds, weights: Any, group_size: int, drawn: bool
) -> tuple[Any, BudgetTerms]:
    """V by its definition, listing groups, of a full sweep or of one drawn prompt; f, a, 2b - a."""

    def of_prompt(one: Kinds) -> tuple[Any, ...]:
        pairs, listed = noise(one, weights), update(one, weights, group_size, UNBIASED)
        return PromptMoments(pairs.gradient, *listed), pairs.oracle, pairs.excess

    per_prompt, *both = jax.vmap(of_prompt)(kinds)
    variance = combine(share, per_prompt, 1 if drawn else None).variance
    shares = share if drawn else share**2
    return variance, BudgetTerms(
        between_prompts(share, per_prompt.gradient), *(shares @ x for x in both)
    )


def sides(
    drawn: bool, group_size: int, limit: Any = 1.0, kept: Any = 1.0, **model: Any
) -> tuple[Any, Any]:
    """|V - its formula|, and 0."""
    variance, terms = variance_and_terms(group_size=group_size, drawn=drawn, **model)
    floor = kept * terms.between if drawn else 0.0
    return jnp.abs(variance - _formula(group_size, limit * terms.within, terms.excess, floor)), 0.0


_terms = enclose(lambda point: variance_and_terms(**point)[1])


def _in_words(drawn: bool, **point: Any) -> str:
    terms = _terms({**point, "drawn": drawn})
    kind = f"floor {terms.between}" if drawn else f"G V tends to {terms.within}"
    return f"|V - ((a + (2b-a)/(G-1))/G + f)|, {kind}"


STATEMENT = Statement(
    sides,
    EpisodeDomain(
        options={"group_size": integer(2, LARGEST_GROUP), "drawn": boolean()},
        places=[
            {"prompts": 2, "group_size": 2},
            {"prompts": 2, "group_size": 4, "drawn": True},
            {"prompts": 2, "outcomes": 2, "group_size": 3, "drawn": True},
        ],
    ),
    mutants={
        "no floor": ("with sampled prompts V tends to 0", {"kept": fmpq(0)}),
        "limit halved": ("G V tends to a/2", {"limit": fmpq(1, 2)}),
    },
    note=_in_words,
)


MODELS = Models(
    [named("conflict", components=1, start=-0.5)],
    [
        *(named(name, components=3) for name in ("coding", "search", "bits")),
        *(named("random", components=2, seed=s) for s in range(3)),
    ],
)


@jax.jit
def _closed(
    mdp: TAMDP, policy: Policy, theta: Theta, sizes: Int[Array, " G"]
) -> tuple[list[Float[Array, " G"]], Float[Array, " 2"], Float[Array, " 2"], Float[Array, ""]]:
    """V for each size on a full sweep and with one drawn prompt; a, 2b - a for both; the floor."""

    def both(g: Int[Array, ""]) -> list[Float[Array, ""]]:
        law = plain_law(UNBIASED, g)
        return [update_moments(mdp, policy, theta, law, b).variance for b in (None, 1)]

    rho = mdp.prompt_distribution
    pairs = pair_moments(mdp, policy, theta)
    slopes = jax.jacrev(lambda t: prompt_values(mdp, policy.probs(t)))(theta)
    slopes = slopes.reshape(rho.shape[0], -1)
    floor = between_prompts(rho, slopes)
    shares = jnp.stack([jnp.square(rho), rho])
    return jax.vmap(both)(sizes), shares @ pairs.spread, shares @ pairs.excess, floor


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
    floors = (0.0, 0.0 if mutant == "no floor" else float(floor))
    sweep, drawn = (_formula(g, *terms) for terms in zip(limit, excess, floors, strict=True))

    def row(observed: Floats, expected: Floats, note: str, prompts: int | None) -> Row:
        """At the size where they are furthest apart; either side has about the same error."""
        at = int(np.argmax(np.abs(observed - expected) / listed.error))
        cell = {**parameters, "prompts": prompts, "group_size": listed.sizes[at]}
        numbers = (float(observed[at]), float(expected[at]), 2 * float(listed.error[at]))
        return equality("T1.G", spec.name, cell, *numbers, note, extra)

    rows = [row(listed.sweep, sweep, "V on a full sweep, (a + (2b-a)/(G-1))/G", None)]
    if np.count_nonzero(instance.mdp.prompt_distribution) > 1:
        rows.append(row(listed.drawn, drawn, "V of one drawn prompt, likewise + floor", 1))
    return rows


def _shown(sweep: Floats, drawn: Floats) -> dict[str, float]:
    curves: dict[str, float] = {}
    for g, v, w in zip(SHOWN, sweep, drawn, strict=True):
        curves |= {f"V at G={g}": float(v), f"V of one prompt at G={g}": float(w)}
    return curves


def rows(scope: Scope, results: Mapping[RunSettings, RunResult]) -> list[Row]:
    """A row for the full sweep of each instance, and one for a drawn prompt where they differ."""
    return [row for spec in MODELS.chosen(scope) for row in _rows_of(spec, scope.mutant)]


def facts(data: Table) -> Facts:
    """Of T1.G: the distance of the exact variance from its limits."""
    sweeps = data["prompts"].isna()
    distance = ((data["observed"] - data["bound"]) / data["bound"]).abs()
    return {
        "instances": sweeps.sum(),
        "sweep": distance[sweeps].max(),
        "drawn": distance[~sweeps].max(),
    }


CLAIM = Claim(
    name="T1.G",
    statement="`leave_one_out`, full sweep: G V -> sum rho^2 tr Cov((R-mu)s); B prompts: V -> "
    "Var_q(grad J_q)/B",
    provenance="derived",
    expected="holds",
    proof=("grpo_checks.theory.updates.ustatistic",),
    figures=("t1_g",),
    facts={"T1.G": facts},
    assumptions=(in_cells("groups of two can be summed over"),),
    rows=rows,
    exact=STATEMENT.exact(),
)
