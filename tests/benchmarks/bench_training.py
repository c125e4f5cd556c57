"""GRPO training on `search` beside two peers, and beside drawing its random numbers alone.

G = 8, all prompts in every update, 64 seeds, `leave_one_out`, one core, compilation not counted.
Ours without records is the peers' work; with them it is what a claim needs: J, grad J, bias and
variance, exact, at every step. Trainers' options (a token mean, two inner epochs, clipping, a KL
penalty) stand beside plain updates, by gradient step.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from peers import in_jax, in_numpy
from peers.model import Task, task
from timing import beside

from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.estimators.group_law import plain_law
from grpo_checks.theory.instances.tools.search import search
from grpo_checks.theory.losses.surrogate import Clipping
from grpo_checks.theory.mdp.places import Chances
from grpo_checks.theory.rules.aggregation import Aggregation
from grpo_checks.theory.training.batch import Training
from grpo_checks.theory.training.loop import Trace, train

GROUP, SEEDS, STEPS, STEP = 8, 64, 200, 0.5
LOO = Estimator("leave_one_out")
EPOCHS = 2
OPTIONS = {
    "aggregation": Aggregation("token_mean"),
    "inner_epochs": EPOCHS,
    "clipping": Clipping(0.2, beta=0.04),
}


@partial(jax.jit, static_argnames=("training", "recorded"))
def _run(keys, chances, policy, theta, ends, group, training, recorded):
    step = jnp.asarray(STEP)
    return train(keys, None, chances, policy, theta, step, ends, training, group, recorded)


def ours(precision: str, recorded: bool, options: Mapping[str, Any] = {}) -> Callable[[], Trace]:
    """SEEDS runs of STEPS updates."""
    instance, keys = search(), jax.random.split(jax.random.key(0), SEEDS)
    training = Training(LOO, GROUP, precision=precision, **options)  # type: ignore[arg-type]
    model = (Chances(instance.mdp), instance.policy, instance.theta)
    fixed = (jnp.array([STEPS]), plain_law(LOO, GROUP))
    return lambda: _run(keys, *model, *fixed, training=training, recorded=recorded)


@partial(jax.jit, static_argnames="size")
def _draws(keys: jax.Array, size: int) -> jax.Array:
    def one(t: jax.Array, seen: jax.Array) -> jax.Array:
        draw = lambda k: jax.random.uniform(jax.random.fold_in(k, t), (size,), jnp.float32)  # noqa: E731
        return seen + jax.vmap(draw)(keys)

    return jax.lax.fori_loop(0, STEPS, one, jnp.zeros((SEEDS, size), jnp.float32))


def floor(problem: Task) -> Callable[[], jax.Array]:
    """The same random numbers, added up: one for each action and each response of a tool."""
    size = (2 * problem.horizon - 1) * problem.rho.size * problem.group_size
    return lambda: _draws(jax.random.split(jax.random.key(0), SEEDS), size)


def _with_options() -> list[dict[str, Any]]:
    """By gradient step, of which an update has one for each inner epoch."""
    kinds = {
        "float32": ("float32", False),
        "float64": ("float64", False),
        "float64, recorded": ("float64", True),
    }
    times = beside(
        {
            f"{name}{suffix}": ours(*kind, options)
            for name, kind in kinds.items()
            for suffix, options in (("", {}), (" with options", OPTIONS))
        }
    )
    return [
        {
            "ratio": EPOCHS * times[name] / times[f"{name} with options"],
            "benchmark": f"token_mean, clip, KL, {EPOCHS} inner epochs, search, {name}",
            "ours_seconds": times[f"{name} with options"],
            "peer": "plain updates",
            "peer_seconds": times[name],
            "note": f"{SEEDS} seeds, {STEPS} updates; ratio by gradient step; aim >= 0.6",
        }
        for name in kinds
    ]


def _beside_peers() -> list[dict[str, Any]]:
    """One row per peer, all timed in turns."""
    problem = task(search(), GROUP)
    start = np.zeros((SEEDS, *problem.table), np.float32)
    run, keys = in_jax.trainer(problem, STEPS), jax.random.split(jax.random.key(1), SEEDS)
    times = beside(
        {
            "ours": ours("float32", False),
            "ours, recorded": ours("float64", True),
            "plain JAX": lambda: run(keys, jnp.asarray(start), jnp.asarray(STEP)),
            "NumPy": lambda: in_numpy.train(start, problem, STEPS, STEP, 0),
            "its random numbers alone": floor(problem),
        }
    )
    episodes = SEEDS * STEPS * problem.rho.size * GROUP
    name = f"training, search, G = {GROUP}, {SEEDS} seeds"
    aims = {"plain JAX": ">= 20", "NumPy": ">= 4", "its random numbers alone": ">= 0.4"}
    return [
        {
            "ratio": times[peer] / times[mine],
            "benchmark": name + mine.removeprefix("ours"),
            "ours_seconds": times[mine],
            "peer": peer,
            "peer_seconds": times[peer],
            "note": f"{episodes / times[mine]:.3g} episodes/s, peer {episodes / times[peer]:.3g}"
            + (f"; aim {aim}" if mine == "ours" else ""),
        }
        for mine in ("ours", "ours, recorded")
        for peer, aim in aims.items()
    ]


def rows() -> list[dict[str, Any]]:
    """Peers first."""
    return _beside_peers() + _with_options()
