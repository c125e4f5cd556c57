"""T2.potential: decomposed GRPO climbs Jtilde, exactly, and training ends where it is highest.

Exact rows compare E[g] from the group law with grad Jtilde by automatic differentiation: two
computations that share nothing but the reward law. The trained row puts limits that are valid at
any number of seeds around the mean J at the end of training; where graded components leave the
closed form without meaning, the Jacobian of E[g] says that no potential exists at all.
"""

from collections.abc import Mapping
from dataclasses import replace

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from experiments.assumptions import BINARY, GRADED
from experiments.claim import (
    FAMILY_WISE_ERROR,
    STATISTICAL,
    Claim,
    Levels,
    Row,
    Scope,
    Verdict,
    settled_by,
)
from experiments.instances import InstanceSpec, build, named
from experiments.points.potential import POTENTIAL
from experiments.runs import RunResult, exact_law
from experiments.settings import RunSettings
from experiments.theorem2_cases import CONFIRMED, DECOMPOSED, TRAINED_AT, is_binary, training_runs
from experiments.theorem2_region import best_point, corners, region_rows, residual
from theory.advantages import Estimator
from theory.decomposed import potential_value
from theory.exact import gradient
from theory.intervals import lower_limit, upper_limit
from theory.levels import lower_level, upper_level
from theory.response import response
from theory.update import expected_update

ROUNDING = 1e-11
MUTANTS = {
    "another divisor": "F_G with ddof = 1 for an estimator with ddof = 0",
    "one response": "c_G(1/2) grad J instead of sum_k w_k c_G(J_k) grad J_k",
}
BANDIT = {"seed": 2, "prompts": 1, "width": 1, "tools": 0, "answers": 4, "depth": 0}


@eqx.filter_jit
def _both(mdp, policy, theta, law, claimed):  # type: ignore[no-untyped-def]
    """E[g] and the gradient of the Jtilde that is claimed."""
    of = law.group_size, claimed
    slope = jax.grad(lambda t: potential_value(mdp, policy, t, *of))(theta)
    return expected_update(mdp, policy, theta, law), slope


@eqx.filter_jit
def _asymmetry(mdp, policy, theta, law):  # type: ignore[no-untyped-def]
    """max |Jac - Jac^T| of E[g], over max |Jac|: 0 for every gradient."""
    flat = lambda t: expected_update(mdp, policy, t.reshape(theta.shape), law).reshape(-1)  # noqa: E731
    jacobian = jax.jacfwd(flat)(theta.reshape(-1))
    return jnp.abs(jacobian - jacobian.T).max() / jnp.abs(jacobian).max()


def _checked(scope: Scope) -> list[tuple[InstanceSpec, int, Estimator]]:
    """Instances, group sizes and options."""
    plain, trl = DECOMPOSED, replace(DECOMPOSED, ddof=1, eps=1e-4)
    if scope.instance is not None:
        return [(scope.instance, TRAINED_AT, plain)]
    bandit = named("random", components=2, **BANDIT)
    if scope.profile != "paper":
        return [(CONFIRMED, TRAINED_AT, plain)]
    small = [(CONFIRMED, TRAINED_AT, plain), (bandit, TRAINED_AT, plain)]
    specs = [named(name, components=3) for name in ("search", "coding", "bits", "conflict")]
    models = [named("random", components=2, levels=2, seed=s, features=3 * s) for s in (0, 1)]
    return [
        *small,
        *((s, g, e) for s in (*specs, *models) for g in (2, 4, 8) for e in (plain, trl)),
    ]


