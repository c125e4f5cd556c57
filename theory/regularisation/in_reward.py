"""The exact expected gradient of a KL penalty that is part of the reward."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from grpo_checks.theory.evaluation.pull import pull
from grpo_checks.theory.evaluation.values import Probs, Theta, visits
from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.mdp.policy import Policy
from grpo_checks.theory.regularisation.in_loss import token_shares
from grpo_checks.theory.regularisation.sums import Table, costs_ahead, costs_before


def reward_gradient(
    mdp: TAMDP,
    policy: Policy,
    probs: Probs,
    sampler: Probs,
    x: Table,
    weight: Table,
    shares: Float[Array, "Q H"],
) -> Theta:
    """What k1 inside the reward takes from E[g] per unit of beta, under ``leave_one_out``:

        E_mu[(X - X') c sum_t W_t s_t],

    X' the sum of another episode of the prompt (``mean_baseline``: times 1 - 1/G; inside a std
    normalisation it is no sum of two parts). ``x``: the reward's log ratios; ``weight``: W, the
    importance ratio or 1; ``shares``: c B G by length, of an aggregation within episodes.
    """
    counted = token_shares(mdp, sampler, shares)
    met, before = visits(mdp, sampler), costs_before(mdp, sampler, x)
    usual = (met * (sampler * x).sum(-1)[None]).sum(-1, keepdims=True)
    ahead = met[:, :, None] * costs_ahead(mdp, sampler, x[None] * counted)
    total = (before - met * usual)[:, :, None] * counted + ahead
    taken = sampler * jnp.tensordot(mdp.prompt_distribution, total, 1)
    return pull(policy, probs, taken * weight)
