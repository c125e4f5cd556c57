"""The suite's side: every batch by the definition of the update, and E[g] and V in closed form."""

from dataclasses import replace
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from grpo_checks.experiments.conformance.batches import Batches
from grpo_checks.experiments.conformance.episodes import Bools, Episodes, Floats, generic_theta
from grpo_checks.theory.batches.rule_law import rule_law
from grpo_checks.theory.estimators.batch_advantages import BatchRewards, batch_advantages
from grpo_checks.theory.instances.instance import Instance
from grpo_checks.theory.rules.rule import UpdateRule


class Definition(NamedTuple):
    """Of M batches of B groups of G episodes, in float64."""

    gradient: Floats
    """(M, d): sum A c s."""
    advantage: Floats
    """(M, B, G)"""
    weight: Floats
    """(M, B, G): c, of each episode's score."""
    plain: Floats
    """(M, B, G): the advantages before a last step over the batch, where there is one."""
    silent: Bools
    """(M, B): whether all advantages of a group are 0."""


def definition(episodes: Episodes, batches: Batches, rule: UpdateRule) -> Definition:
    """By definition. Raises ValueError for rules whose batch alone does not say the update."""
    estimator, aggregation = rule
    if estimator.name == "greedy_baseline" or aggregation.micro_batch is not None:
        raise ValueError(
            f"rule = {estimator.name}, {aggregation.name}: expected one without a greedy episode "
            "and without shuffled micro-batches"
        )
    decisions = episodes.is_decision.sum(1).astype(float)
    horizon, score = int(decisions.max()), episodes.decision_scores().sum(1)
    flat = batches.members.reshape(len(batches.members), -1)

    def one(members: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
        length = jnp.asarray(decisions)[members]
        shape = batches.members.shape[1:]
        rewards = BatchRewards(
            jnp.asarray(episodes.composite)[members].reshape(shape),
            jnp.asarray(episodes.reward)[members].reshape(*shape, -1),
            jnp.asarray(episodes.weights),
            lengths=(length + aggregation.length_offset).reshape(shape),
        )
        share = jnp.full(members.shape, 1 / members.size)
        weight = aggregation.weights(length, share, horizon)
        plain = batch_advantages(rewards, replace(estimator, whiten=None))
        return batch_advantages(rewards, estimator), plain, weight.reshape(shape)

    advantage, plain, weight = map(np.asarray, jax.jit(jax.vmap(one))(flat))
    gradient = np.einsum("mbg,mbgd->md", advantage * weight, score[batches.members])
    return Definition(gradient, advantage, weight, plain, (advantage == 0).all(2))


class Moments(NamedTuple):
    """Of one update."""

    mean: Floats
    """(d,): E[g]."""
    variance: float
    """V = E|g - E[g]|^2."""


def closed_form(
    instance: Instance, group_size: int, rule: UpdateRule, prompts: int | None
) -> Moments:
    """E[g] and V at ``generic_theta``, from the group law: no batch is listed."""
    law = rule_law(instance.mdp, group_size, rule, prompts)
    theta = jnp.asarray(generic_theta(instance))
    update = eqx.filter_jit(lambda x, policy, at: x.moments(policy, at))(
        law, instance.policy, theta
    )
    return Moments(np.asarray(update.mean).reshape(-1), float(update.variance))


def moments_of(gradient: Floats, chance: Floats) -> Moments:
    """Of gradients (M, d) with their chances."""
    mean = chance @ gradient
    return Moments(mean, float(chance @ np.square(gradient - mean).sum(1)))
