"""How far rounding alone can move a gradient, to first order: what a verdict may not exceed.

u is half the precision's eps. A term A c s of the sum over an episode's tokens is rounded

- in s: a logit is a sum of up to d products, 2 d max|logit| roundings of a probability, its
  normalisation V, and exp, log, the difference and the sum over rows: 4 more;
- in A: squares, sum and root of G numbers, the sum with eps, the quotient: G + 4;
- in c and the sum of all B G T terms: that many, and 2.

Rewards that are multiples of 1/4096 have exact sums up to 4096, and exact means of 2, 4, 8, ...
members. Others are off by K + G + 2 roundings of the largest; divided by the group's sd + eps that
is an error of A, and A itself is off by as much of itself (derived).
"""

import numpy as np

from grpo_checks.experiments.conformance.batches import Batches
from grpo_checks.experiments.conformance.episodes import Episodes, Floats
from grpo_checks.experiments.conformance.reference import Definition
from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.rules.rule import UpdateRule

GRID = 4096
UNIT = {"float32": float(np.finfo(np.float32).eps) / 2, "float64": float(np.finfo(float).eps) / 2}


def batch_tolerance(
    episodes: Episodes, batches: Batches, rule: UpdateRule, by: Definition, precision: str
) -> Floats:
    """(M,): the largest |error| of a batch's gradient. Raises ValueError for a precision."""
    if precision not in UNIT:
        raise ValueError(f"precision = {precision!r}: expected one of {tuple(UNIT)}")
    size = np.linalg.norm(episodes.decision_scores(), axis=2).sum(1)[batches.members] * by.weight
    relative = roundings(episodes, batches) * np.abs(by.advantage)
    error = (relative + _reward_error(episodes, batches, rule, by)) * size
    return np.asarray(UNIT[precision] * error.sum((1, 2)))


def roundings(episodes: Episodes, batches: Batches) -> float:
    """Of one term A c s and of the sum."""
    _, groups, members = batches.members.shape
    logits = np.abs(np.where(episodes.legal, episodes.features @ episodes.theta, 0.0)).max()
    terms = int(np.count_nonzero(episodes.features, 2).max())
    score = 2 * terms * logits + episodes.features.shape[1] + 4
    total = groups * members * episodes.tokens.shape[1] + 2
    return float(score + members + 4 + total)


def _reward_error(episodes: Episodes, batches: Batches, rule: UpdateRule, by: Definition) -> Floats:
    """(M, B, G): of A, in units of u; 0 where rewards, their sums and what follows are exact."""
    members, estimator = batches.members.shape[2], rule.estimator
    by_component = estimator.name == "componentwise_normalized"
    values = [episodes.reward.ravel()]
    values += [] if by_component else [episodes.composite, episodes.weights]
    exact = bool((np.concatenate(values) * GRID % 1 == 0).all()) and members & (members - 1) == 0
    error = np.zeros(batches.members.shape)
    if not exact or estimator.name == "length_weighted":
        error = _of_rewards(episodes, batches, by)
    if by_component and estimator.whiten is not None:
        least = np.sqrt(estimator.whiten) if estimator.whiten_inside else estimator.whiten
        size = _components(episodes, batches, estimator).max((1, 2), keepdims=True)
        off = (episodes.reward.shape[1] + members + 4) * size
        error = error + off * _per_sd(by.plain, by.advantage, least)
    return error


def _components(episodes: Episodes, batches: Batches, estimator: Estimator) -> Floats:
    """(M, B, G): what the weighted components of an advantage add up to without their signs."""
    reward = episodes.reward[batches.members]
    off = np.abs(reward - reward.mean(2, keepdims=True))
    sd = reward.std(2, ddof=estimator.ddof, keepdims=True)
    varied = np.ptp(reward, 2, keepdims=True) > 0
    scaled = np.where(varied, off / np.where(varied, sd + estimator.eps, 1.0), 0.0)
    return np.asarray(scaled @ episodes.weights)


def _of_rewards(episodes: Episodes, batches: Batches, by: Definition) -> Floats:
    off = batches.members.shape[2] + episodes.reward.shape[1] + 2
    spread = np.abs(by.advantage)
    deviation = episodes.composite[batches.members]
    deviation = np.abs(deviation - deviation.mean(2, keepdims=True))
    # A/(R - m) is 1/(sd + eps); where no member of a group has it, there is nothing to divide.
    per_sd = np.where(deviation > 0, spread / np.where(deviation > 0, deviation, 1.0), 0.0)
    largest = off * np.abs(episodes.composite).max()
    return np.asarray(largest * np.maximum(per_sd.max(2, keepdims=True), 1.0) * (1 + spread))


def _per_sd(plain: Floats, advantage: Floats, least: float) -> Floats:
    """(M, 1, 1): what the step over the batch multiplies by; 1/``least`` where nothing varies."""
    before, after = (np.ptp(x, (1, 2), keepdims=True) for x in (plain, advantage))
    varied = before > 0
    return np.where(varied, after / np.where(varied, before, 1.0), 1 / least)
