"""KL divergences between the laws of whole episodes, their gradients, and J - beta KL.

With x = log pi - log ref of a token and X its sum over an episode,

    grad KL(pi || ref) = E_pi[X s],    grad KL(ref || pi) = -E_ref[s],

s the episode's score: tools answer alike under both, and E_pi[grad X] = E_pi[s] = 0 (derived).
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from grpo_checks.theory.evaluation.pull import pull
from grpo_checks.theory.evaluation.values import Probs, Theta, episode_kl, gradient, visits
from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.mdp.policy import Policy
from grpo_checks.theory.regularisation.sums import Table, costs_ahead, log_ratio


def reverse_kl(mdp: TAMDP, policy: Policy, theta: Theta, reference: Table) -> Float[Array, ""]:
    """KL(pi || ref) in nats, over prompts; ``reference``: log-probabilities."""
    return mdp.prompt_distribution @ episode_kl(mdp, policy.log_probs(theta), reference)


def forward_kl(mdp: TAMDP, policy: Policy, theta: Theta, reference: Table) -> Float[Array, ""]:
    """KL(ref || pi) in nats."""
    return mdp.prompt_distribution @ episode_kl(mdp, reference, policy.log_probs(theta))


def reverse_gradient(mdp: TAMDP, policy: Policy, probs: Probs, x: Table) -> Theta:
    """grad KL(pi || ref), from x = ``log_ratio`` of the policy with ``probs``."""
    cost = jnp.broadcast_to(x[None], (mdp.initial_distribution.shape[0], *x.shape))
    ahead = visits(mdp, probs)[:, :, None] * costs_ahead(mdp, probs, cost)
    return pull(policy, probs, probs * jnp.tensordot(mdp.prompt_distribution, ahead, 1))


def forward_gradient(mdp: TAMDP, policy: Policy, probs: Probs, reference: Probs) -> Theta:
    """grad KL(ref || pi); ``reference``: probabilities."""
    met = mdp.prompt_distribution @ visits(mdp, reference)
    return pull(policy, probs, -met[:, None] * reference)


def penalised_gradient(
    mdp: TAMDP, policy: Policy, theta: Theta, reference: Table, beta: float
) -> Theta:
    """Of J - beta KL(pi || ref): E[g] of ``leave_one_out`` with k1 in the reward, on policy."""
    x = log_ratio(policy, policy.log_probs(theta), reference)
    pulled = reverse_gradient(mdp, policy, policy.probs(theta), x)
    return gradient(mdp, policy, theta) - beta * pulled
