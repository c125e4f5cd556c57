"""How to spend a budget of episodes: few large groups or many small ones (T1.budget).

With B prompts drawn per update and N = B G episodes, the exact variance of `leave_one_out` is
N V = G f + a + (2b - a)/(G-1), f = Var_q(grad J_q), a = E_q tr Cov((R-mu)s),
b = E_q[E(R-R')^2 |s-s'|^2 / 4 - |grad J_q|^2]; the minimum over real G >= 2 is at max(2, G*),
G* = 1 + sqrt((2b-a)/f), for every N >= G* (derived): a group is at most all N episodes.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from grpo_checks.theory.evaluation.values import Theta
from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.mdp.policy import Policy
from grpo_checks.theory.updates.policy_law import pair_moments


class BudgetTerms(NamedTuple):
    """The three moments that the cost of an episode depends on."""

    between: Float[Array, ""]
    """f: the spread of grad J_q over prompts, which no group size removes."""
    within: Float[Array, ""]
    """a."""
    excess: Float[Array, ""]
    """2b - a, never negative: N V is convex in G."""

    def cost(self, group_size: Float[Array, "..."]) -> Float[Array, "..."]:
        """N V: the variance of one update times its number of episodes, G > 1."""
        return group_size * self.between + self.within + self.excess / (group_size - 1)

    @property
    def best(self) -> Float[Array, ""]:
        """G*, infinite where all prompts have one gradient: no larger G is worse, noise or none."""
        several = self.between > 0
        ratio = self.excess / jnp.where(several, self.between, 1.0)
        return jnp.where(several, 1 + jnp.sqrt(ratio), jnp.inf)


def between_prompts(rho: Float[Array, " Q"], gradients: Float[Array, "Q n"]) -> Float[Array, ""]:
    """f = Var_q(grad J_q)."""
    return rho @ jnp.square(gradients - (rho @ gradients)[None]).sum(1)


def budget_terms(mdp: TAMDP, policy: Policy, theta: Theta) -> BudgetTerms:
    """f, a and b at a policy."""
    rho = mdp.prompt_distribution
    moments = pair_moments(mdp, policy, theta)
    between = between_prompts(rho, moments.gradient)
    return BudgetTerms(between, rho @ moments.spread, rho @ moments.excess)
