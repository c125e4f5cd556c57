"""Groups of whitened estimators, by how many members have each vector of rewards.

Advantages z of the group sum to 0, so that the batch's mean over episodes is 0 always, and its
spread a sum over groups of Q = sum z^2: one key, irrational. Over tokens it is not: with keys
(sum l, sum l z, sum l z^2) and A = (z - zbar)/sd a group has two parts, sum z s and sum s.
"""

from math import comb

import numpy as np

from grpo_checks.theory.batches.members import Floats, Members, Table, Whole
from grpo_checks.theory.batches.sums import distinct
from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.estimators.group_counts import advantages
from grpo_checks.theory.estimators.lattice import dense_size
from grpo_checks.theory.rules.rule import UpdateRule


def whitened(members: Members, rule: UpdateRule, group_size: int) -> Table:
    """Before the last step; z is exactly 0 in silent groups."""
    estimator = rule.estimator
    inner = Estimator(estimator.name, estimator.ddof, estimator.eps)
    kinds, kind = np.unique(members.numerators, axis=0, return_inverse=True)
    kind, tokens = kind.reshape(-1), members.tokens - members.least
    one_hot, v = np.eye(len(kinds), dtype=np.int64)[kind], len(kinds)
    by_kind = one_hot * tokens[:, None] if estimator.whiten_tokens else tokens[:, None]
    # Of the first kind there are as many as are left.
    steps = np.column_stack([one_hot[:, 1:], by_kind])
    rewards = kinds * np.array(members.units)[None]

    def split(points: Whole) -> tuple[Whole, Floats, Whole]:
        """Counts of kinds, their z, and their tokens, or those of all."""
        others = points[:, : v - 1]
        counts = np.column_stack([group_size - others.sum(1), others])
        groups, group = distinct(counts)
        z = advantages(rewards, np.array(members.weights), groups, inner)[0][group]
        many = counts if estimator.whiten_tokens else np.full((len(points), 1), group_size)
        return counts, z, points[:, v - 1 :] + members.least * many

    def parts(points: Whole) -> Floats:
        z = split(points)[1][:, kind]
        return np.stack([z, np.ones_like(z)] if estimator.whiten_tokens else [z])

    def key(points: Whole) -> Floats:
        counts, z, lengths = split(points)
        if estimator.whiten_tokens:
            return np.stack([lengths.sum(1), (lengths * z).sum(1), (lengths * z**2).sum(1)], 1)
        square = (counts * z**2).sum(1)
        return np.column_stack([square] if rule.aggregation.within_episode else [square, lengths])

    most = comb(group_size + v - 1, v - 1) * dense_size(by_kind, group_size)
    return Table(steps, members.member, parts, key, not estimator.whiten_tokens, most)
