"""Expected updates of the models of T1.own: floors, gradient ascents, and orbits to be drawn."""

from collections.abc import Iterator
from functools import lru_cache
from math import pi, sqrt
from typing import Any

import numpy as np
from scipy.special import softmax

from grpo_checks.experiments.claims.cycles.models import COMPONENTS, DOCUMENTS
from grpo_checks.experiments.claims.cycles.own_field import circle_of, decide, worth
from grpo_checks.experiments.claims.cycles.sampled_orbits import components, sampled
from grpo_checks.experiments.models.instances import InstanceSpec, build, named
from grpo_checks.experiments.protocol.cell_rows import certified, exact, inequality
from grpo_checks.experiments.protocol.claim import Row, Scope
from grpo_checks.experiments.protocol.verdict import Decision
from grpo_checks.experiments.runs.training import exact_law
from grpo_checks.theory.convergence.cycles.turns import angles
from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.numbers.balls import ends
from grpo_checks.theory.updates.rounding import accumulated
from grpo_checks.theory.updates.stationary import Orbit, orbit

NAME = "T1.own"
GROUP_NORMALIZED = Estimator("group_normalized")
GRADIENTS = (
    Estimator("leave_one_out"),
    Estimator("mean_baseline"),
    Estimator("componentwise_normalized"),
)
REACHES = {"quick": (1,), "paper": (1, 4, 10)}
LENGTH = {"quick": 1000, "paper": 10_000}
PERIODS, POINTS = 1.5, 48
"""Of an orbit, as the figure draws it."""
UNIT, FLOW = 0.025, 20_000
"""Step and number of steps that follow the flow."""


def spec_of(name: str) -> InstanceSpec:
    """The instance of a document's name."""
    return named(name, components=COMPONENTS[name])


def along(
    name: str, group_size: int, estimator: Estimator, theta: Any, step: float, length: int
) -> Orbit:
    """Expected updates of the model from some logits, by the law of its groups."""
    spec = spec_of(name)
    instance, group = build(spec), exact_law(spec, group_size, estimator)
    assert group is not None
    return orbit(instance.mdp, instance.policy, theta, group, step, length)


def measured(name: str, group_size: int, estimator: Estimator, step: float, length: int) -> Orbit:
    """From the start of the instance."""
    return along(name, group_size, estimator, build(spec_of(name)).theta, step, length)


def _chances(theta: Any) -> Any:
    """Of the three actions, (N, 3), at the first state."""
    return softmax(np.asarray(theta)[:, 0, :3], axis=1)


@lru_cache(maxsize=16)
def zero(name: str, eps: str = "0") -> Any:
    """Logits (3,) of the zero of E[g] at G = 2."""
    circle = circle_of({**DOCUMENTS[name], "eps": eps})
    assert circle is not None
    return np.log([float(ends(x)[0]) for x in circle.weights])


@lru_cache(maxsize=8)
def period(name: str) -> float:
    """Of the orbit through the start, in units of the flow, which a run of T steps c/sqrt(T)
    follows for c sqrt(T) of them: until the angle around the zero of E[g] has grown by 2 pi."""
    path = measured(name, 2, GROUP_NORMALIZED, UNIT, FLOW)
    angle = angles(np.asarray(path.theta)[:, 0, :3], zero(name))
    assert angle[-1] > 2 * pi
    return float(np.interp(2 * pi, angle, UNIT * np.arange(FLOW)))


def _components(name: str, thetas: Any) -> Any:
    """(K, N): J_k at each policy."""
    instance = build(spec_of(name))
    return np.asarray(components(instance.mdp, instance.policy, thetas)).T


