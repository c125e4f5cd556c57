"""One sampled GRPO batch: which prompts, which episodes, and the loss that they define."""

from dataclasses import dataclass, field
from typing import Literal, NamedTuple, get_args

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

from grpo_checks.theory.estimators.advantages import Estimator, check_group_size
from grpo_checks.theory.estimators.batch_advantages import BatchRewards, batch_advantages
from grpo_checks.theory.evaluation.values import Theta, value
from grpo_checks.theory.losses.surrogate import Clipping, surprises, surrogate_loss
from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.mdp.places import Chances
from grpo_checks.theory.mdp.policy import Policy
from grpo_checks.theory.rules.aggregation import EPISODE_SUM, Aggregation
from grpo_checks.theory.training.episodes import Episodes, greedy_cdf, sample_episodes
from grpo_checks.theory.updates.potential import potential_value

Schedule = Literal["constant", "c/sqrt(T)", "c/sqrt(t)"]
OptimizerName = Literal["sgd", "adam"]
Precision = Literal["float32", "float64"]
Objective = Literal["reward", "potential"]
_CHOICES = (
    ("schedule", Schedule),
    ("optimizer", OptimizerName),
    ("precision", Precision),
    ("objective", Objective),
)


@dataclass(frozen=True)
class Training:
    """What is trained and how; hashable, so that one setting compiles once per model shape.

    ``prompts``: B prompts drawn from rho per update, None for all of them with weights rho.
    ``inner_epochs``: gradient steps per batch of episodes (more than one is off policy).
    ``optimizer`` "adam" and ``schedule`` "c/sqrt(t)" are outside Theorem 1. ``precision``: of
    the episodes and the loss; theta and the exact quantities stay float64. ``objective``: what
    progress is measured by, J or the Jtilde of `componentwise_normalized`. ``aggregation``: of the
    loss; a token mean over a full sweep speaks of prompts of equal weight, one group each. Raises
    ValueError for values out of range.
    """

    estimator: Estimator
    group_size: int
    prompts: int | None = None
    schedule: Schedule = "constant"
    optimizer: OptimizerName = "sgd"
    inner_epochs: int = 1
    clipping: Clipping = field(default_factory=Clipping)
    precision: Precision = "float64"
    objective: Objective = "reward"
    aggregation: Aggregation = EPISODE_SUM

    def __post_init__(self) -> None:
        check_group_size(self.group_size)
        for name in ("prompts", "inner_epochs"):
            count = getattr(self, name)
            if count is not None and count < 1:
                raise ValueError(f"{name} = {count!r}: expected at least 1")
        for name, allowed in _CHOICES:
            if getattr(self, name) not in get_args(allowed):
                raise ValueError(
                    f"{name} = {getattr(self, name)!r}: expected one of {get_args(allowed)}"
                )


def objective(mdp: TAMDP, policy: Policy, theta: Theta, training: Training) -> Float[Array, ""]:
    """J(theta), or Jtilde(theta)."""
    if training.objective == "reward":
        return value(mdp, policy, theta)
    return potential_value(mdp, policy, theta, training.group_size, training.estimator)


class Batch(NamedTuple):
    """B groups of G consecutive episodes each."""

    episodes: Episodes
    group_weight: Float[Array, " B"]
    greedy: Float[Array, " B"] | None = None
    """R of one greedy episode of each group's prompt, for estimators that ask for it."""
    order: Int[Array, " N"] | None = None
    """Of the episodes when they are cut into micro-batches, where they are."""


def _draw_prompts(
    key: PRNGKeyArray, rho: Float[Array, " Q"], prompts: int
) -> tuple[Int[Array, " B"], Float[Array, " B"]]:
    """The prompt of each group of one update, and the group's weight."""
    cdf = jnp.cumsum(rho)
    uniform = jax.random.uniform(key, (prompts,))
    drawn = (cdf[None] <= uniform[:, None] * cdf[-1]).sum(-1)
    return drawn, jnp.full(prompts, 1 / prompts)


