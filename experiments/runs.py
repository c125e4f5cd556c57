"""Training runs: settings in, per-seed summaries out; each run is computed once and stored."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from experiments.files import Store, digest
from experiments.instances import InstanceSpec, build
from theory.advantages import Estimator
from theory.episodes import Chances
from theory.exact import value
from theory.grpo import Training
from theory.ranges import update_ranges
from theory.smoothness import smoothness, squared_gradient_bound
from theory.theorem1 import rate_step
from theory.training import STEP, Trace, train

# Part of every stored run's identity: raise it when a run's meaning changes.
VERSION = 2
UNBIASED = Estimator("leave_one_out")
# Seeds at a time: enough to hide the cost of a step's bookkeeping, few enough to bound memory, and
# the same for all runs, so that one compilation serves every length and number of seeds.
BATCH = 128
RunResult = Mapping[str, Any]


@dataclass(frozen=True)
class RunSettings:
    """One training run with many seeds; ``step`` None is the step of T1.rate."""

    instance: InstanceSpec
    group_size: int
    n_steps: int
    seeds: int
    estimator: Estimator = UNBIASED
    prompts: int | None = None
    step: float | None = None
    seed: int = 0

    def settings(self) -> dict[str, Any]:
        """What defines the run, as JSON."""
        fields = {**self.__dict__, "instance": self.instance.settings()}
        return {**fields, "estimator": asdict(self.estimator), "version": VERSION}

    def parameters(self) -> dict[str, Any]:
        """The columns that tell this run from others in a table."""
        k = build(self.instance).mdp.weights.shape[0]
        shown = ("group_size", "n_steps", "prompts", "seeds", "seed")
        chosen = {name: getattr(self, name) for name in shown}
        return {"components": k, "estimator": self.estimator.name, **chosen}


@dataclass(frozen=True)
class Constants:
    """The numbers of an instance that Theorem 1 speaks of, as floats."""

    smoothness: float
    start: float
    """J(theta_0)."""
    optimum: float
    max_reward: float
    squared_gradient: float
    """Upper bound over all theta; likewise the next two."""
    update_norm: float
    variance: float

    @property
    def gap(self) -> float:
        """J* - J(theta_0), not below 0; a difference of rounding size is none."""
        found, rounding = self.optimum - self.start, 64 * np.finfo(float).eps
        return found if found > rounding * max(abs(self.optimum), abs(self.start)) else 0.0


@partial(jax.jit, static_argnames=("estimator", "prompts"))
def _numbers(mdp, policy, theta, group_size, estimator, prompts):  # type: ignore[no-untyped-def]
    """All constants in one compilation per model shape: the group size is data here."""
    ranges = update_ranges(mdp, policy, group_size, estimator, prompts)
    return {
        "smoothness": smoothness(mdp, policy),
        "start": value(mdp, policy, theta),
        "max_reward": mdp.max_reward,
        "squared_gradient": squared_gradient_bound(mdp, policy),
        "update_norm": ranges.norm,
        "variance": ranges.variance,
    }


@lru_cache(maxsize=512)
def constants(
    spec: InstanceSpec, group_size: int, estimator: Estimator, prompts: int | None
) -> Constants:
    """Of an instance, for one way to estimate updates."""
    instance = build(spec)
    model = (instance.mdp, instance.policy, instance.theta)
    found = _numbers(*model, jnp.asarray(group_size), estimator, prompts)
    numbers = {name: float(x) for name, x in found.items()}
    if instance.steepest is not None:
        numbers["squared_gradient"] = min(numbers["squared_gradient"], instance.steepest)
    return Constants(optimum=instance.optimum, **numbers)


def run_constants(run: RunSettings) -> Constants:
    """The constants that belong to a run."""
    return constants(run.instance, run.group_size, run.estimator, run.prompts)


def step_size(run: RunSettings) -> float:
    """eta, constant along the run; 0 where there is nothing to learn."""
    if run.step is not None:
        return run.step
    c = run_constants(run)
    if c.gap == 0 or c.smoothness == 0:
        return 0.0
    return float(rate_step(c.gap, c.variance, run.n_steps, c.smoothness))


@partial(jax.jit, static_argnames="training")
def _train_batch(keys, mdp, chances, policy, theta, step, checkpoints, training):  # type: ignore[no-untyped-def]
    return jax.vmap(
        lambda key: train(key, mdp, chances, policy, theta, step, checkpoints, training)
    )(keys)


def _execute(run: RunSettings) -> dict[str, Any]:
    instance = build(run.instance)
    # A key of the run's own: adding or removing other runs changes nothing here.
    root = jax.random.key(int(digest(run.settings())[:8], 16))
    keys = jax.random.split(root, -(-run.seeds // BATCH) * BATCH)
    training = Training(run.estimator, run.group_size, run.prompts)
    fixed = (instance.mdp, Chances(instance.mdp), instance.policy, instance.theta)
    step, ends = jnp.asarray(step_size(run)), jnp.array([run.n_steps])
    parts = [
        jax.device_get(_train_batch(keys[i : i + BATCH], *fixed, step, ends, training=training))
        for i in range(0, run.seeds, BATCH)
    ]
    trace: Trace = jax.tree.map(lambda *leaves: np.concatenate(leaves)[: run.seeds], *parts)
    return _summary(run, trace)


def _summary(run: RunSettings, trace: Trace) -> dict[str, Any]:
    total = np.asarray(trace.sums.total[:, -1]) / run.n_steps
    products = np.asarray(trace.sums.products[:, -1]).sum(0)
    if not (np.isfinite(total).all() and np.isfinite(products).all()):
        return {"diverged": True}
    means = {name: total[:, i].tolist() for i, name in enumerate(STEP)}
    return {"diverged": False, **means, "products": products.tolist()}


def execute(run: RunSettings, store: Store) -> RunResult:
    """Path averages per seed of the numbers in ``theory.training.STEP``, and ``products``.

    The latter are sums over all seeds and steps of the products of two of them. Taken from the
    store where it is there. A run that leaves the finite numbers is marked ``diverged``.
    """
    return store.get(run.settings(), lambda: _execute(run))
