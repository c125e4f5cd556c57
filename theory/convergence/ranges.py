"""How large the pieces of an update can get: the ranges that finite-sample intervals need."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from grpo_checks.theory.convergence.smoothness import (
    leave_one_out_variance_bound,
    squared_diameter,
    squared_diameters,
    squared_score_bound,
)
from grpo_checks.theory.estimators.advantages import Estimator, GroupSize
from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.mdp.policy import LogLinear, Policy


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


def score_diameters(mdp: TAMDP, policy: Policy) -> Float[Array, " Q"]:
    """Upper bounds of |s(tau) - s(tau')| over two episodes of one prompt.

    Twice |s|; but two choices in one state, the only one of their episodes, differ by
    |phi(s,a) - phi(s,a')| alone, since the scores share E_pi phi (derived).
    """
    twice = jnp.full_like(mdp.prompt_distribution, 2 * score_norm_bound(mdp, policy))
    if mdp.horizon > 1:
        return twice
    begins = mdp.initial_distribution > 0
    squared = jnp.where(begins, squared_diameters(policy)[None], 0.0).max(1)
    return jnp.where(begins.sum(1) == 1, jnp.sqrt(squared), twice)


def update_ranges(
    mdp: TAMDP,
    policy: Policy,
    group_size: GroupSize,
    estimator: Estimator,
    prompts: int | None = None,
) -> UpdateRanges:
    """Ranges of one update (derived).

    Advantages of a group add up to 0, so that its update is 1/(2G) sum|A_i| times a difference of
    two means of scores: |g_q| <= 1/(2G) sum|A_i| max|s - s'|. Here 1/G sum|R_i - m| <= R_max/2,
    while normalised advantages have 1/G sum|A_i| <= sqrt(1/G sum A_i^2) <= 1 (R_max for a weighted
    sum of them), whence also E|g_q|^2 <= E|s|^2 (R_max^2 E|s|^2). Raises ValueError for an
    estimator over the batch.
    """
    if not estimator.within_group:
        raise ValueError(f"estimator = {estimator}: expected one whose groups stand alone")
    diameters, rho = score_diameters(mdp, policy), mdp.prompt_distribution
    half = (diameters.max() if prompts is not None else rho @ diameters) / 2
    if not estimator.is_plain:
        # One normalised reward, or R_max = sum_k w_k of them.
        decomposed = estimator.name == "componentwise_normalized"
        size = mdp.max_reward if decomposed else jnp.asarray(1.0)
        square = size**2 * squared_score_bound(mdp, policy)
        share = jnp.square(rho).sum() if prompts is None else 1 / prompts
        return UpdateRanges(half * size, share * square)
    unbiased = leave_one_out_variance_bound(mdp, policy, group_size, prompts)
    norm = half * mdp.max_reward / 2
    if estimator.name == "mean_baseline":
        return UpdateRanges(norm, unbiased * (1 - 1 / group_size) ** 2)
    return UpdateRanges(norm * group_size / (group_size - 1), unbiased)