def drawn(name: str, group_size: int, estimator: Estimator) -> dict[str, float]:
    """Chances of the first two actions along the flow, J and its components: about one period and
    a half."""
    length = round(PERIODS * period(name) / UNIT)
    path = measured(name, group_size, estimator, UNIT, length)
    kept = np.linspace(0, length - 1, POINTS).astype(int)
    thetas = np.asarray(path.theta)[kept]
    chance = _chances(thetas)
    columns = {"first": chance[:, 0], "second": chance[:, 1], "J": np.asarray(path.value)[kept]}
    if group_size == 2 and len(parts := _components(name, thetas)) > 1:
        columns |= {f"J_{k + 1}": x for k, x in enumerate(parts)}
    return {
        f"{column} at t={UNIT * t:g}": float(x)
        for column, values in columns.items()
        for t, x in zip(kept, values, strict=True)
    } | {"optimum": build(spec_of(name)).optimum}


def parameters(name: str, group_size: int, estimator: Estimator, **more: Any) -> dict[str, Any]:
    """The columns that tell a cell from others."""
    shared = {"components": COMPONENTS[name], "group_size": group_size}
    return {**shared, "estimator": estimator.name, **more}


def floors(name: str, scope: Scope) -> Iterator[Row]:
    """For every T, and what is measured at one."""
    length = LENGTH[scope.profile]
    for reach in REACHES[scope.profile]:
        path = measured(name, 2, GROUP_NORMALIZED, reach / sqrt(length), length)
        seen = {"E[g]": path.squared_update, "grad J": path.squared_gradient}
        for field, squares in seen.items():
            decision = decide({**DOCUMENTS[name], "reach": reach, "average": field})
            extra = {"field": field, "measured": float(squares.mean()), "measured_steps": length}
            if (reach, field) == (REACHES[scope.profile][0], "E[g]"):
                extra |= drawn(name, 2, GROUP_NORMALIZED)
                if COMPONENTS[name] > 1 and scope.profile == "paper":
                    span = PERIODS * period(name)
                    extra |= sampled(spec_of(name), 2, GROUP_NORMALIZED, span)
            yield _floor_row(name, reach, decision, extra)


def _floor_row(name: str, reach: int, decision: Decision, extra: dict[str, Any]) -> Row:
    """*Inconclusive* where the average of the model itself is below: one of both is wrong."""
    floor = decision.numbers[1]
    labels = (NAME, name, parameters(name, 2, GROUP_NORMALIZED, reach=reach))
    if extra["measured"] < floor:
        return exact(*labels, floor, 0.0, "inconclusive", "below its floor: a fault", extra)
    return certified(exact(*labels, floor, 0.0, decision.verdict, decision.note, extra))


def ascents(name: str, scope: Scope) -> Iterator[Row]:
    """Where E[g] is the gradient of F = sum_a pi_a u_a, L-smooth with L = (max u - min u)/2:
    mean |E[g]|^2 <= (max u - F_0)/(eta T (1 - L eta/2))."""
    length, reach = LENGTH[scope.profile], REACHES[scope.profile][0]
    step = reach / sqrt(length)
    for estimator in GRADIENTS:
        u = worth({**DOCUMENTS[name], "estimator": estimator.name})
        if u is None:
            continue
        path = measured(name, 2, estimator, step, length)
        observed = float(path.squared_update.mean())
        bound, off = _ascent_bound(np.array([float(ends(x)[0]) for x in u]), path, step)
        extra = {"field": "E[g]", "measured_steps": length, **drawn(name, 2, estimator)}
        labels = (NAME, name, parameters(name, 2, estimator, reach=reach))
        yield inequality(*labels, observed, bound, off, "gradient ascent", extra)


def _ascent_bound(u: Any, path: Orbit, step: float) -> tuple[float, float]:
    """With its rounding error: where theta is rounded F falls by |grad F| times that, at most."""
    length, smooth = len(path.value), (u.max() - u.min()) / 2
    start = _chances(np.asarray(path.theta)[:1])[0] @ u
    scale = step * (1 - smooth * step / 2)
    bound = float((u.max() - start) / (scale * length))
    steepest = sqrt(float(np.max(path.squared_update)))
    farthest = float(np.abs(np.asarray(path.theta)).max())
    moved = accumulated(64) * (farthest + step * steepest)
    return bound, steepest * moved / scale + accumulated(length + 64) * 2 * bound
