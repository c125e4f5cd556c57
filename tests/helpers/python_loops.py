"""Training as a plain Python loop, step by step, to hold the compiled loop against."""

from functools import cache

import jax
import numpy as np

from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.estimators.group_law import group_law
from grpo_checks.theory.instances.conflict import conflict
from grpo_checks.theory.instances.tools.coding import coding
from grpo_checks.theory.mdp.places import Chances
from grpo_checks.theory.training.batch import Training, sample_batch
from grpo_checks.theory.training.episodes import action_cdf
from grpo_checks.theory.training.loop import train
from grpo_checks.theory.training.score_sums import sampled_update

INSTANCES = {"coding": coding(), "conflict": conflict(start=0.7)}
KEY = jax.random.key(7)
SEEDS = jax.random.split(jax.random.key(1), 64)
LOO = Estimator("leave_one_out")
PLAIN = Training(LOO, group_size=4)
STEP = 0.5
STEP_SIZE = jax.device_put(STEP)


@cache
def compiled(name, training, recorded=True):
    """One jitted ``train`` per setting, shared by the tests: f(keys, step, checkpoints)."""
    _, mdp, policy, start, *_ = INSTANCES[name]
    group = group_law(mdp, training.group_size, training.estimator)

    model = (mdp, Chances(mdp), policy, start)

    def many(keys, step, checkpoints):
        return train(keys, *model, step, checkpoints, training, group, recorded)

    return jax.jit(many)


def run(name, training, *checkpoints):
    """One run of the compiled loop with KEY and STEP."""
    trace = compiled(name, training)(KEY[None], STEP_SIZE, np.array(checkpoints))
    return jax.tree.map(lambda x: np.asarray(x)[0], trace)


def loop(name, training, steps, move):
    """theta_0, ..., theta_T by a Python loop; ``move(t, theta, batch)`` is one update."""
    _, mdp, policy, start, *_ = INSTANCES[name]
    chances = Chances(mdp)

    @jax.jit
    def draw(t, theta):
        cdf = action_cdf(policy.probs(theta).astype(training.precision))
        return sample_batch(jax.random.fold_in(KEY, t), chances, cdf, training)

    path = [np.asarray(start)]
    for t in range(steps):
        path.append(np.asarray(move(t, path[-1], draw(t, path[-1]))))
    return path


def update(name, training):
    """g(theta, batch), compiled."""
    _, mdp, policy, *_ = INSTANCES[name]
    compiled_update = jax.jit(lambda th, batch: sampled_update(mdp, policy, th, batch, training))
    return lambda theta, batch: np.asarray(compiled_update(theta, batch))