def sample_batch(
    key: PRNGKeyArray,
    chances: Chances,
    cdf: Float[Array, "S1 A *N"],
    training: Training,
    lane: Int[Array, ""] | None = None,
) -> Batch:
    """The episodes of one update, actions by ``action_cdf``; ``lane``: which of many policies."""
    rho, n = chances.prompt_distribution, training.prompts
    if n is None:
        prompts, weight = jnp.arange(rho.shape[0]), rho
    else:
        key, prompt_key = jax.random.split(key)
        prompts, weight = _draw_prompts(prompt_key, rho, n)
    repeated = jnp.repeat(prompts, training.group_size)
    greedy = order = None
    # A key is split only where it is needed: the episodes of other rules stay what they were.
    if training.estimator.name == "greedy_baseline":
        key, other = jax.random.split(key)
        greedy = sample_episodes(other, chances, greedy_cdf(cdf), prompts, lane).composite
    if training.aggregation.micro_batch is not None:
        key, other = jax.random.split(key)
        order = jax.random.permutation(other, repeated.shape[0])
    return Batch(sample_episodes(key, chances, cdf, repeated, lane), weight, greedy, order)


def needed(mdp: TAMDP | None, by: str) -> TAMDP:
    """The model; raises ValueError if there is none."""
    if mdp is None:
        raise ValueError(f"mdp = None: expected the model, needed by {by}")
    return mdp


def weighted_advantages(
    mdp: TAMDP | None, batch: Batch, training: Training
) -> tuple[Float[Array, " N"], Float[Array, " N"]]:
    """A_i, and c_i: weight_b/G of each member's group, as the aggregation weighs it."""
    g, dtype = training.group_size, jnp.dtype(training.precision)
    taken, aggregation = batch.episodes.taken, training.aggregation
    decisions = taken.sum(0).astype(dtype)
    lengths = (decisions + aggregation.length_offset).reshape(-1, g)
    composites = batch.episodes.composite.astype(dtype).reshape(-1, g)
    greedy = None if batch.greedy is None else batch.greedy.astype(dtype)
    rewards = BatchRewards(composites, lengths=lengths, greedy=greedy)
    if training.estimator.name == "componentwise_normalized":
        model = needed(mdp, training.estimator.name)
        earned = batch.episodes.reward_class.reshape(-1, g)
        vectors = model.class_vector.astype(dtype)[earned]
        rewards = rewards._replace(vectors=vectors, weights=model.weights)
    share = jnp.repeat(batch.group_weight / g, g).astype(dtype)
    weights = aggregation.weights(decisions, share, taken.shape[0], batch.order)
    return batch_advantages(rewards, training.estimator).reshape(-1), weights


def batch_loss(
    mdp: TAMDP | None,
    policy: Policy,
    theta: Theta,
    old: Float[Array, "S A"],
    reference: Float[Array, "S A"],
    batch: Batch,
    training: Training,
) -> Float[Array, ""]:
    """The surrogate of one batch, with penalty and bonus, to be minimised.

    ``old``, ``reference``: log-probabilities of the policy that sampled the batch, and for the KL.
    At the sampling policy, without either, minus its gradient is g = sum_i A_i c_i s(tau_i).
    """
    dtype, episodes = jnp.dtype(training.precision), batch.episodes
    advantages, weights = weighted_advantages(mdp, batch, training)
    mask = episodes.taken.T.astype(dtype)

    def taken(table: Float[Array, "S A"]) -> Float[Array, "N H"]:
        return table.astype(dtype)[episodes.state.T, episodes.action.T]

    log_probs, entropy = policy.log_probs(theta), None
    if training.clipping.entropy:
        surprise = surprises(policy.probs(theta), log_probs)
        entropy = surprise.sum(-1).astype(dtype)[episodes.state.T]
    return surrogate_loss(
        taken(log_probs),
        taken(old),
        taken(reference),
        mask,
        advantages,
        mask * weights[:, None],
        training.clipping,
        entropy,
    )
