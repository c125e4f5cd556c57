"""Entropy: what the bonus of a trainer's loss pulls towards, and what it does not."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from grpo_checks.theory.evaluation.pull import pull
from grpo_checks.theory.evaluation.values import Probs, Theta, visits
from grpo_checks.theory.losses.surrogate import surprises
from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.mdp.policy import Policy
from grpo_checks.theory.regularisation.episode_kl import reverse_gradient
from grpo_checks.theory.regularisation.in_loss import Shares, token_shares
from grpo_checks.theory.regularisation.sums import log_ratio


def bonus_gradient(
    mdp: TAMDP, policy: Policy, theta: Theta, sampler: Probs, shares: Shares
) -> Theta:
    """E of the gradient of a batch's entropy bonus: of the entropies in the states that it met.

    Not that of the episode's entropy, ``episode_entropy``: what an action does to later states
    is left out.
    """
    probs = policy.probs(theta)
    lengths = (token_shares(mdp, sampler, shares) * sampler[None]).sum(-1)
    met = mdp.prompt_distribution @ (visits(mdp, sampler) * lengths)
    return pull(policy, probs, met[:, None] * surprises(probs, policy.log_probs(theta)))


def episode_entropy(mdp: TAMDP, policy: Policy, theta: Theta) -> Float[Array, ""]:
    """E[sum over an episode's tokens of -log pi], in nats: the entropy of the law of its choices.

    Where tools answer at random their entropy is no part of it.
    """
    probs = policy.probs(theta)
    met = mdp.prompt_distribution @ visits(mdp, probs)
    return met @ surprises(probs, policy.log_probs(theta)).sum(-1)


def entropy_gradient(mdp: TAMDP, policy: Policy, theta: Theta) -> Theta:
    """grad ``episode_entropy``: minus that of the KL to a measure that counts choices."""
    logs = policy.log_probs(theta)
    x = log_ratio(policy, logs, jnp.zeros_like(logs))
    return -reverse_gradient(mdp, policy, policy.probs(theta), x)
