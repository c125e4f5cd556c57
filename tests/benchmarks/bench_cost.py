"""What a recorded training step costs as one size grows and the others stay: measured exponents.

`random` instances; seconds of T steps with J, grad J, bias and variance at each, compilation not
counted. The exponent is the slope of log seconds over the three largest sizes; a part that is still
small beside the rest of a step shows less than the expected one, which is for large sizes: the
exact sweep multiplies by (S/(D+1))^2 U responses per layer, everything else is linear.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from timing import beside

from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.estimators.group_law import plain_law
from grpo_checks.theory.instances.random import random_instance
from grpo_checks.theory.mdp.places import Chances
from grpo_checks.theory.training.batch import Training
from grpo_checks.theory.training.loop import Trace, train

LOO = Estimator("leave_one_out")
RUNS = 5


class Size(NamedTuple):
    """Of one measurement; ``width`` states per layer and prompt, two prompts."""

    width: int = 4
    answers: int = 4
    depth: int = 2
    components: int = 2
    group_size: int = 8
    steps: int = 100
    seeds: int = 64


class Sweep(NamedTuple):
    """Which field grows, the size that its values stand for, and the exponent for large ones."""

    field: str
    values: tuple[int, ...]
    shown: Callable[[int], int]
    exponent: int


SWEEPS: Mapping[str, Sweep] = {
    "S": Sweep("width", (4, 8, 16, 32), lambda w: 6 * w, 2),
    "A": Sweep("answers", (6, 14, 30, 62), lambda y: y + 2, 1),
    "D": Sweep("depth", (1, 2, 4, 8), lambda d: d, 1),
    "K": Sweep("components", (1, 2, 3, 6), lambda k: k, 0),
    "G": Sweep("group_size", (8, 16, 32, 64), lambda g: g, 1),
    "T": Sweep("steps", (50, 100, 200, 400), lambda t: t, 1),
    "seeds": Sweep("seeds", (16, 32, 64, 128), lambda n: n, 1),
}


@partial(jax.jit, static_argnames="training")
def _run(keys, chances, policy, theta, ends, group, training):
    step = jnp.asarray(0.1)
    return train(keys, None, chances, policy, theta, step, ends, training, group)


def _call(size: Size) -> Callable[[], Trace]:
    instance = random_instance(
        size.components, width=size.width, answers=size.answers, depth=size.depth
    )
    keys, training = jax.random.split(jax.random.key(0), size.seeds), Training(LOO, size.group_size)
    model = (Chances(instance.mdp), instance.policy, instance.theta)
    fixed = (jnp.array([size.steps]), plain_law(LOO, size.group_size))
    return lambda: _run(keys, *model, *fixed, training=training)


def _sweep(name: str, sweep: Sweep) -> list[dict[str, Any]]:
    sizes = {v: Size()._replace(**{sweep.field: v}) for v in sweep.values}
    times = beside({str(v): _call(size) for v, size in sizes.items()}, RUNS)
    x = np.array([sweep.shown(v) for v in sizes], float)
    y = np.array([times[str(v)] for v in sizes])
    slope = float(np.polyfit(np.log(x[-3:]), np.log(y[-3:]), 1)[0])
    return [
        {
            "benchmark": f"recorded training, {name} = {int(a)}",
            "ours_seconds": b,
            "swept": name,
            "size": int(a),
            "exponent": slope,
            "expected_exponent": sweep.exponent,
        }
        for a, b in zip(x, y, strict=True)
    ]


def rows() -> list[dict[str, Any]]:
    """One row per size."""
    return [row for name, sweep in SWEEPS.items() for row in _sweep(name, sweep)]
