"""Sampled GRPO with exact bookkeeping: one compiled loop over time, batched over seeds."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int, PRNGKeyArray

from theory.episodes import Chances
from theory.exact import Theta
from theory.group_law import GroupLaw
from theory.grpo import Training, batch_loss, objective, sample_batch
from theory.model import TAMDP
from theory.policy import Policy
from theory.update import update_moments

STEP = ("squared_gradient", "squared_bias", "variance", "gain", "first_order_gain")
"""|grad J|^2, |m - grad J|^2, V, J(theta') - J(theta), <grad J, theta' - theta>.

J is the objective of the training: J itself, or Jtilde. Without a group law bias and V are nan.
"""


class StepSums(NamedTuple):
    """Sums over steps of the numbers named in ``STEP``, all exact given theta and theta'.

    ``products`` gives the second moment of any combination of them, which is what an interval for
    a claim about them needs.
    """

    total: Float[Array, "... 5"]
    products: Float[Array, "... 5 5"]
    """Sums of x x^T."""


class Trace(NamedTuple):
    """What a run looked like at each checkpoint."""

    value: Float[Array, " M"]
    """Of the objective."""
    squared_gradient: Float[Array, " M"]
    """|grad|^2 of the objective."""
    sums: StepSums
    """Over all steps before the checkpoint."""
    theta: Float[Array, "M n"]


class _Carry(NamedTuple):
    theta: Theta
    value: Float[Array, ""]
    optimizer: optax.OptState
    sums: StepSums


def _optimizer(
    training: Training, step: Float[Array, ""], n_steps: Int[Array, ""]
) -> optax.GradientTransformation:
    schedules: dict[str, optax.Schedule] = {
        "constant": optax.constant_schedule(step),
        "c/sqrt(T)": optax.constant_schedule(step / jnp.sqrt(n_steps)),
        "c/sqrt(t)": lambda t: step / jnp.sqrt(t + 1.0),
    }
    make = optax.sgd if training.optimizer == "sgd" else optax.adam
    return make(schedules[training.schedule])


def train(
    key: PRNGKeyArray,
    mdp: TAMDP,
    chances: Chances,
    policy: Policy,
    theta: Theta,
    step: Float[Array, ""],
    checkpoints: Int[Array, " M"],
    training: Training,
    group: GroupLaw | None,
) -> Trace:
    """One training run from ``theta``; ``vmap`` over keys for seeds.

    ``step`` is c of the schedule; ``checkpoints`` are increasing step counts, the last one is T.
    The KL penalty is to the policy at the start. J, grad J, bias and variance are exact, and taken
    at every step, since the theorem speaks of their averages; ``group`` is the group law of the
    training's estimator, None for estimators that have none.
    """
    optimizer = _optimizer(training, step, checkpoints[-1])
    reference = policy.log_probs(theta)

    def gradient(at: Theta) -> Float[Array, " n"]:
        return jax.grad(lambda th: objective(mdp, policy, th, training))(at).reshape(-1)

    def exactly(at: Theta) -> tuple[Float[Array, " n"], Float[Array, ""], Float[Array, ""]]:
        if group is None:
            return gradient(at), jnp.asarray(jnp.nan), jnp.asarray(jnp.nan)
        exact = update_moments(mdp, policy, at, group, training.prompts)
        slope = exact.gradient if training.objective == "reward" else gradient(at)
        return slope, jnp.square(exact.mean - slope).sum(), exact.variance

    def one_step(t: Int[Array, ""], carry: _Carry) -> _Carry:
        start, before, state, sums = carry
        at = start
        slope, bias, variance = exactly(at)
        batch = sample_batch(jax.random.fold_in(key, t), mdp, chances, policy, at, training)
        for _ in range(training.inner_epochs):
            descend = jax.grad(lambda th: batch_loss(mdp, policy, th, reference, batch, training))
            updates, state = optimizer.update(descend(at), state)
            at = at + updates
        after = objective(mdp, policy, at, training)
        along = slope @ (at - start).reshape(-1)
        x = jnp.stack([jnp.square(slope).sum(), bias, variance, after - before, along])
        sums = StepSums(sums.total + x, sums.products + x[:, None] * x[None])
        return _Carry(at, after, state, sums)

    def segment(carry: _Carry, ends: Int[Array, "2"]) -> tuple[_Carry, Trace]:
        # The number of steps is data, not shape: every T shares one compilation.
        carry = jax.lax.fori_loop(ends[0], ends[1], one_step, carry)
        square = jnp.square(gradient(carry.theta)).sum()
        return carry, Trace(carry.value, square, carry.sums, carry.theta.reshape(-1))

    n = len(STEP)
    nothing = StepSums(jnp.zeros(n), jnp.zeros((n, n)))
    first = _Carry(theta, objective(mdp, policy, theta, training), optimizer.init(theta), nothing)
    bounds = jnp.stack([jnp.concatenate([jnp.zeros(1, int), checkpoints[:-1]]), checkpoints], -1)
    return jax.lax.scan(segment, first, bounds)[1]
