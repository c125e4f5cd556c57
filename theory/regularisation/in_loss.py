"""The exact expected gradient of a KL penalty in a trainer's loss.

A penalty in the loss is a sum over tokens whose sampling probabilities are held fixed:

    E[gradient] = sum_q rho_q sum_sa P_mu(visit s, take a | q) E_mu[c | q, s, a] F(s, a) s_t

with mu the policy that sampled, c what the aggregation makes of the episode, and F what the
penalty multiplies a token's score by (``losses.kl_penalty``). Silent groups are not silent here.

**What it climbs on policy**, pi = mu, x = log pi - log ref (derived). Let V_c = E[c | s, a].
- k1, F = 1: E[c s] = grad E[c], c of the length of an episode, or of a batch, alone. Of a sum c is
  constant: 0. Of a mean it is grad E[1/l], grad E[1/N]: minimising it makes episodes longer.
- k1 in the reward: E[X s] = grad KL(pi || ref) (``episode_kl``).
- k2, F = x: E[sum_t x_t s_t], which lacks E[sum_{t<u} x_u s_t]: what a token does to later states.
  It is 0 with one decision.
- k3, F = 1 - ref/pi: -sum_s P_pi(visit s) sum_a ref(a|s) grad log pi(a|s), and grad KL(ref || pi)
  is the same with P_ref(visit s): equal with one decision, whose state is given.
- the ratio times k3: value and slope add up to x, F of k2, token by token.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from grpo_checks.theory.evaluation.pull import pull
from grpo_checks.theory.evaluation.values import Probs, Theta, payoff_values, visits
from grpo_checks.theory.losses.kl_penalty import KLKind, slope, weighted_slope
from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.mdp.policy import Policy
from grpo_checks.theory.regularisation.sums import Table, log_ratio

Shares = Float[Array, "Q H"]
"""Of ``regularisation.lengths``."""


def token_shares(mdp: TAMDP, sampler: Probs, shares: Shares) -> Float[Array, "Q S A"]:
    """E[c B G | q, s, a]."""
    by_state = shares[:, mdp.depth][:, :, None]
    payoff = jnp.broadcast_to(by_state, mdp.class_index.shape)
    return payoff_values(mdp, sampler, payoff).value


def token_factors(
    policy: Policy, theta: Theta, reference: Table, kind: KLKind, sampler: Probs | None = None
) -> Table:
    """F of a KL penalty, to a policy with log-probabilities ``reference``.

    ``sampler``: where the penalty is multiplied by the token's importance ratio, the policy that
    sampled, mu(a|s); None where it is not.
    """
    x = log_ratio(policy, policy.log_probs(theta), reference)
    if sampler is None:
        return slope(x, kind)
    ratio = policy.probs(theta) / jnp.where(sampler > 0, sampler, jnp.inf)
    return ratio * weighted_slope(x, kind)


def loss_gradient(
    mdp: TAMDP, policy: Policy, probs: Probs, sampler: Probs, factor: Table, shares: Shares
) -> Theta:
    """E of the gradient of a batch's penalty, at the policy with ``probs``."""
    met = visits(mdp, sampler)[:, :, None] * token_shares(mdp, sampler, shares)
    return pull(policy, probs, jnp.tensordot(mdp.prompt_distribution, met, 1) * sampler * factor)