def _exact_row(spec: InstanceSpec, size: int, of: Estimator, mutant: str | None) -> Row:
    instance, law = build(spec), exact_law(spec, size, of)
    # Away from a uniform start, where symmetry could hide a difference.
    noise = np.random.default_rng(size).normal(scale=0.7, size=instance.theta.shape)
    model = (instance.mdp, instance.policy, instance.theta + jnp.asarray(noise))
    shared = {
        "components": instance.mdp.weights.size,
        "group_size": size,
        "ddof": of.ddof,
        "eps": of.eps,
    }
    if not is_binary(instance.mdp):
        extra = {"asymmetry": float(_asymmetry(*model, law))}
        none = (None, None, None, None)
        return Row("T2.potential", spec.name, shared, *none, "assumption unmet", GRADED, extra)
    claimed = replace(of, ddof=1 - of.ddof) if mutant == "another divisor" else of
    update, slope = _both(*model, law, claimed)
    if mutant == "one response":
        slope = response(jnp.asarray(0.5), size, of.ddof, of.eps) * gradient(*model)
    off = float(jnp.abs(update - slope).max() / jnp.abs(slope).max())
    verdict: Verdict = "holds" if off <= ROUNDING else "refuted"
    head = ("T2.potential", spec.name, shared, off, off, off, ROUNDING)
    return Row(*head, verdict, "relative difference of E[g] and grad Jtilde; bound: rounding")


def _trained_row(run: RunSettings, result: RunResult, level: float) -> Row:
    """Does training end at the maximiser of Jtilde? And not at that of J?"""
    if result["diverged"]:
        none, why = (None, None, None, None), "the run left the finite numbers"
        return Row("T2.potential", run.instance.name, {}, *none, "inconclusive", why)
    mdp = build(run.instance).mdp
    weights = np.asarray(mdp.weights)
    success = np.asarray(result["success"])[:, -1, 0]
    ends = success @ weights
    best, calls = best_point(mdp, run.group_size), corners(mdp) @ weights
    span, top = (float(calls.min()), float(calls.max())), float(calls.max())
    limits = lower_limit(ends, level, *span), upper_limit(ends, level, *span)
    error = float(ends.std(ddof=1) / np.sqrt(ends.size))
    mean, aim = float(ends.mean()), float(best @ weights)
    inside = limits[0] <= aim <= limits[1] < top
    verdict: Verdict = "holds" if inside else "inconclusive" if limits[1] >= top else "refuted"
    away = min(lower_level(ends, aim, *span), upper_level(ends, aim, *span))
    levels = Levels(upper_level(ends, top, *span), min(1.0, 2 * away))
    extra = {
        "standard_error": error,
        "off_in_errors": (mean - aim) / error,
        "residual": residual(mdp, run.group_size, best),
        "optimum_of_J": top,
        "optimum_in_errors": (top - mean) / error,
        "mean_success_1": float(success[:, 0].mean()),
        "mean_success_2": float(success[:, 1].mean()),
        "where": f"end of training, {run.estimator.name}",
    }
    note = "J at the end; bound: J at the maximiser of Jtilde"
    if verdict == "refuted":
        note += "; " + STATISTICAL
    if verdict == "inconclusive":
        reach = (limits[1] - limits[0]) / 2 / max(top - mean, 1e-300)
        note += "; " + settled_by(ends.size * reach**2)
    head = ("T2.potential", run.instance.name, run.parameters(), mean, *limits, aim)
    return Row(*head, verdict, note, extra, evidence="statistical", levels=levels)


def runs(scope: Scope) -> list[RunSettings]:
    """Training on two calls, whose best mixture for Jtilde is known."""
    return [run for run in training_runs(scope) if run.instance == CONFIRMED]


def rows(scope: Scope, results: Mapping[RunSettings, RunResult]) -> list[Row]:
    """Exact comparisons, training, and the picture of what can be attained."""
    found = [_exact_row(*cell, scope.mutant) for cell in _checked(scope)]
    if scope.mutant is not None or scope.instance is not None:
        return found
    trained = [run for run in runs(scope) if run.estimator == DECOMPOSED]
    level = FAMILY_WISE_ERROR / (2 * len(trained))
    found += [_trained_row(run, results[run], level) for run in trained]
    return [*found, *region_rows()]


CLAIM = Claim(
    name="T2.potential",
    statement="E[g] of `componentwise_normalized` is grad Jtilde; training ends at its maximiser",
    provenance="derived",
    expected="holds",
    proof=("theory.decomposed",),
    figures=("t2_region",),
    assumptions=(BINARY,),
    mutants=MUTANTS,
    runs=runs,
    rows=rows,
    exact=POTENTIAL,
)
