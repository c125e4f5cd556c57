"""One sampled GRPO batch: which prompts, which episodes, and the loss that they define."""

from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, get_args

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

from theory.advantages import Estimator, batch_advantages, check_group_size
from theory.decomposed import potential_value
from theory.episodes import Chances, Episodes, sample_episodes
from theory.exact import Theta, value
from theory.model import TAMDP
from theory.policy import Policy
from theory.surrogate import Clipping, surrogate_loss

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
    progress is measured by, J or the Jtilde of `componentwise_normalized`. Raises ValueError for
    values out of range.
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
    old_log_probs: Float[Array, "S A"]
    """Of the policy that sampled the episodes."""


def _draw_prompts(
    key: PRNGKeyArray, mdp: TAMDP, prompts: int | None
) -> tuple[Int[Array, " B"], Float[Array, " B"]]:
    """The prompt of each group of one update, and the group's weight."""
    rho = mdp.prompt_distribution
    if prompts is None:
        return jnp.arange(rho.shape[0]), rho
    cdf = jnp.cumsum(rho)
    uniform = jax.random.uniform(key, (prompts,))
    drawn = (cdf[None] <= uniform[:, None] * cdf[-1]).sum(-1)
    return drawn, jnp.full(prompts, 1 / prompts)


def sample_batch(
    key: PRNGKeyArray,
    mdp: TAMDP,
    chances: Chances,
    policy: Policy,
    theta: Theta,
    training: Training,
) -> Batch:
    """The episodes of one update under theta."""
    prompt_key, episode_key = jax.random.split(key)
    prompts, weight = _draw_prompts(prompt_key, mdp, training.prompts)
    repeated = jnp.repeat(prompts, training.group_size)
    old = policy.log_probs(theta)
    dtype = jnp.dtype(training.precision)
    episodes = sample_episodes(episode_key, mdp, chances, jnp.exp(old), repeated, dtype)
    return Batch(episodes, weight, old)


def batch_loss(
    mdp: TAMDP,
    policy: Policy,
    theta: Theta,
    reference: Float[Array, "S A"],
    batch: Batch,
    training: Training,
) -> Float[Array, ""]:
    """The surrogate of one batch, to be minimised; ``reference`` log-probabilities for the KL.

    At the sampling policy, minus its gradient is g = sum_b weight_b 1/G sum_i A_i s(tau_i).
    """
    g, dtype = training.group_size, jnp.dtype(training.precision)
    episodes = batch.episodes
    earned = episodes.reward_class.reshape(-1, g)
    composites = mdp.class_composite.astype(dtype)[earned]
    vectors = mdp.class_vector.astype(dtype)[earned]
    every = batch_advantages(composites, vectors, mdp.weights, training.estimator)
    advantages = every.reshape(-1)
    mask = episodes.taken.T.astype(dtype)
    weights = mask * jnp.repeat(batch.group_weight / g, g)[:, None].astype(dtype)

    def taken(table: Float[Array, "S A"]) -> Float[Array, "N H"]:
        return table.astype(dtype)[episodes.state.T, episodes.action.T]

    return surrogate_loss(
        taken(policy.log_probs(theta)),
        taken(batch.old_log_probs),
        taken(reference),
        mask,
        advantages,
        weights,
        training.clipping,
    )


def sampled_update(
    mdp: TAMDP, policy: Policy, theta: Theta, batch: Batch, training: Training
) -> Any:
    """g for a batch sampled at ``theta``; its exact mean and variance are in ``theory.update``."""
    loss = jax.grad(lambda t: batch_loss(mdp, policy, t, batch.old_log_probs, batch, training))
    return -loss(theta)
