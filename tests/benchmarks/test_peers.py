"""The peers of the training benchmark do the suite's work: same updates, same training, in law."""

import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import norm

sys.path.insert(0, str(Path(__file__).parent))

import bench_training
from peers import in_jax, in_numpy
from peers.model import task

from grpo_checks.theory.estimators.group_law import plain_law
from grpo_checks.theory.evaluation.values import value
from grpo_checks.theory.instances.tools.search import search
from grpo_checks.theory.updates.moments import update_moments

_moments = jax.jit(update_moments)
INSTANCE = search()
TASK = task(INSTANCE, 4)
SEEDS = 4096
SHAPE = (SEEDS, *TASK.table)
THETA = np.random.default_rng(3).normal(size=TASK.table).astype(np.float32)


def _numpy_updates(problem):
    rng = np.random.default_rng(0)
    return in_numpy.update(np.broadcast_to(THETA, SHAPE), problem, in_numpy.tables(problem), rng)


def _jax_updates(problem):
    keys, env = jax.random.split(jax.random.key(0), SEEDS), in_jax.env(problem)
    return jax.jit(jax.vmap(lambda k: in_jax.update(k, jnp.asarray(THETA), env, problem)))(keys)


def _worst(updates, problem):
    """Largest standard score of the mean update against the exact one."""
    exact = _moments(
        INSTANCE.mdp,
        INSTANCE.policy,
        jnp.asarray(THETA, float),
        plain_law(bench_training.LOO, problem.group_size),
    )
    sample = np.asarray(updates, float).reshape(SEEDS, -1)
    error = np.abs(sample.mean(0) - np.asarray(exact.mean))
    se = sample.std(0) / np.sqrt(SEEDS)
    assert (error[se == 0] < 1e-6).all()
    variance = np.square(sample - np.asarray(exact.mean)).sum(1)
    of_variance = abs(variance.mean() - float(exact.variance)) / (variance.std() / np.sqrt(SEEDS))
    return max(float((error[se > 0] / se[se > 0]).max()), float(of_variance))


@pytest.mark.parametrize("updates", [_numpy_updates, _jax_updates])
def test_updates_have_the_exact_mean_and_variance(updates):
    """Within 5 standard errors, each coordinate of the mean; a shrunk mean is seen (mutant)."""
    observed = updates(TASK)
    assert _worst(observed, TASK) < 5
    assert _worst(0.75 * np.asarray(observed), TASK) > 5


def test_training_ends_at_the_same_mean():
    """Mean J after the benchmark's steps: ours with and without records, and both peers."""
    problem, steps = task(INSTANCE, bench_training.GROUP), bench_training.STEPS
    start = np.zeros((bench_training.SEEDS, *problem.table), np.float32)
    keys = jax.random.split(jax.random.key(1), bench_training.SEEDS)
    run = in_jax.trainer(problem, steps)
    ends = [
        in_numpy.train(start, problem, steps, bench_training.STEP, 0),
        run(keys, jnp.asarray(start), jnp.asarray(bench_training.STEP)),
    ]
    values = jax.jit(jax.vmap(lambda th: value(INSTANCE.mdp, INSTANCE.policy, th)))
    final = [np.asarray(values(jnp.asarray(end, float))) for end in ends]
    final += [np.asarray(bench_training.ours("float32", False)().value[:, -1])]
    for one in final:
        for other in final:
            error = np.sqrt((one.var(ddof=1) + other.var(ddof=1)) / one.size)
            assert abs(one.mean() - other.mean()) <= norm.isf(0.001 / 6) * error
    assert min(one.mean() for one in final) > float(jax.jit(value)(*INSTANCE[1:4])) + 0.3
