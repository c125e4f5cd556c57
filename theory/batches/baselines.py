"""Groups of estimators with a baseline or a scale that is no mean or sd of the group's rewards."""

from math import comb

import jax
import numpy as np

from grpo_checks.theory.batches.members import Floats, Members, Table, Whole
from grpo_checks.theory.estimators.advantages import inverse_sd
from grpo_checks.theory.estimators.lattice import dense_size
from grpo_checks.theory.rules.rule import UpdateRule


def _keyed_tokens(rule: UpdateRule, coordinate: int) -> list[int]:
    return [] if rule.aggregation.within_episode else [coordinate]


def length_weighted(members: Members, rule: UpdateRule, group_size: int) -> Table:
    """R - sum l R/sum l, by sum l and sum l r, r counted from the smallest reward."""
    earned = members.numerators[:, 0] - members.numerators.min()
    steps = np.stack([members.tokens - members.least, members.tokens * earned], 1)
    keyed = _keyed_tokens(rule, 0)

    def parts(points: Whole) -> Floats:
        tokens = points[:, 0] + group_size * members.least
        baseline = points[:, 1] / tokens
        return members.units[0] * (earned[None] - baseline[:, None])[None]

    return Table(steps, members.member, parts, lambda points: points[:, keyed], False)


def mean_normalized(members: Members, rule: UpdateRule, group_size: int) -> Table:
    """(R - m)/(m + eps), by sum R."""
    low, unit = int(members.numerators.min()), members.units[0]
    earned = members.numerators[:, 0] - low
    steps = np.stack([earned, members.tokens - members.least], 1)
    keyed = _keyed_tokens(rule, 1)

    def parts(points: Whole) -> Floats:
        # Of whole numbers: 0 exactly where the mean is.
        total = points[:, 0] + group_size * low
        mean = np.where(total == 0, 1.0, unit * total / group_size + rule.estimator.eps)
        deviation = unit * (earned[None] - points[:, :1] / group_size)
        return np.where(total[:, None] == 0, 0.0, deviation / mean[:, None])[None]

    return Table(steps, members.member, parts, lambda points: points[:, keyed], True)


def greedy_baseline(members: Members, rule: UpdateRule, group_size: int) -> Table:
    """R - b in two parts, R and 1: given b, members are independent."""
    steps = (members.tokens - members.least)[:, None]
    rewards = members.rewards[:, 0]
    keyed = _keyed_tokens(rule, 0)

    def parts(points: Whole) -> Floats:
        return np.broadcast_to(
            np.stack([rewards, np.ones_like(rewards)])[:, None], (2, len(points), len(rewards))
        )

    return Table(steps, members.member, parts, lambda points: points[:, keyed], False)


def pass_at_k(members: Members, rule: UpdateRule, group_size: int) -> Table:
    """(R_1 - R_2)/(sd + eps) of the best, by how many members have each reward."""
    levels, level = np.unique(members.numerators[:, 0], return_inverse=True)
    steps = np.eye(len(levels), dtype=np.int64)[level.reshape(-1)]
    # Of the first level there are as many as are left.
    steps = np.column_stack([steps[:, 1:], members.tokens - members.least])
    keyed = _keyed_tokens(rule, steps.shape[1] - 1)
    rewards, estimator = levels * members.units[0], rule.estimator

    def parts(points: Whole) -> Floats:
        others = points[:, :-1]
        counts = np.column_stack([group_size - others.sum(1), others])
        # Descending: the level of the best, and of the next member.
        ahead = counts[:, ::-1].cumsum(1)
        first, second = (len(levels) - 1 - (ahead >= n).argmax(1) for n in (1, 2))
        mean = counts @ rewards / group_size
        spread = (counts * (rewards[None] - mean[:, None]) ** 2).sum(1)
        spread = np.where((counts > 0).sum(1) > 1, spread, 0.0)
        per_sd = inverse_sd(jax.device_put(spread), group_size - estimator.ddof, estimator.eps)
        lead = (rewards[first] - rewards[second]) * np.asarray(per_sd)
        return np.where(level.reshape(-1)[None] == first[:, None], lead[:, None], 0.0)[None]

    most = comb(group_size + len(levels) - 1, len(levels) - 1)
    most *= dense_size(steps[:, -1:], group_size)
    return Table(steps, members.member, parts, lambda points: points[:, keyed], False, most)
