"""Training runs: settings in, per-seed summaries out; each run is computed once and stored."""

from collections.abc import Mapping
from functools import lru_cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from experiments.constants import step_size
from experiments.files import Store, digest
from experiments.instances import InstanceSpec, build
from experiments.settings import RunSettings
from theory.advantages import Estimator
from theory.episodes import Chances
from theory.group_law import GroupLaw, group_law
from theory.grpo import Training
from theory.training import STEP, Trace, train

# Seeds at a time: enough to hide the cost of a step's bookkeeping, few enough to bound memory, and
# the same for all runs, so that one compilation serves every length and number of seeds.
BATCH = 128
RunResult = Mapping[str, Any]


@lru_cache(maxsize=64)
def exact_law(spec: InstanceSpec, group_size: int, estimator: Estimator) -> GroupLaw | None:
    """The group law that a run is measured by; None for estimators over the whole batch."""
    if not estimator.within_group:
        return None
    return group_law(build(spec).mdp, group_size, estimator)


@partial(jax.jit, static_argnames="training")
def _train_batch(keys, mdp, chances, policy, theta, step, checkpoints, group, training):  # type: ignore[no-untyped-def]
    return jax.vmap(
        lambda key: train(key, mdp, chances, policy, theta, step, checkpoints, training, group)
    )(keys)


def _execute(run: RunSettings) -> dict[str, Any]:
    instance = build(run.instance)
    # A key of the run's own: adding or removing other runs changes nothing here.
    root = jax.random.key(int(digest(run.settings())[:8], 16))
    keys = jax.random.split(root, -(-run.seeds // BATCH) * BATCH)
    training = Training(run.estimator, run.group_size, run.prompts, objective=run.objective)
    group = exact_law(run.instance, run.group_size, run.estimator)
    fixed = (instance.mdp, Chances(instance.mdp), instance.policy, instance.theta)
    settled = (*fixed, jnp.asarray(step_size(run)), jnp.array([run.n_steps]), group)
    parts = [
        jax.device_get(_train_batch(keys[i : i + BATCH], *settled, training=training))
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
