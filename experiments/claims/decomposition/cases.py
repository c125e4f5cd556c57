"""Which models, policies and group sizes Theorem 2 is checked on."""

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from functools import lru_cache
from threading import Lock

import jax
import numpy as np
from jaxtyping import Array, Float
from scipy.special import expit

from grpo_checks.experiments.claims.decomposition.cells import (
    Case,
    Cells,
    Option,
    check,
    random_policies,
)
from grpo_checks.experiments.models.instances import InstanceSpec, build, named
from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.evaluation.values import Theta, component_values
from grpo_checks.theory.instances.instance import Instance
from grpo_checks.theory.instances.menu import menu
from grpo_checks.theory.instances.random import random_instance
from grpo_checks.theory.instances.sharp import sharp_point
from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.mdp.padding import Shape, shape_of
from grpo_checks.theory.mdp.policy import Policy

GROUPS = (2, 3, 4, 5, 8, 16, 64)
SHARP = tuple(g for g in GROUPS if g > 3)
OPTIONS = (*(Option(g) for g in GROUPS), Option(8, 1, 1e-4), Option(8, 0, 0.3), Option(64, 1, 1e-4))
DECOMPOSED, JOINT = Estimator("componentwise_normalized"), Estimator("group_normalized")
SMALL = Shape(2, 12, 4, 3, 3, 2)
"""Holds `random`, `menu` and `sharp`."""
TWO_CALLS = (("3/5", 0), ("1/5", "1/5"))
"""The first two calls of `menu`: the maximiser of Jtilde is inside their segment."""
CONFIRMED = named("menu", calls=TWO_CALLS, components=2)
TRAINED_AT = 8
SATURATION = 20.0
"""Gap of two logits."""
_LOCK = Lock()


def start_values(spec: InstanceSpec) -> np.ndarray:
    """Component values (1, Q, K) where training starts."""
    instance = build(spec)
    return np.asarray(_success(instance.mdp, instance.policy, instance.theta))[None]


@jax.jit
def _success(mdp: TAMDP, policy: Policy, theta: Theta) -> Float[Array, "Q K"]:
    return component_values(mdp, policy.probs(theta))


def _case(name: str, mdp: TAMDP, shape: Shape, policies: int, seed: int) -> Case:
    return Case(name, mdp, random_policies(mdp, policies, seed, shape), OPTIONS)


def _random_menu(rng: np.random.Generator) -> TAMDP:
    """Three calls anywhere; weights in 1..4."""
    calls = [[f"{n}/20" for n in row] for row in rng.integers(0, 21, (3, 2))]
    return menu(2, calls, rng.integers(1, 5, 2).tolist()).mdp


def _tension(rng: np.random.Generator) -> TAMDP:
    """Two calls, each better for one component, and nearly as good as each other: so that
    unequal responses can decide, and first-order points with a gap are met."""
    low, high = np.sort(rng.integers(0, 41, (2, 2)), axis=0)
    high = np.minimum(np.maximum(high, low + 1), 40)
    low = np.minimum(low, high - 1)
    calls = [[f"{high[0]}/40", f"{low[1]}/40"], [f"{low[0]}/40", f"{high[1]}/40"]]
    ratio = Fraction(int(high[0] - low[0]), int(high[1] - low[1])) * Fraction(
        int(rng.integers(20, 101)), 100
    )
    return menu(2, calls, [1, ratio.limit_denominator(1000)]).mdp


def _sharp_cases() -> list[Case]:
    cases = []
    for high in (False, True):
        for g in SHARP:
            point = sharp_point(g, high=high)
            success = np.array(point.success)[None, None]
            cases.append(Case("sharp", point.instance.mdp, success, [Option(g)]))
    return cases


def _saturated() -> Case:
    """A policy so sure of itself that grad Jtilde vanishes, far from any first-order point."""
    success = np.array([[expit([SATURATION, -SATURATION])]])
    return Case("saturated", saturated().mdp, success, [Option(TRAINED_AT)])


def saturated() -> Instance:
    """Calls that earn (1, 0) and (0, 1), weights (1, 2); the worse one is preferred by far."""
    return menu(2, ((1, 0), (0, 1)), (1, 2), SATURATION)


def _small_cases(profile: str) -> list[Case]:
    """Random models of three kinds, and the sharp family."""
    paper = profile == "paper"
    count, policies = (1000, 5) if paper else (24, 2)
    cases = []
    for seed in range(count):
        mdp = random_instance(1 + seed % 3, seed=seed, levels=2).mdp
        cases.append(_case("random", mdp, SMALL, policies, seed))
    rng = np.random.default_rng(2)
    for seed in range(100 if paper else 8):
        cases.append(_case("menu, random", _random_menu(rng), SMALL, 2, seed))
        cases.append(_case("menu, in tension", _tension(rng), SMALL, 2, seed))
    default = build(named("menu", components=2)).mdp
    # The first random policy is the uniform one, where training starts.
    return [*cases, _case("menu", default, SMALL, 1, 0), _saturated(), *_sharp_cases()]


def _named_cases(specs: Sequence[InstanceSpec], policies: int) -> tuple[list[Case], Shape]:
    models = [build(spec).mdp for spec in specs]
    shape = shape_of(models)
    cases = []
    for spec, mdp in zip(specs, models, strict=True):
        case = _case(spec.name, mdp, shape, policies, 0)
        cases.append(replace(case, success=np.concatenate([start_values(spec), case.success])))
    return cases, shape


def static_cells(profile: str, only: InstanceSpec | None) -> list[Cells]:
    """Random policies and the first-order points reached from them, for each stack of models.

    Computed once for all claims, also where these compute side by side.
    """
    with _LOCK:
        return _static_cells(profile, only)


@lru_cache(maxsize=8)
def _static_cells(profile: str, only: InstanceSpec | None) -> list[Cells]:
    if only is not None:
        return [check(*_named_cases([only], 8))]
    cells = [check(_small_cases(profile), SMALL)]
    if profile == "paper":
        specs = [named(name, components=3) for name in ("search", "coding", "bits")]
        cells.append(check(*_named_cases(specs, 64)))
    return cells
