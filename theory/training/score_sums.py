"""A sampled update without a loss: weighted advantages added up by state and action."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from grpo_checks.theory.evaluation.values import Theta
from grpo_checks.theory.mdp.action_axis import add_up, balanced
from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.mdp.policy import Policy
from grpo_checks.theory.training.batch import Batch, Training, weighted_advantages


def scattered(
    shape: tuple[int, ...], cells: Int[Array, "N H E"], amounts: Float[Array, "N E *M"]
) -> Float[Array, "S A N *M"]:
    """Each episode's amount at every step it took, for N batches; ``shape``: (S, A)."""
    (n_states, n_actions), (lanes, _, *rest) = shape[:2], amounts.shape
    table = jnp.zeros(((n_states + 1) * n_actions * lanes, *rest), amounts.dtype)
    lane = jnp.arange(lanes, dtype=jnp.int32)[:, None]
    for cell in cells.swapaxes(0, 1):
        table = table.at[cell * lanes + lane].add(
            amounts, mode="promise_in_bounds", wrap_negative_indices=False
        )
    return table.reshape(n_states + 1, n_actions, lanes, *rest)[:n_states]


def score_table(
    mdp: TAMDP | None, shape: tuple[int, ...], batches: Batch, training: Training
) -> Float[Array, "S A N"]:
    """sum over the steps taken in (s, a) of c_i A_i, for N batches; ``shape`` (S, A).

    g is its product with the scores grad log pi(a|s): no need to differentiate a loss.
    """
    advantages, weights = jax.vmap(lambda b: weighted_advantages(mdp, b, training))(batches)
    return scattered(shape, batches.episodes.cell, advantages * weights)


def score_product(
    policy: Policy, theta: Theta, probs: Float[Array, "S A *N"], table: Float[Array, "S A *N"]
) -> Theta:
    """sum_sa table(s, a) grad log pi(a|s); ``probs`` at theta, whose last axis may be of many."""
    logits = lambda at: policy.logits(at).astype(table.dtype)  # noqa: E731
    _, pull = jax.vjp(logits, theta.astype(table.dtype))
    return pull(balanced(probs, table - probs * add_up(table)))[0].astype(theta.dtype)


def sampled_update(
    mdp: TAMDP, policy: Policy, theta: Theta, batch: Batch, training: Training
) -> Theta:
    """g for a batch sampled at ``theta``; its exact mean and variance are in
    ``theory.updates.moments``.
    """
    probs = policy.probs(theta)
    one = jax.tree.map(lambda x: x[None], batch)
    table = score_table(mdp, probs.shape, one, training)[:, :, 0]
    return score_product(policy, theta, probs, table.astype(probs.dtype))
