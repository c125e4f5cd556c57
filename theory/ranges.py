"""How large the pieces of an update can get: the ranges that finite-sample intervals need."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from theory.advantages import Estimator, GroupSize
from theory.model import TAMDP
from theory.policy import LogLinear, Policy
from theory.smoothness import (
    leave_one_out_variance_bound,
    squared_diameter,
    squared_score_bound,
)


class UpdateRanges(NamedTuple):
    """Upper bounds over all theta and all samples."""

    norm: Float[Array, ""]
    """Of |g|, for one batch."""
    variance: Float[Array, ""]
    """Of V; for `leave_one_out` the V_sup of T1.rate."""


def score_norm_bound(mdp: TAMDP, policy: Policy) -> Float[Array, ""]:
    """|s| <= sqrt(2H) for a table (orthogonal steps of norm <= sqrt 2), <= H diam log-linear."""
    if isinstance(policy, LogLinear):
        return mdp.horizon * jnp.sqrt(squared_diameter(policy))
    return jnp.sqrt(2.0 * mdp.horizon)


def update_ranges(
    mdp: TAMDP,
    policy: Policy,
    group_size: GroupSize,
    estimator: Estimator,
    prompts: int | None = None,
) -> UpdateRanges:
    """Ranges of one update (derived).

    |g| <= max|s| 1/G sum|A_i|, and 1/G sum|R_i - m| <= R_max/2, while normalised advantages have
    1/G sum|A_i| <= sqrt(1/G sum A_i^2) <= 1 (R_max for a weighted sum of them), whence also
    E|g_q|^2 <= E|s|^2 (R_max^2 E|s|^2). Raises ValueError for an estimator over the batch.
    """
    score = score_norm_bound(mdp, policy)
    if not estimator.within_group:
        raise ValueError(f"estimator = {estimator}: expected one whose groups stand alone")
    if not estimator.is_plain:
        # One normalised reward, or R_max = sum_k w_k of them.
        decomposed = estimator.name == "componentwise_normalized"
        size = mdp.max_reward if decomposed else jnp.asarray(1.0)
        square = size**2 * squared_score_bound(mdp, policy)
        rho = mdp.prompt_distribution
        share = jnp.square(rho).sum() if prompts is None else 1 / prompts
        return UpdateRanges(score * size, share * square)
    unbiased = leave_one_out_variance_bound(mdp, policy, group_size, prompts)
    norm = score * mdp.max_reward / 2
    if estimator.name == "mean_baseline":
        return UpdateRanges(norm, unbiased * (1 - 1 / group_size) ** 2)
    return UpdateRanges(norm * group_size / (group_size - 1), unbiased)
