"""How smooth J is, how large its gradient and an episode's score can be: the constants of T1."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from grpo_checks.theory.estimators.advantages import GroupSize
from grpo_checks.theory.evaluation.optimum import visit_bounds
from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.mdp.policy import LogLinear, Policy, Tabular


def squared_diameters(policy: Policy) -> Float[Array, " S"]:
    """max over pairs of legal actions of |phi(s,a) - phi(s,a')|^2.

    2 for a table of logits, 0 where there is no choice.
    """
    if isinstance(policy, LogLinear):
        choice = policy.legal[:, :, None] & policy.legal[:, None, :]
        phi = policy.features
        squared = jnp.square(phi[:, :, None] - phi[:, None, :]).sum(-1)
        return jnp.where(choice, squared, 0.0).max((1, 2))
    return jnp.where(policy.legal.sum(-1) > 1, 2.0, 0.0)


def squared_diameter(policy: Policy) -> Float[Array, ""]:
    """diam^2, the largest over states."""
    return squared_diameters(policy).max()


def general_smoothness(mdp: TAMDP, policy: Policy) -> Float[Array, ""]:
    """L = R_max H diam^2 / 4, for log-linear policies (derived).

    With b = R_max/2, x·Hess J·x = E[(R-b)((x·s)^2 - sum_h Var_pi(x·phi))], the martingale identity
    E(x·s)^2 = E sum_h Var_pi(x·phi), and Popoviciu's Var <= diam^2 |x|^2 / 4.
    """
    return mdp.max_reward * mdp.horizon * squared_diameter(policy) / 4


def tabular_smoothness(mdp: TAMDP, policy: Tabular) -> Float[Array, ""]:
    """L = R_max/2 max_o sup_pi E[visits to o] <= R_max/2, free of the horizon (derived).

    As above, with sum_h Var = sum_o visits(o) x_o·(diag p - p p^T)·x_o and eigenvalues <= 1/2.
    The sup over policies is taken per prompt, then averaged over rho: an upper bound.
    """
    groups = jnp.zeros((mdp.depth.shape[0], policy.n_observations))
    groups = groups.at[jnp.arange(groups.shape[0]), policy.observation].set(1.0)
    reach = mdp.prompt_distribution @ visit_bounds(mdp, groups)
    return mdp.max_reward / 2 * reach.max()


def smoothness(mdp: TAMDP, policy: Policy) -> Float[Array, ""]:
    """The smaller of the two forms of L that applies: |Hess J| <= L in spectral norm."""
    if isinstance(policy, Tabular):
        return jnp.minimum(general_smoothness(mdp, policy), tabular_smoothness(mdp, policy))
    return general_smoothness(mdp, policy)


def squared_gradient_bound(mdp: TAMDP, policy: Policy) -> Float[Array, ""]:
    """|grad J|^2 <= R_max L / 4: Cauchy-Schwarz on E[(R - R_max/2) x·s] (derived)."""
    return mdp.max_reward * smoothness(mdp, policy) / 4


def squared_score_bound(mdp: TAMDP, policy: Policy) -> Float[Array, ""]:
    """sup_pi E|s|^2 <= H diam^2/2 (1 - 1/A_max), A_max the most legal actions of a state."""
    a_max = policy.legal.sum(-1).max()
    return mdp.horizon * squared_diameter(policy) / 2 * (1 - 1 / a_max)


def leave_one_out_variance_bound(
    mdp: TAMDP, policy: Policy, group_size: GroupSize, prompts: int | None = None
) -> Float[Array, ""]:
    """V_sup: V_q <= R_max^2 sup E|s|^2 / G for `leave_one_out`, combined over prompts.

    ``prompts`` is B, the number of prompts drawn from rho per update (None: the full sweep over
    all prompts). With B drawn prompts the spread between prompts adds at most
    max_q |grad J_q|^2 <= R_max L_q / 4, with L_q of one prompt: at most R_max/2 or the general L.
    """
    within = mdp.max_reward**2 * squared_score_bound(mdp, policy) / group_size
    if prompts is None:
        return jnp.square(mdp.prompt_distribution).sum() * within
    between = mdp.max_reward * general_smoothness(mdp, policy) / 4
    if isinstance(policy, Tabular):
        between = jnp.minimum(between, mdp.max_reward**2 / 8)
    return (within + between) / prompts
