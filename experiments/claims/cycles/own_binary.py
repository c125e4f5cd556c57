"""T1.own.binary: one binary reward, std-normalised: E[g] is a gradient, unless scores count 1/l.

Statement: under `episode_sum` and `constant` E[g] is the gradient of Jtilde, so that steps
c/sqrt(T) ascend it; under `sequence_mean` it has the curl of ``theory.convergence.cycles.binary``,
and is the gradient of nothing where that is not 0.
Proof: there.
Source: arXiv:2604.19857, abstract, for the estimator as it is run and one reward; derived.
Units: of the Jacobian of E[g], rewards cancel.

Cells compare J - J^T of the update rule's exact law, by automatic differentiation, with the
formula.
"""

from collections.abc import Mapping
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from grpo_checks.experiments.models.instances import InstanceSpec, build, named
from grpo_checks.experiments.models.settings import RunResult, RunSettings
from grpo_checks.experiments.protocol.assumptions import stated
from grpo_checks.experiments.protocol.cell_rows import equality, unmet
from grpo_checks.experiments.protocol.claim import Claim, Facts, Row, Scope
from grpo_checks.experiments.runs.words import Table, listed, table
from grpo_checks.experiments.storage.text import span
from grpo_checks.theory.batches.rule_law import RuleLaw, rule_law
from grpo_checks.theory.convergence.cycles.binary import binary_curl
from grpo_checks.theory.convergence.jacobian import asymmetry, jacobian_rounding
from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.evaluation.values import Theta
from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.mdp.policy import Policy
from grpo_checks.theory.rules.aggregation import Aggregation
from grpo_checks.theory.rules.by_length import ByLength, by_length
from grpo_checks.theory.rules.rule import UpdateRule

NAME = "T1.own.binary"
NORMALIZED = Estimator("group_normalized")
INSTANCES = {"quick": ("coding",), "paper": ("coding", "search", "relay")}
SIZES = {"quick": (2, 4), "paper": (2, 4, 8)}
AGGREGATIONS = (
    Aggregation("episode_sum"),
    Aggregation("constant"),
    Aggregation("sequence_mean"),
    Aggregation("sequence_mean", 1),
)
MUTANTS = {
    "1/l too": "E[g] is a gradient under sequence_mean as well",
    "c_G constant": "the curl has no term with the slope of c_G at G = 4",
    "reversed": "the curl has the other sign",
}
SCALE = {"1/l too": 0.0, "reversed": -1.0}
"""What mutants make of the formula."""


@partial(jax.jit, static_argnames="group_size")
def _curls(
    law: RuleLaw,
    model: ByLength,
    policy: Policy,
    theta: Theta,
    weight: Float[Array, " C"],
    group_size: int,
) -> tuple[Float[Array, "n n"], Float[Array, "n n"], Float[Array, ""]]:
    """J - J^T, what the formula says at ``group_size``, and |J - J^T|/|J|."""

    def field(flat: Float[Array, " n"]) -> Float[Array, " n"]:
        return law.moments(policy, flat.reshape(theta.shape)).mean

    jacobian = jax.jacfwd(field)(theta.reshape(-1))
    formula = binary_curl(model, policy, theta, weight, group_size)
    return jacobian - jacobian.T, formula, asymmetry(jacobian)


def _start(spec: InstanceSpec) -> Theta:
    """A policy near the uniform one, where nothing vanishes by symmetry."""
    theta = build(spec).theta
    return theta + 0.5 * jnp.asarray(np.random.default_rng(0).normal(size=theta.shape))


def _clearest(
    curl: Float[np.ndarray, "n n"], formula: Float[np.ndarray, "n n"], off: float
) -> tuple[float, float]:
    """The entry where both differ most; if none by more than ``off``, that of the largest curl.

    What is 0 up to rounding is returned as 0: a quotient of two rounding errors says nothing. Both
    matrices are antisymmetric: of an entry and its mirror image the one with a positive curl.
    """
    difference = np.abs(curl - formula)
    decisive = difference if difference.max() > off else np.abs(curl)
    entry = np.unravel_index(decisive.argmax(), curl.shape)
    sides = np.array([curl[entry], formula[entry]])
    sides = np.where(np.abs(sides) > off, sides, 0.0) * (-1.0 if curl[entry] < 0 else 1.0) + 0.0
    return float(sides[0]), float(sides[1])


def _row(spec: InstanceSpec, size: int, aggregation: Aggregation, mutant: str | None) -> Row:
    instance, theta = build(spec), _start(spec)
    law = rule_law(instance.mdp, size, UpdateRule(NORMALIZED, aggregation))
    model = by_length(instance.mdp)
    weight = model.weights(aggregation)
    arrays = (law, model, instance.policy, theta, weight)
    believed = 2 if mutant == "c_G constant" else size
    curl, formula, share = map(np.asarray, _curls(*arrays, believed))
    formula = formula * SCALE.get(mutant or "", 1.0)
    assert law.group is not None
    # Of the difference of two such entries on each side; weights are at most 1.
    off = 4 * jacobian_rounding(model.mdp, instance.policy, theta, law.group)
    lengths = len({*np.asarray(model.decisions).tolist()})
    extra = {
        "aggregation": aggregation.name,
        "length_offset": aggregation.length_offset,
        "lengths": lengths,
        "asymmetry": float(share),
        "largest_curl": float(np.abs(curl).max()),
    }
    parameters = {"components": 1, "group_size": size}
    gradient = bool(np.abs(curl).max() <= off)
    note = "a gradient, up to rounding" if gradient else "no gradient"
    return equality(NAME, spec.name, parameters, *_clearest(curl, formula, off), off, note, extra)


def _binary(mdp: TAMDP) -> bool:
    return {*np.asarray(mdp.class_composite).tolist()} <= {0.0, 1.0}


def rows(scope: Scope, results: Mapping[RunSettings, RunResult]) -> list[Row]:
    """A cell per model, group size and aggregation, at its clearest entry."""
    specs = [named(name, components=1) for name in INSTANCES[scope.profile]]
    if scope.instance is not None:
        specs = [scope.instance]
        if not _binary(build(scope.instance).mdp):
            return [unmet(NAME, scope.instance.name, {}, "rewards other than 0 and 1")]
    sizes = SIZES[scope.profile]
    return [_row(s, g, a, scope.mutant) for s in specs for g in sizes for a in AGGREGATIONS]


def facts(data: Table) -> Facts:
    """Of T1.own.binary: the asymmetry of the Jacobian by aggregation."""
    shown = data.dropna(subset=["asymmetry"])
    # Below its rounding error it is none.
    seen = shown["largest_curl"] > shown["rounding"]
    known = shown.assign(asymmetry=shown["asymmetry"].where(seen, 0.0))
    shares = known.groupby(["instance", "aggregation"], sort=False)["asymmetry"].agg(span)
    return {
        "cells": len(shown),
        "sizes": listed([f"{size:.0f}" for size in sorted({*shown["group_size"]})]),
        "table": table(shares.rename("share").reset_index()),
    }


CLAIM = Claim(
    name=NAME,
    statement="one binary reward: E[g] of `group_normalized` is the gradient of Jtilde under "
    "`episode_sum` and `constant`; under 1/l it has the curl -c_G dp ^ dE[1/l] at G = 2, 3",
    provenance="derived",
    expected="holds",
    proof=("grpo_checks.theory.convergence.cycles.binary",),
    figures=(),
    facts={NAME: facts},
    assumptions=stated("one binary reward", "eps = 0, ddof = 0", "full sweep"),
    mutants=MUTANTS,
    rows=rows,
)
