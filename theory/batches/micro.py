"""Token means of micro-batches: a shuffled batch, cut into n parts of M episodes.

With Z_j = 1/N_j sum_{i in j} A_i s_i of part j, g = 1/n sum_j Z_j and parts are exchangeable,

    E[g] = E[Z_1],    E|g|^2 = 1/n E|Z_1|^2 + (n-1)/n E<Z_1, Z_2>.

A shuffle is a label for each episode, drawn independently and given that M have the first and M
the second (derived). So a value is a member's value and label, and totals count members and tokens
with each label besides.
"""

from math import comb

import numpy as np

from grpo_checks.theory.batches.batch_totals import Divisor, Weights
from grpo_checks.theory.batches.members import Floats, Members, Numbers, Table, Whole
from grpo_checks.theory.rules.rule import UpdateRule


def _labels(parts: int) -> Floats:
    """The chances of the first label, the second, and the others."""
    return np.array([1 / parts, 1 / parts, 1 - 2 / parts][: min(parts, 3)])


def labelled(inner: Table, members: Members, parts: int) -> Table:
    """From the table of a rule with the same advantages, whose keys know of no tokens."""
    chances, d = _labels(parts), inner.steps.shape[1]
    size, n = len(inner.steps), len(chances)
    label = np.tile(np.arange(n), size)
    shown = np.eye(n, dtype=np.int64)[label]
    tokens = np.repeat(members.tokens - members.least, n)
    # Of the last label there are as many as are left.
    counted = np.column_stack([shown[:, :2] * tokens[:, None], shown[:, : n - 1][:, :2]])
    steps = np.column_stack([np.repeat(inner.steps, n, 0), counted])
    member = np.repeat(inner.member, n, 1) * np.tile(chances, size)[None]

    def every(points: Whole) -> Floats:
        advantage = np.repeat(inner.parts(points[:, :d])[0], n, 1)
        return np.stack([advantage * (label == j) for j in range(min(n, 2))])

    def key(points: Whole) -> Numbers:
        return np.column_stack([inner.key(points[:, :d]), points[:, d:]])

    return Table(steps, member, every, key, False)


def micro_divisor(outer: Divisor, members: Members, rule: UpdateRule, count: int) -> Divisor:
    """Of ``count`` episodes; ``outer``: what the estimator divides by, times ``count``."""
    n, m = rule.aggregation.micro_batches(count), rule.aggregation.micro_batch or count
    labels = min(n, 3)
    chance = np.prod([comb(count - j * m, m) for j in range(labels - 1)], dtype=float)
    chance *= _labels(n)[0] ** (m * min(labels, 2)) * _labels(n)[-1] ** max(count - 2 * m, 0)
    width = min(labels, 2) + labels - 1

    def phi(totals: Numbers) -> Weights:
        scale = count * outer(totals[:, : totals.shape[1] - width]).mean[0]
        shown = totals[:, totals.shape[1] - width :]
        tokens = shown[:, : min(labels, 2)] + m * members.least
        given = (shown[:, min(labels, 2) :] == m).all(1) / chance
        shares = (scale[:, None] / tokens).T
        square = given * shares[:, None] * shares[None]
        if n == 1:
            return Weights(shares, square)
        share = np.array([[1 / n, (n - 1) / (2 * n)], [(n - 1) / (2 * n), 0.0]])
        return Weights(
            np.stack([given * shares[0], np.zeros_like(shares[0])]), square * share[..., None]
        )

    return phi
