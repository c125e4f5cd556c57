"""T2.global: what a global maximiser of Jtilde loses, in any class of policies.

Statement: with Delta_qk = J*_qk - J_qk between a maximiser of J and one of Jtilde in one class,
sum_q rho_q sum_k w_k Delta_qk <= (kappa_G-1)/(kappa_G+1) sum_q rho_q sum_k w_k |Delta_qk|.
Proof: ``theory.convergence.shared_parameters``; against every policy of the class, not J's best
alone, and so it is checked.
Source: derived.
Units: of the composite reward.

Cells list a class, so that its maximisers are known: mixtures of calls, or one logit.
"""

from collections.abc import Mapping
from fractions import Fraction
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Array, Float
from numpy.typing import NDArray
from scipy.special import softmax

from grpo_checks.experiments.claims.decomposition.cases import SHARP
from grpo_checks.experiments.claims.decomposition.gap import CONSTANT_RESPONSE
from grpo_checks.experiments.claims.decomposition.region import corners, potential_curve
from grpo_checks.experiments.claims.policy_classes import facts
from grpo_checks.experiments.falsifier.domain import Domain
from grpo_checks.experiments.falsifier.statement import Statement
from grpo_checks.experiments.models.instances import InstanceSpec, build, named
from grpo_checks.experiments.models.settings import RunResult, RunSettings
from grpo_checks.experiments.points.decomposition.classes import (
    ARRAYS,
    DOMAIN,
    OPTIONS,
    not_a_maximiser,
    sides,
)
from grpo_checks.experiments.protocol.assumptions import BINARY
from grpo_checks.experiments.protocol.cell_rows import inequality, nearest
from grpo_checks.experiments.protocol.claim import Claim, Row, Scope
from grpo_checks.theory.estimators.response import kappa
from grpo_checks.theory.evaluation.values import Theta, component_values
from grpo_checks.theory.instances.sharp import sharp_point
from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.mdp.policy import Policy
from grpo_checks.theory.updates.correlation import is_binary
from grpo_checks.theory.updates.rounding import accumulated

NAME = "T2.global"
NEAR = Fraction(1, 10**5)
"""How near `sharp` is to the largest kappa."""
POLICIES = 401
LED_AWAY = ((0.48, 0.04), (0.52, 0.0), (1.0, 1.0))
"""The calls of T2.shared, and their weights by group size."""
WEIGHTS = {4: 0.971, 8: 0.87, 16: 0.787}
GROUPS = (2, 3, 4, 8, 64)
REACH = 8.0
"""How far a line of parameters goes either way."""
Floats = NDArray[np.float64]


class Listed(NamedTuple):
    """A class of policies, in the order in which a logit or a mixture passes them."""

    name: str
    policies: str
    """What they are."""
    success: Floats
    """(N, Q, K)."""
    share: Floats
    """(Q,): rho."""
    weights: Floats
    """(K,)."""
    sizes: tuple[int, ...]


def _sharp(size: int) -> list[Listed]:
    """Mixtures of two calls; and one logit that moves two prompts of one component so."""
    model = sharp_point(size, NEAR).instance.mdp
    mixed, weights = np.linspace(0, 1, POLICIES)[:, None], np.asarray(model.weights)
    better, other = corners(model)
    success = (mixed * better + (1 - mixed) * other)[:, None]
    names = ("sharp", "mixtures of two calls"), ("sharp, two prompts", "one logit of both prompts")
    prompts = success.transpose(0, 2, 1), weights / weights.sum(), np.ones(1)
    return [
        Listed(*names[0], success, np.ones(1), weights, (size,)),
        Listed(*names[1], *prompts, (size,)),
    ]


def _led_away(size: int) -> Listed:
    """T2.shared's class, from its start on."""
    law = softmax(np.linspace(-10, 30, POLICIES)[:, None] * np.arange(3.0)[None], 1)
    success, weights = (law @ np.array(LED_AWAY))[:, None], np.array([1.0, WEIGHTS[size]])
    return Listed("three calls", "one logit from -10 on", success, np.ones(1), weights, (size,))


@jax.jit
def _values(mdp: TAMDP, policy: Policy, thetas: Float[Array, "N ..."]) -> Float[Array, "N Q K"]:
    def one(theta: Theta) -> Float[Array, "Q K"]:
        return component_values(mdp, policy.probs(theta))

    return jax.lax.map(one, thetas)


