"""Whether E[g] is a gradient, on ``theory.rational.choices.choice`` models: its Jacobian by listing
groups.

Advantages of a group sum to 0, so with a table of logits g = 1/G sum_i A_i e(a_i) does not depend
on the policy, and d E[g]/d theta = E[g S^T], S the sum of the members' scores (derived).
"""

from collections.abc import Iterator, Sequence
from itertools import combinations, pairwise

from flint import fmpq

from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.numbers.balls import Number, total
from grpo_checks.theory.rational.choices.choice import Kind
from grpo_checks.theory.rational.choices.update import group_advantages, groups

Matrix = list[list[Number]]


def jacobian(
    kinds: Sequence[Kind], weights: Sequence[fmpq], group_size: int, estimator: Estimator
) -> Matrix:
    """d E[g]_b / d theta_c of one prompt with a table of logits."""
    size = len(kinds[0].score)
    jacobian_sum: Matrix = [[fmpq(0)] * size for _ in range(size)]
    for chance, counts in groups(kinds, group_size):
        every = group_advantages(kinds, counts, weights, estimator)
        pull = [c * a / group_size for c, a in zip(counts, every, strict=True)]
        g = _sums(pull, kinds)
        scores = _sums([fmpq(c) for c in counts], kinds)
        for row, x in zip(jacobian_sum, g, strict=True):
            row[:] = [old + chance * x * s for old, s in zip(row, scores, strict=True)]
    return jacobian_sum


def _sums(factors: Sequence[Number], kinds: Sequence[Kind]) -> list[Number]:
    size = len(kinds[0].score)
    return [total(f * k.score[i] for f, k in zip(factors, kinds, strict=True)) for i in range(size)]


def is_curled(values: Sequence[fmpq], group_size: int, estimator: Estimator) -> bool:
    """Whether J is certainly not symmetric at some policy over sure rewards with these values.

    With one action for each value the law of the rewards is the policy itself: what is asymmetric
    here is so on every model whose policies reach an open part of these laws.
    """
    n, weights = len(values), [fmpq(1)]
    for policy in deciding_policies(n, group_size):
        scores = [tuple((a == b) - p for b, p in enumerate(policy)) for a in range(n)]
        kinds = [Kind(*x) for x in zip(policy, ((v,) for v in values), scores, strict=True)]
        if split(jacobian(kinds, weights, group_size, estimator))[1] > 0:
            return True
    return False


def split(matrix: Matrix) -> tuple[Number, Number]:
    """Squared Frobenius norms of its symmetric and of its antisymmetric part."""
    n = range(len(matrix))
    even = [[(matrix[i][j] + matrix[j][i]) / 2 for j in n] for i in n]
    odd = [[(matrix[i][j] - matrix[j][i]) / 2 for j in n] for i in n]
    first, second = (total(x * x for row in part for x in row) for part in (even, odd))
    return first, second


def deciding_policies(n_actions: int, group_size: int) -> Iterator[tuple[fmpq, ...]]:
    """Policies at which the Jacobian decides whether it is symmetric at all policies.

    Its entries are polynomials of degree G + 1 in the policy; one that vanishes on a simplex
    lattice of that order vanishes everywhere.
    """
    degree = group_size + 1
    for bars in combinations(range(degree + n_actions - 1), n_actions - 1):
        ends = (-1, *bars, degree + n_actions - 1)
        counts = [b - a - 1 for a, b in pairwise(ends)]
        # Shrunk towards the middle: every action keeps a chance.
        yield tuple(fmpq(c + 1, degree + n_actions) for c in counts)
