"""A batch's loss with one ratio per token: its gradient at any policy, from sums by state, action.

The ratio, the penalty and the bonus of a token depend on its state and action alone, so what a
batch leaves behind are three sums over its tokens; inner epochs need the episodes no more.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from grpo_checks.theory.evaluation.values import Theta
from grpo_checks.theory.losses.kl_penalty import slope, weighted_slope
from grpo_checks.theory.losses.surrogate import Clipping, kept_ratios, surprises
from grpo_checks.theory.mdp.action_axis import add_up
from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.mdp.policy import Policy
from grpo_checks.theory.training.batch import Batch, Training, weighted_advantages
from grpo_checks.theory.training.score_sums import scattered, score_product

TokenSums = Float[Array, "3 S A N"]
"""sum over the tokens in (s, a) of c_i max(A_i, 0), of c_i min(A_i, 0) and of c_i; N batches."""


def token_sums(
    mdp: TAMDP | None, shape: tuple[int, ...], batches: Batch, training: Training
) -> TokenSums:
    """``shape``: (S, A)."""
    advantages, weights = jax.vmap(lambda b: weighted_advantages(mdp, b, training))(batches)
    gains = (jnp.maximum(advantages, 0.0), jnp.minimum(advantages, 0.0))
    amounts = jnp.stack([*gains, jnp.ones_like(advantages)], -1) * weights[..., None]
    return jnp.moveaxis(scattered(shape, batches.episodes.cell, amounts), -1, 0)


def loss_slope(
    policy: Policy,
    theta: Theta,
    probs: Float[Array, "S A N"],
    old: Float[Array, "S A N"],
    reference: Float[Array, "S A"],
    sums: TokenSums,
    clipping: Clipping,
) -> Theta:
    """The gradient at ``theta``, whose last axis is of the batches.

    ``probs``: there; ``old``: where the batches were sampled; ``reference``: log-probabilities.
    """
    # Where nothing was sampled any number will do, as long as it is one.
    ratio = probs / jnp.where(old > 0, old, jnp.inf)
    rising, falling = kept_ratios(ratio, clipping)
    table = sums[0] * rising + sums[1] * falling
    logs = jnp.log(jnp.where(probs > 0, probs, 1.0))
    if clipping.beta:
        x = jnp.where(probs > 0, logs - reference.astype(logs.dtype)[:, :, None], 0.0)
        weighted = clipping.ratio_weighted_kl
        factor = ratio * weighted_slope(x, clipping.kl) if weighted else slope(x, clipping.kl)
        table -= clipping.beta * factor * sums[2]
    if clipping.entropy:
        # Its slope by a logit, -pi (log pi + H), is that of a score table.
        table += clipping.entropy * add_up(sums[2]) * surprises(probs, logs)
    return -score_product(policy, theta, probs, table)
