"""The gradients that a training run takes of one batch, by the shortest way for its options."""

from collections.abc import Callable

import jax
from jaxtyping import Array, Float

from grpo_checks.theory.evaluation.batched_values import lane_probs
from grpo_checks.theory.evaluation.values import Theta
from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.mdp.policy import Policy
from grpo_checks.theory.training.batch import Batch, Training, batch_loss
from grpo_checks.theory.training.score_sums import score_product, score_table
from grpo_checks.theory.training.token_sums import loss_slope, token_sums


def batch_slopes(
    mdp: TAMDP | None,
    policy: Policy,
    start: Theta,
    probs: Float[Array, "S A N"],
    reference: Float[Array, "S A"],
    batch: Batch,
    training: Training,
) -> Callable[[Theta], Theta]:
    """The gradient of each of N losses on its batch, sampled at ``start``.

    ``probs``: there; the last axis of all is N. ``reference``: log-probabilities, for the KL.
    """
    clipping = training.clipping
    if training.inner_epochs == 1 and not clipping.regularised:
        table = score_table(mdp, probs.shape, batch, training)
        slope = -score_product(policy, start, probs, table)
        return lambda at: slope
    if clipping.level == "token":
        sums = token_sums(mdp, probs.shape, batch, training)

        def by_sums(at: Theta) -> Theta:
            # The first epoch is where the batch was sampled: its probabilities are known.
            here = probs if at is start else lane_probs(policy, at.astype(probs.dtype))
            return loss_slope(policy, at, here, probs, reference, sums, clipping)

        return by_sums
    old = jax.vmap(policy.log_probs, -1)(start)
    loss = lambda at, o, b: batch_loss(mdp, policy, at, o, reference, b, training)  # noqa: E731
    slopes = jax.vmap(jax.grad(loss), (-1, 0, 0), -1)
    return lambda at: slopes(at, old, batch)
