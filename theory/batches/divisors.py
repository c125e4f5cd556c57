"""What a batch's groups are divided by, as a function of the sum of their keys."""

import jax
import numpy as np

from grpo_checks.theory.batches.batch_totals import Divisor, Weights
from grpo_checks.theory.batches.columns import columns
from grpo_checks.theory.batches.members import Floats, Members, Numbers
from grpo_checks.theory.estimators.advantages import inverse_sd
from grpo_checks.theory.rules.rule import UpdateRule


def divisor(members: Members, rule: UpdateRule, count: int) -> Divisor:
    """Of a batch of ``count`` episodes."""

    def phi(totals: Numbers) -> Weights:
        mean = _over_batch(members, rule, count, totals)
        if rule.aggregation.within_episode:
            mean = mean / count
        elif rule.estimator.whiten is not None and rule.estimator.whiten_tokens:
            mean = mean / totals[:, 0]
        elif rule.estimator.whiten is not None:
            mean = mean / totals[:, -1]
        else:
            mean = mean / (totals[:, -1] + count * members.least)
        return Weights(mean, mean[:, None] * mean[None])

    return phi


def _over_batch(members: Members, rule: UpdateRule, count: int, totals: Numbers) -> Floats:
    """(P, N): what the estimator multiplies each part by."""
    estimator = rule.estimator
    if estimator.whiten is not None:
        return _whitening(rule, count, totals)
    if estimator.name == "batch_scaled":
        (column,) = columns(members, estimator)
        spread = jax.device_put(column.spread(np.asarray(totals), count))
        return np.asarray(inverse_sd(spread, count - estimator.ddof, estimator.eps))[None]
    if estimator.name == "nonzero_scaled":
        return count / np.maximum(totals[:, 0], 1)[None]
    return np.ones((1, len(totals)))


def _whitening(rule: UpdateRule, count: int, totals: Numbers) -> Floats:
    estimator = rule.estimator
    per_sd = lambda spread, freedom: np.asarray(  # noqa: E731
        inverse_sd(
            jax.device_put(spread),
            jax.device_put(freedom),
            estimator.whiten or 0.0,
            estimator.whiten_inside,
        )
    )
    if not estimator.whiten_tokens:
        return per_sd(totals[:, 0], float(count - estimator.ddof))[None]
    tokens, first, second = totals.T
    mean = first / tokens
    # Where all are 0 both sums are, exactly.
    scale = per_sd(np.maximum(second - first * mean, 0.0), tokens - estimator.ddof)
    return np.stack([scale, -mean * scale])
