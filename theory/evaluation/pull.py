"""From sums over the tokens of episodes, by state and action, to a gradient."""

from jaxtyping import Array, Float

from grpo_checks.theory.evaluation.values import Probs
from grpo_checks.theory.mdp.policy import Policy


def pull(policy: Policy, probs: Probs, table: Float[Array, "... S A"]) -> Float[Array, "..."]:
    """sum_sa table(s, a) grad log pi(a|s), in theta's shape; ``probs`` at theta."""
    chance = probs.reshape(*[1] * (table.ndim - 2), *probs.shape)
    return policy.from_logits(probs, table - chance * table.sum(-1, keepdims=True))
