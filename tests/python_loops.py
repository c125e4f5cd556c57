"""Training as a plain Python loop, step by step, to hold the compiled loop against."""

from functools import cache

import jax
import jax.numpy as jnp

from theory.advantages import Estimator
from theory.episodes import Chances
from theory.group_law import group_law
from theory.grpo import Training, sample_batch, sampled_update
from theory.instances.coding import coding
from theory.instances.conflict import conflict
from theory.training import train

INSTANCES = {"coding": coding(), "conflict": conflict(start=0.7)}
KEY = jax.random.key(7)
SEEDS = jax.random.split(jax.random.key(1), 64)
LOO = Estimator("leave_one_out")
PLAIN = Training(LOO, group_size=4)
STEP = 0.5


@cache
def compiled(name, training, batched=False):
    """One jitted ``train`` per setting, shared by the tests: f(key, step, checkpoints)."""
    _, mdp, policy, start, *_ = INSTANCES[name]
    group = group_law(mdp, training.group_size, training.estimator)

    def one(key, step, checkpoints):
        return train(key, mdp, Chances(mdp), policy, start, step, checkpoints, training, group)

    return jax.jit(jax.vmap(one, (0, None, None)) if batched else one)


def run(name, training, *checkpoints):
    """One run of the compiled loop with KEY and STEP."""
    return compiled(name, training)(KEY, jnp.asarray(STEP), jnp.array(checkpoints))


def loop(name, training, steps, move):
    """theta_0, ..., theta_T by a Python loop; ``move(t, theta, batch)`` is one update."""
    _, mdp, policy, start, *_ = INSTANCES[name]
    chances = Chances(mdp)
    draw = jax.jit(
        lambda t, th: sample_batch(jax.random.fold_in(KEY, t), mdp, chances, policy, th, training)
    )
    path = [start]
    for t in range(steps):
        path.append(move(t, path[-1], draw(t, path[-1])))
    return path


def update(name, training):
    """g(theta, batch), compiled."""
    _, mdp, policy, *_ = INSTANCES[name]
    return jax.jit(lambda th, batch: sampled_update(mdp, policy, th, batch, training))
