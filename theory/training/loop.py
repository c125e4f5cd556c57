"""Sampled GRPO with exact bookkeeping: one compiled loop over time, all seeds in one pass."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int, Key, PRNGKeyArray

from grpo_checks.theory.estimators.group_law import GroupLaw
from grpo_checks.theory.evaluation.batched_values import lane_probs
from grpo_checks.theory.evaluation.values import Theta
from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.mdp.places import Chances
from grpo_checks.theory.mdp.policy import Policy
from grpo_checks.theory.training.batch import Batch, Training, sample_batch
from grpo_checks.theory.training.episodes import action_cdf
from grpo_checks.theory.training.recording import Exact, record
from grpo_checks.theory.training.slopes import batch_slopes

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
    """What each of N runs looked like at each of M checkpoints."""

    value: Float[Array, "N M"]
    """Of the objective."""
    squared_gradient: Float[Array, "N M"]
    """|grad|^2 of the objective."""
    sums: StepSums
    """Over all steps before the checkpoint; nan if they are not recorded."""
    theta: Float[Array, "N M n"]


class _Carry(NamedTuple):
    """Seeds are the last axis of every array but the optimiser's counters."""

    theta: Theta
    probs: Float[Array, "S A N"]
    optimizer: optax.OptState
    exact: Exact
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


def _added(sums: StepSums, before: Exact, after: Exact, moved: Float[Array, "n N"]) -> StepSums:
    """With one step more, from theta to theta + ``moved``."""
    slope = jnp.square(before.gradient).sum(0)
    gains = after.value - before.value, (before.gradient * moved).sum(0)
    x = jnp.stack([slope, before.squared_bias, before.variance, *gains])
    return StepSums(sums.total + x, sums.products + x[:, None] * x[None])


def train(
    keys: Key[Array, " N"],
    mdp: TAMDP | None,
    chances: Chances,
    policy: Policy,
    theta: Theta,
    step: Float[Array, ""],
    checkpoints: Int[Array, " M"],
    training: Training,
    group: GroupLaw | None,
    recorded: bool = True,
) -> Trace:
    """One training run from ``theta`` for each key; a run does not depend on the others.

    ``mdp`` None will do for J and estimators that look at composite rewards alone: models that
    differ in their components then share a compilation; ValueError where it will not do. ``step``
    is c of the schedule; ``checkpoints`` are increasing step counts, the last one is T. The KL
    penalty is to the policy at the start. J, grad J, bias and variance are exact, and taken at
    every step, since the theorem speaks of their averages, unless ``recorded`` is off; ``group``
    is the group law of the training's estimator, None for estimators that have none.
    """
    optimizer, seeds = _optimizer(training, step, checkpoints[-1]), keys.shape[0]
    reference, dtype = policy.log_probs(theta), jnp.dtype(training.precision)

    def exactly(at: Theta, probs: Float[Array, "S A N"]) -> Exact:
        return record(mdp, chances, policy, at, training, group, probs)

    def sampled_from(at: Theta, probs: Float[Array, "S A N"]) -> Float[Array, "S A N"]:
        return probs if probs.dtype == dtype else lane_probs(policy, at.astype(dtype))

    def moved(t: Int[Array, ""], carry: _Carry) -> tuple[Theta, optax.OptState]:
        at, state, cdf = carry.theta, carry.optimizer, action_cdf(carry.probs)

        def draw(key: PRNGKeyArray, lane: Int[Array, ""]) -> Batch:
            return sample_batch(jax.random.fold_in(key, t), chances, cdf, training, lane)

        batch = jax.vmap(draw)(keys, jnp.arange(seeds, dtype=jnp.int32))
        slopes = batch_slopes(mdp, policy, at, carry.probs, reference, batch, training)
        for _ in range(training.inner_epochs):
            updates, state = optimizer.update(slopes(at), state)
            at = at + updates
        return at, state

    def one_step(t: Int[Array, ""], carry: _Carry) -> _Carry:
        at, state = moved(t, carry)
        if not recorded:
            return _Carry(at, lane_probs(policy, at.astype(dtype)), state, carry.exact, carry.sums)
        # Step -1 only looks at the start: to look elsewhere would compile ``exactly`` twice.
        still = lambda new, old: jax.tree.map(lambda x, y: jnp.where(t < 0, y, x), new, old)  # noqa: E731
        at, state = still((at, state), (carry.theta, carry.optimizer))
        # Once for both: the compiler does not see that they are the same.
        probs = lane_probs(policy, at)
        exact = exactly(at, probs)
        added = _added(carry.sums, carry.exact, exact, (at - carry.theta).reshape(-1, seeds))
        return _Carry(at, sampled_from(at, probs), state, exact, still(added, carry.sums))

    def segment(carry: _Carry, ends: Int[Array, "2"]) -> tuple[_Carry, Trace]:
        # The number of steps is data, not shape: every T shares one compilation.
        carry = jax.lax.fori_loop(ends[0], ends[1], one_step, carry)
        exact = carry.exact if recorded else exactly(carry.theta, lane_probs(policy, carry.theta))
        square = jnp.square(exact.gradient).sum(0)
        return carry, Trace(exact.value, square, carry.sums, carry.theta.reshape(-1, seeds))

    first = _first(policy, theta, seeds, optimizer, training, recorded)
    begin = jnp.full(1, -1 if recorded else 0)
    bounds = jnp.stack([jnp.concatenate([begin, checkpoints[:-1]]), checkpoints], -1)
    trace = jax.lax.scan(segment, first, bounds)[1]
    return jax.tree.map(lambda x: jnp.moveaxis(x, -1, 0), trace)


def _first(
    policy: Policy,
    theta: Theta,
    seeds: int,
    optimizer: optax.GradientTransformation,
    training: Training,
    recorded: bool,
) -> _Carry:
    """Before the first step."""
    lanes = jnp.broadcast_to(theta[..., None], (*theta.shape, seeds))
    n, none = len(STEP), jnp.zeros(seeds)
    exact = Exact(none, jnp.zeros((theta.size, seeds)), none, none)
    empty = StepSums(jnp.zeros((n, seeds)), jnp.zeros((n, n, seeds)))
    if not recorded:
        empty = jax.tree.map(lambda x: jnp.full_like(x, jnp.nan), empty)
    probs = lane_probs(policy, lanes.astype(training.precision))
    return _Carry(lanes, probs, optimizer.init(lanes), exact, empty)
