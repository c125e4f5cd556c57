"""What stops the cycle: the orbits of T1.own at G = 2 again, with one thing changed at a time.

Expected updates from the start of the instance (``cycle_changes``). A run *goes round* if it has
turned round the zero of E[g] ``TURNS - 1/2`` times and moves at its end; it *arrives* if J is
within ``NEAR`` of the optimum; it *rests elsewhere* if the policy stands still where grad J is not
0; else it *moves*. Measured, not certified; what the change means is said in the ledger.
"""

from math import pi
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
from jaxtyping import Array, Int

from grpo_checks.experiments.audit.cycle_changes import TURNS, Change, State, changes
from grpo_checks.experiments.claims.cycles.own_orbits import spec_of, zero
from grpo_checks.experiments.models.instances import build
from grpo_checks.theory.convergence.cycles.turns import angles
from grpo_checks.theory.evaluation.values import gradient, value
from grpo_checks.theory.instances.instance import Instance

NEAR, STILL = 0.01, 1e-5
"""Of J to its optimum, and the largest range of a chance in the last tenth of a run at rest."""
NAMES = ("dice", "rank_cycle")


class Path(NamedTuple):
    """At the beginnings of steps."""

    theta: Any
    """(T, ...)"""
    value: Any
    squared_gradient: Any


def _followed(instance: Instance, change: Change) -> Path:
    mdp, policy = instance.mdp, instance.policy

    def advance(state: State, t: Int[Array, ""]) -> tuple[State, Path]:
        theta = state[0]
        slope = jnp.square(gradient(mdp, policy, theta)).sum()
        return change.move(state, t), Path(theta, value(mdp, policy, theta), slope)

    start = (instance.theta, change.start(instance.theta))
    run = jax.jit(lambda state: jax.lax.scan(advance, state, jnp.arange(change.steps))[1])
    return Path(*map(np.asarray, run(start)))


def record(name: str, change: Change) -> dict[str, Any]:
    """One line: where the run leads."""
    instance = build(spec_of(name))
    path = _followed(instance, change)
    theta = np.asarray(path.theta)[:, 0, :3]
    chances = np.asarray(jax.nn.softmax(theta[-len(theta) // 10 :], axis=1))
    still = bool((chances.max(0) - chances.min(0)).max() < STILL)
    turns = float(angles(theta, zero(name, change.eps))[-1] / (2 * pi))
    near = bool(path.value[-1] > instance.optimum - NEAR)
    third = len(theta) // 3
    kind = "arrives" if near else "rests elsewhere" if still else "moves"
    if not near and not still and turns > TURNS - 0.5:
        kind = "goes round"
    return {
        "instance": name,
        "change": change.change,
        "setting": change.setting,
        "steps": change.steps,
        "outcome": kind,
        "turns": turns,
        "J": float(path.value[-1]),
        "optimum": float(instance.optimum),
        "first_third": float(path.squared_gradient[:third].mean()),
        "last_third": float(path.squared_gradient[-third:].mean()),
    }


def what_stops() -> pd.DataFrame:
    """A record for each instance and change; averages are of |grad J|^2."""
    return pd.DataFrame([record(name, c) for name in NAMES for c in changes(name)])
