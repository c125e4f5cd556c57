"""Training runs: settings in, per-seed summaries out; each run is computed once and stored."""

from functools import lru_cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key

from grpo_checks.experiments.computing.devices import over_devices
from grpo_checks.experiments.models.constants import step_size
from grpo_checks.experiments.models.instances import InstanceSpec, build
from grpo_checks.experiments.models.lanes import LANES, lane_bytes, lanes
from grpo_checks.experiments.models.settings import RunResult, RunSettings
from grpo_checks.experiments.origin.code_version import code_version
from grpo_checks.experiments.origin.environment import environment
from grpo_checks.experiments.storage.files import digest
from grpo_checks.experiments.storage.store import Store
from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.estimators.group_law import GroupLaw, group_law, plain_law
from grpo_checks.theory.evaluation.values import Theta, component_values
from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.mdp.places import Chances
from grpo_checks.theory.mdp.policy import Policy
from grpo_checks.theory.training.batch import Training
from grpo_checks.theory.training.loop import STEP, Trace, train

EXACT = ("squared_bias", "variance")


@lru_cache(maxsize=64)
def exact_law(spec: InstanceSpec, group_size: int, estimator: Estimator) -> GroupLaw | None:
    """The group law that a run is measured by; None for estimators over the whole batch."""
    if not estimator.within_group:
        return None
    return group_law(build(spec).mdp, group_size, estimator)


@partial(jax.jit, static_argnames="training")
def _train_batch(
    keys: Key[Array, " N"],
    mdp: TAMDP | None,
    chances: Chances,
    policy: Policy,
    theta: Theta,
    step: Float[Array, ""],
    checkpoints: Int[Array, " M"],
    group: GroupLaw | None,
    training: Training,
) -> Trace:
    return train(keys, mdp, chances, policy, theta, step, checkpoints, training, group)


@jax.jit
def _success(mdp: TAMDP, policy: Policy, thetas: Float[Array, "N n"]) -> Float[Array, "N Q K"]:
    """J_qk of many policies, each theta flattened."""
    shape = policy.zeros().shape
    one = lambda theta: component_values(mdp, policy.probs(theta.reshape(shape)))  # noqa: E731
    return jax.lax.map(one, thetas, batch_size=LANES)


def _settled(run: RunSettings) -> tuple[tuple[Any, ...], Training]:
    """What the training program is given besides its keys."""
    instance = build(run.instance)
    training = Training(
        run.estimator, run.group_size, run.prompts, objective=run.objective,
        aggregation=run.aggregation,
    )  # fmt: skip
    # Composite rewards may be all that counts: then one program for any number of components.
    plain = run.estimator.is_plain and run.objective == "reward"
    model = None if plain else instance.mdp
    group = None
    if run.has_exact_law:
        law = (run.instance, run.group_size, run.estimator)
        group = plain_law(run.estimator, run.group_size) if plain else exact_law(*law)
    fixed = (model, Chances(instance.mdp), instance.policy, instance.theta)
    ends = jnp.array([*run.checkpoints, run.n_steps])
    return (*fixed, jnp.asarray(step_size(run)), ends, group), training


def _execute(run: RunSettings) -> dict[str, Any]:
    settled, training = _settled(run)
    _, chances, policy, theta, *_, group = settled
    size = lanes(lane_bytes(chances, policy, theta, group, training))
    # A key of the run's own: adding or removing other runs changes nothing here.
    root = jax.random.key(int(digest(run.stream or run.settings())[:8], 16))
    keys = jax.random.split(root, -(-run.seeds // LANES) * LANES)
    blocks = [keys[i : i + size] for i in range(0, run.seeds, size)]
    parts = over_devices(lambda block: _train_batch(block, *settled, training=training), blocks)
    trace: Trace = jax.tree.map(lambda *leaves: np.concatenate(leaves)[: run.seeds], *parts)
    return _summary(run, trace)


def _known(run: RunSettings) -> list[str]:
    """Without an exact law bias and variance are nan."""
    return [name for name in STEP if run.has_exact_law or name not in EXACT]


def _summary(run: RunSettings, trace: Trace) -> dict[str, Any]:
    total = np.asarray(trace.sums.total[:, -1]) / run.n_steps
    products = np.asarray(trace.sums.products[:, -1]).sum(0)
    known = [STEP.index(name) for name in _known(run)]
    if not (np.isfinite(total[:, known]).all() and np.isfinite(products[known][:, known]).all()):
        return {"diverged": True}
    summary = {"diverged": False, **{STEP[i]: total[:, i].tolist() for i in known}}
    if run.has_exact_law:
        summary["products"] = products.tolist()
    if run.checkpoints:
        instance, theta = build(run.instance), np.asarray(trace.theta)
        flat = _success(
            instance.mdp, instance.policy, jnp.asarray(theta.reshape(-1, theta.shape[2]))
        )
        success = np.asarray(flat)
        summary["success"] = success.reshape(*theta.shape[:2], *success.shape[1:]).tolist()
    return summary


def computed(run: RunSettings) -> RunResult:
    """What ``execute`` stores, computed now and not stored."""
    return _execute(run)


def _address(run: RunSettings) -> dict[str, Any]:
    """Its settings, the step that it takes, and the code that runs it."""
    code = code_version(__name__, data=False)
    return {**run.settings(), "step": step_size(run), "code": code, **environment()}


def execute(run: RunSettings, store: Store, wait: bool = True) -> RunResult:
    """Path averages per seed of the numbers in ``theory.training.loop.STEP``, and ``products``.

    The latter are sums over all seeds and steps of the products of two of them; a run
    without an exact law has neither these nor bias and variance. A run with checkpoints also has
    ``success``, J_qk as (seeds, checkpoints and end, Q, K). Taken from the store where it is there.
    A run that leaves the finite numbers is marked ``diverged``. Raises locks.Busy if another
    command is at it and ``wait`` is False.
    """
    return store.get(_address(run), lambda: _execute(run), wait, partial(_check, run))


def _check(run: RunSettings, result: Any) -> None:
    """Raises ValueError, KeyError, TypeError for what no run with these settings comes to."""
    if result == {"diverged": True}:
        return
    shapes: dict[str, tuple[int, ...]] = {name: (run.seeds,) for name in _known(run)}
    if run.has_exact_law:
        shapes["products"] = (len(STEP), len(STEP))
    if run.checkpoints:
        n_prompts, components = build(run.instance).mdp.reward.shape[::3]
        shapes["success"] = (run.seeds, len(run.checkpoints) + 1, n_prompts, components)
    if result["diverged"] is not False or set(result) != {"diverged", *shapes}:
        raise ValueError(f"{sorted(result)}: expected {sorted(shapes)}")
    for name, shape in shapes.items():
        numbers = np.asarray(result[name])
        if (
            numbers.shape != shape
            or numbers.dtype.kind not in "if"
            or not np.isfinite(numbers).all()
        ):
            raise ValueError(f"{name}: shape {numbers.shape}: expected finite numbers, {shape}")
