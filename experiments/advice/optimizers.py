"""What an optimizer makes of a trainer's update on average, beside E[g]: sampled, theta held fixed.

Clipping of the gradient's norm and Adam are no functions of E[g], and no exact sum is known for
them. How far their mean update turns from E[g], and how long it is, is measured on independent
chains of updates; limits are jackknifed over the chains (derived).
"""

from collections.abc import Mapping
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pandas as pd
import scipy
from jaxtyping import Array, Float
from numpy.typing import NDArray

from grpo_checks.theory.batches.rule_law import RuleLaw, rule_law
from grpo_checks.theory.evaluation.values import Theta
from grpo_checks.theory.instances.instance import Instance
from grpo_checks.theory.mdp.places import Chances
from grpo_checks.theory.mdp.policy import Policy
from grpo_checks.theory.rules.rule import UpdateRule
from grpo_checks.theory.training.batch import Training
from grpo_checks.theory.training.sampling import sampled_updates

CHAINS, WARM_UP, STEPS = 16, 2_000, 2_000
"""Independent ones; updates of each before any counts, twice Adam's memory of 1/(1 - .999); and
updates that count."""
LEVEL = 0.99
"""Of each number's limits alone."""
COLUMNS = ("optimizer", "cosine", "cosine_off", "length", "length_off", "clipped")
Floats = NDArray[np.float64]


@partial(jax.jit, static_argnames="rule")
def _mean_steps(
    sample: Float[Array, "T M n"], rule: optax.GradientTransformation, counted: Float[Array, " T"]
) -> Float[Array, "M n"]:
    """Of each chain, over the updates that count."""

    def move(
        carry: tuple[optax.OptState, Array], x: tuple[Array, Array]
    ) -> tuple[tuple[optax.OptState, Array], None]:
        (state, total), (g, counts) = carry, x
        step, state = jax.vmap(rule.update)(g, state)
        return (state, total + counts * step), None

    start = jax.vmap(rule.init)(sample[0]), jnp.zeros_like(sample[0])
    return jax.lax.scan(move, start, (sample, counted))[0][1] / counted.sum()


def _compared(steps: Floats, mean: Floats) -> tuple[float, float]:
    """Cosine with E[g], and length over its own."""
    step, sizes = steps.mean(0), np.linalg.norm(mean)
    length = np.linalg.norm(step)
    return float(step @ mean / (length * sizes)), float(length / sizes)


def _limits(steps: Floats, mean: Floats) -> tuple[float, float]:
    """How far both may be off, at ``LEVEL``: from the chains left out in turn."""
    n = len(steps)
    every = np.array([_compared(np.delete(steps, i, 0), mean) for i in range(n)])
    error = np.sqrt((n - 1) / n * np.square(every - every.mean(0)[None]).sum(0))
    cosine, length = scipy.stats.t.isf((1 - LEVEL) / 2, n - 1) * error
    return float(cosine), float(length)


def optimizer_table(
    instance: Instance, theta: Theta, rule: UpdateRule, group_size: int, prompts: int, seed: int = 0
) -> pd.DataFrame:
    """A row for each optimizer, of ``prompts`` groups drawn per update.

    Length is |mean update| over |E[g]|: of Adam, per unit of its learning rate, what an SGD's would
    have to be. Raises ValueError where E[g] is no finite sum, or 0.
    """
    mdp, policy = instance.mdp, instance.policy
    exact = np.asarray(_expected(rule_law(mdp, group_size, rule, prompts), policy, theta))
    if not np.abs(exact).max() > 0:
        raise ValueError("E[g] = 0: expected an update with a direction")
    training = Training(rule.estimator, group_size, prompts, aggregation=rule.aggregation)
    keys = jax.random.split(jax.random.key(seed), (WARM_UP + STEPS) * CHAINS)
    sample = sampled_updates(keys, mdp, Chances(mdp), policy, theta, training)
    sample = sample.reshape(WARM_UP + STEPS, CHAINS, -1)
    norms = np.linalg.norm(np.asarray(sample), axis=-1)
    counted = (jnp.arange(WARM_UP + STEPS) >= WARM_UP).astype(float)
    rows = []
    for name, (optimizer, limit) in _optimizers(float(np.median(norms))).items():
        steps = np.asarray(_mean_steps(sample, optimizer, counted))
        cosine, length = _compared(steps, exact)
        off = _limits(steps, exact)
        clipped = np.nan if limit is None else float((norms > limit).mean())
        rows.append((name, cosine, off[0], length, off[1], clipped))
    return pd.DataFrame(rows, columns=COLUMNS)


@jax.jit
def _expected(law: RuleLaw, policy: Policy, theta: Theta) -> Float[Array, " n"]:
    return law.moments(policy, theta).mean


def _optimizers(median: float) -> Mapping[str, tuple[optax.GradientTransformation, float | None]]:
    """By name, with the norm that is clipped at; those of optax with its defaults, as trainers'."""
    return {
        "SGD": (optax.identity(), None),
        "SGD, max_grad_norm = 1": (optax.clip_by_global_norm(1.0), 1.0),
        "SGD, max_grad_norm = median": (optax.clip_by_global_norm(median), median),
        "Adam": (optax.scale_by_adam(), None),
    }
