"""T1.K: "the variance of an update is proportional to K/G" (Assumption 2, as reported).

On `bits` the policy does not grow with K and every answer has the same |s|^2. V comes from the
model, by listing groups of rewards in rational or ball arithmetic; exponents are fitted in balls.
They depend on units: with unit weights V of `leave_one_out` grows as K for uncorrelated components
and as K^2 for perfectly correlated ones, with weights 1/K as 1/K or not at all, and normalised
advantages have no unit. In G they tend to -1 and are not there yet.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from flint import arb, fmpq

from grpo_checks.experiments.falsifier.relaxed import Kinds, groups
from grpo_checks.experiments.models.instances import build, named
from grpo_checks.experiments.models.settings import UNBIASED, RunResult, RunSettings
from grpo_checks.experiments.points.stationarity.two_components import STATEMENT, TOLERANCE
from grpo_checks.experiments.protocol.assumptions import DIAL, in_cells
from grpo_checks.experiments.protocol.cell_rows import unmet
from grpo_checks.experiments.protocol.claim import Claim, Facts, Row, Scope
from grpo_checks.experiments.protocol.verdict import compare
from grpo_checks.experiments.runs.words import Table, table
from grpo_checks.theory.arithmetic.enclose import enclose, exact
from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.mdp.policy import Tabular
from grpo_checks.theory.numbers.balls import Number, magnitude, shown, square, total
from grpo_checks.theory.rational.choices.choice import Kind, composite
from grpo_checks.theory.rational.choices.instance import uniform_choice

NORMALIZED = Estimator("group_normalized")
COMPONENTS = {"quick": (1, 2, 3, 4), "paper": (1, 2, 3, 4, 5, 6)}
GROUPS = {"quick": (2, 4, 8, 16), "paper": (2, 4, 8, 16, 32)}
GROUP_SIZE, THREE = 8, 3
UNIT, MEAN = "1", "1/K"
"""Weights of each component: a sum of rewards, or their mean."""
CELLS = (
    *((UNBIASED, UNIT, c) for c in (0.0, 0.25, 0.5, 1.0)),
    *((UNBIASED, MEAN, c) for c in (0.0, 1.0)),
    *((NORMALIZED, UNIT, c) for c in (0.0, 1.0)),
)
"""Exponents in K: estimator, weights, correlation of the components."""


class Rewards(NamedTuple):
    """Episodes of one prompt, those with one composite reward merged into one of V classes."""

    composite: Any
    chance: Any
    """(V,)."""
    gram: Any
    """(V, V): of the mean scores s_v."""
    spread: Any
    """(V,): E[|s|^2 | v] - |s_v|^2."""


def merged(kinds: Sequence[Kind], weights: Sequence[fmpq]) -> Rewards:
    """In rational numbers."""
    every = exact([composite(kind.rewards, weights) for kind in kinds])
    chance, score = exact([k.chance for k in kinds]), exact([k.score for k in kinds])
    distinct = exact(sorted(set(every)))
    member = (distinct[:, None] == every[None]) * chance[None]
    law = member.sum(1)
    mean, square = member @ score / law[:, None], member @ (score**2).sum(1) / law
    gram = mean @ mean.T
    return Rewards(distinct, law, gram, square - gram.diagonal())


def _variance(rewards: Rewards, size: int, estimator: Estimator) -> Any:
    """V by listing groups: E|g|^2 given the rewards is |sum_v x_v s_v|^2 + sum_v (x_v^2/n_v) spread
    for n_v members worth v and x_v = n_v A_v/G (derived)."""
    composites: Any = rewards.composite[:, None]
    kinds = Kinds(rewards.chance, composites, jnp.zeros((len(composites), 0)))
    chance, counts, advantage = groups(kinds, jnp.ones(1), size, estimator)
    x = counts * advantage / size
    within = (counts * advantage**2) @ rewards.spread / size**2
    mean = chance @ x
    return chance @ ((x @ rewards.gram * x).sum(1) + within) - mean @ rewards.gram @ mean


_enclosed_variance = enclose(_variance)


@lru_cache(maxsize=256)
def model_variance(
    components: int, correlation: float, group_size: int, estimator: Estimator, weights: str
) -> Number:
    """V on `bits` at its uniform policy."""
    instance = build(named("bits", components=components, correlation=correlation))
    assert isinstance(instance.policy, Tabular)
    (kinds,) = (choice := uniform_choice(instance.mdp, instance.policy)).kinds
    scale = fmpq(1, components) if weights == MEAN else fmpq(1)
    rewards = merged(kinds, [w * scale for w in choice.weights])
    variance: Number = _enclosed_variance(rewards, group_size, estimator)
    return variance


def fitted_exponent(sizes: Sequence[int], values: Sequence[Number]) -> arb:
    """Least squares slope of ln value against ln size, enclosed."""
    logs = [arb(k).log() for k in sizes]
    mean = total(logs) / len(logs)
    rise = total((x - mean) * arb(v).log() for x, v in zip(logs, values, strict=True))
    return arb(rise / total(square(x - mean) for x in logs))


def changing_policy(components: Sequence[int]) -> str | None:
    """Why growth in K is not that of the rewards alone; None where it is: one policy for all K."""
    first, *others = (build(named("bits", components=k)) for k in components)
    for other in others:
        arrays = ((x.theta, x.mdp.legal, x.policy.legal) for x in (first, other))
        if not all(np.array_equal(a, b) for a, b in zip(*arrays, strict=True)):
            return "the policy changes with K"
    return None


def _row(
    grows_in: str, sizes: Sequence[int], values: Sequence[Number], cell: Mapping[str, Any]
) -> Row:
    """Of an exponent that is to be 1 in K, or -1 in G."""
    fitted, wanted = fitted_exponent(sizes, values), 1 if grows_in == "K" else -1
    verdict = compare(magnitude(fitted - wanted), TOLERANCE).verdict
    exponent, reach = 0.0 if fitted.contains(0) else float(fitted), float(TOLERANCE)
    curve = {f"V at {grows_in}={n}": float(v) for n, v in zip(sizes, values, strict=True)}
    ratio = shown(values[1] / values[0], 8)
    note = f"exact: V({grows_in}={sizes[1]})/V({grows_in}={sizes[0]}) = {ratio}"
    limits = (exponent, exponent, exponent, wanted + reach)
    extra = {"grows_in": grows_in, "window_low": wanted - reach, **cell, **curve}
    largest = {"components": sizes[-1], "group_size": GROUP_SIZE}
    parameters = largest if grows_in == "K" else {"components": THREE, "group_size": sizes[-1]}
    return Row("T1.K", "bits", parameters, *limits, verdict, note, extra, evidence="certified")


def rows(scope: Scope, results: Mapping[RunSettings, RunResult]) -> list[Row]:
    """Fitted exponents of V: in K for each estimator, unit and correlation; in G for three bits."""
    components, groups, table = COMPONENTS[scope.profile], GROUPS[scope.profile], []
    why = changing_policy(components)
    if why is not None:
        return [unmet("T1.K", "bits", {}, why)]
    for estimator, weights, correlation in CELLS:
        values = [
            model_variance(k, correlation, GROUP_SIZE, estimator, weights) for k in components
        ]
        cell = {"correlation": correlation, "estimator": estimator.name, "weights": weights}
        table.append(_row("K", components, values, cell))
    for estimator in (UNBIASED, NORMALIZED):
        values = [model_variance(THREE, 0.0, g, estimator, UNIT) for g in groups]
        cell = {"correlation": 0.0, "estimator": estimator.name, "weights": UNIT}
        scaled = {f"G V at G={g}": float(g * v) for g, v in zip(groups, values, strict=True)}
        table.append(_row("G", groups, values, {**cell, **scaled}))
    return table


def facts(data: Table) -> Facts:
    """Of T1.K: the exponents, and G V of normalised advantages, which has no limit law 1/G."""
    headings = (
        "grows_in: in | estimator | weights | correlation | observed: exponent | note: why | "
        "verdict"
    )
    normalised = data[data["estimator"] == "group_normalized"].filter(like="G V at G=").dropna()
    variances = [
        f"{value:.3f} at {str(name).removeprefix('G V at ')}"
        for _, row in normalised.iterrows()
        for name, value in row.items()
    ]
    return {"table": table(data, headings, digits=4), "normalised": ", ".join(variances)}


CLAIM = Claim(
    name="T1.K",
    statement="V is proportional to K/G: fitted exponents within 0.05 of 1 in K and of -1 in G",
    provenance="reported",
    expected="refuted",
    proof=("grpo_checks.theory.updates.ustatistic",),
    figures=("t1_k",),
    facts={"T1.K": facts},
    assumptions=(DIAL, in_cells("a policy that does not change with K")),
    rows=rows,
    exact=STATEMENT.exact(),
)