def _line(spec: InstanceSpec) -> Listed:
    """Parameters along a direction through where training starts."""
    _, mdp, policy, theta, *_ = build(spec)
    direction = np.random.default_rng(0).normal(size=theta.shape)
    along = np.linspace(-REACH, REACH, POLICIES).reshape(-1, *[1] * theta.ndim)
    success = np.asarray(_values(mdp, policy, np.asarray(theta)[None] + along * direction[None]))
    rho, weights = np.asarray(mdp.prompt_distribution), np.asarray(mdp.weights)
    return Listed(spec.name, "a line of parameters", success, rho, weights, GROUPS)


def _classes(scope: Scope) -> list[Listed]:
    if scope.instance is not None:
        return [_line(scope.instance)]
    paper = scope.profile == "paper"
    sizes = SHARP if paper else (4, 8)
    specs = [named("conflict", components=1)]
    if paper:
        specs += [named(x, components=3) for x in ("conflict", "search", "coding", "menu")]
        specs += [named("random", components=k, seed=s, levels=2) for k in (2, 3) for s in range(4)]
    listed = [c for size in sizes for c in _sharp(size)]
    lines = [_line(spec) for spec in specs if is_binary(build(spec).mdp)]
    return [*listed, *map(_led_away, WEIGHTS), *lines]


def _arrived(climbed: Floats) -> int:
    """Where ascent from the first policy of the class ends."""
    falls = np.flatnonzero(np.diff(climbed) <= 0)
    return int(falls[0]) if falls.size else len(climbed) - 1


def _row(listed: Listed, size: int, mutant: str | None) -> Row:
    """The policy of the class that is closest to violating the bound at the best one."""
    curve, worth = potential_curve(size), listed.success @ listed.weights @ listed.share
    climbed = curve(listed.success) @ listed.weights @ listed.share
    best = _arrived(climbed) if mutant == "where ascent arrives" else int(climbed.argmax())
    off = listed.success - listed.success[best][None]
    gap, moved = (x @ listed.weights @ listed.share for x in (off, np.abs(off)))
    largest = kappa(size)
    factor = (largest - 1) / (largest + 1) * (0.5 if mutant == "kappa factor halved" else 1)
    bound = factor * (gap if mutant == "no absolute value" else moved)
    # A wrong choice by the error of Jtilde adds it, over a response; values of J are sums too.
    terms = 2 * climbed.max() / float(curve.derivative()(0.5)) + 4 * worth.max()
    error = np.full(len(gap), accumulated(4 * size + 2 * listed.success[0].size + 16) * terms)
    equal = size in CONSTANT_RESPONSE
    at = int(worth.argmax()) if equal else nearest(gap, bound, error)
    extra = {
        "policies": listed.policies,
        "cells": len(gap),
        "optimum_of_J": float(worth.max()),
        "loss": float(worth.max() - worth[best]),
        "factor": factor,
    }
    shared = {"components": listed.weights.size, "group_size": size}
    note = "J above that of Jtilde's best, and bound, of the policy closest to a violation"
    sides = (float(gap[at]), float(bound[at]), float(error[at]))
    return inequality(NAME, listed.name, shared, *sides, note, extra, identity=equal)


def rows(scope: Scope, results: Mapping[RunSettings, RunResult]) -> list[Row]:
    """A row for each class and group size."""
    return [_row(c, size, scope.mutant) for c in _classes(scope) for size in c.sizes]


STATEMENT = Statement(
    sides,
    DOMAIN,
    mutants={
        "kappa factor halved": ("(kappa_G-1)/(kappa_G+1)/2 in place of the factor", {"part": 0.5}),
        "no absolute value": ("Delta_qk in place of |Delta_qk|", {"signed": True}),
        "where ascent arrives": (
            "where ascent of Jtilde through the class ends, first",
            Statement(sides, Domain(ARRAYS, OPTIONS, DOMAIN.places)),
        ),
    },
    exception=not_a_maximiser,
)


CLAIM = Claim(
    name=NAME,
    statement="at a global maximiser of Jtilde in any class, sum_q rho_q sum_k w_k Delta_qk <= "
    "(kappa_G-1)/(kappa_G+1) sum_q rho_q sum_k w_k |Delta_qk|, Delta_qk = J*_qk - J_qk",
    provenance="derived",
    expected="holds",
    proof=("grpo_checks.theory.convergence.shared_parameters",),
    figures=("looseness",),
    facts={NAME: facts.global_maximum},
    assumptions=(BINARY,),
    rows=rows,
    exact=STATEMENT.exact(),
)
