"""How many different groups of advantages there are, decided exactly.

A group of G members with K binary rewards of integer weights is a multiset of reward vectors; its
advantages, as a multiset, are what training sees of it (arXiv:2601.05242 counts them). With
eps = 0 and any ddof they are, up to one common factor,

- `mean_baseline`: the integers d_i = G R_i - sum R;
- `group_normalized`: d_i / sqrt(sum_j d_j^2), so two groups agree iff their d agree up to a
  positive factor: divide by the greatest common divisor;
- `componentwise_normalized`: sum_k w_k (G r_ik - n_k)/sqrt(n_k (G-n_k)), a rational combination of
  square roots. Roots of different squarefree integers are linearly independent over the rationals,
  so the coefficients of each root decide (derived).
"""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import cache
from itertools import combinations_with_replacement, product
from math import comb, gcd

from grpo_checks.theory.estimators.advantages import EstimatorName, check_group_size

MAX_GROUPS = 200_000
Vector = tuple[int, ...]
Surd = tuple[tuple[int, Fraction], ...]
"""sum of coefficient · sqrt(root), as (root, coefficient) pairs in the order of the roots."""
COUNTED: tuple[EstimatorName, ...] = (
    "mean_baseline",
    "group_normalized",
    "componentwise_normalized",
)


@cache
def split_square(n: int) -> tuple[int, int]:
    """(q, f) with n = q^2 f and f squarefree, for n >= 1."""
    q = max(d for d in range(1, n + 1) if d * d <= n and n % (d * d) == 0)
    return q, n // (q * q)


def _integers(group: Sequence[Vector], weights: Sequence[int]) -> list[int]:
    """G R_i - sum R."""
    rewards = [sum(w * r for w, r in zip(weights, v, strict=True)) for v in group]
    return [len(group) * r - sum(rewards) for r in rewards]


def joint(group: Sequence[Vector], weights: Sequence[int]) -> tuple[int, ...]:
    """A name for the advantages of `group_normalized`: equal iff the advantages are."""
    integers = _integers(group, weights)
    common = gcd(*integers) or 1
    return tuple(sorted(d // common for d in integers))


def centred(group: Sequence[Vector], weights: Sequence[int]) -> tuple[int, ...]:
    """Likewise of `mean_baseline`."""
    return tuple(sorted(_integers(group, weights)))


def decoupled(group: Sequence[Vector], weights: Sequence[int]) -> tuple[Surd, ...]:
    """Likewise of `componentwise_normalized`."""
    g, counts = len(group), [sum(column) for column in zip(*group, strict=True)]
    members = []
    for vector in group:
        parts: dict[int, Fraction] = {}
        for w, r, n in zip(weights, vector, counts, strict=True):
            if 0 < n < g:
                q, root = split_square(n * (g - n))
                # 1/sqrt(q^2 f) = sqrt(f)/(q f).
                share = Fraction(w * (g * r - n), q * root)
                parts[root] = parts.get(root, Fraction(0)) + share
        members.append(tuple(sorted((f, c) for f, c in parts.items() if c)))
    return tuple(sorted(members))


NAMES = {"mean_baseline": centred, "group_normalized": joint, "componentwise_normalized": decoupled}


def count_groups(components: int, group_size: int) -> int:
    """The number of multisets of G out of 2^K reward vectors."""
    return comb(group_size + 2**components - 1, group_size)


def _groups(components: int, group_size: int) -> Iterator[tuple[Vector, ...]]:
    vectors = list(product((0, 1), repeat=components))
    return combinations_with_replacement(vectors, group_size)


def distinct_groups(group_size: int, weights: Sequence[int], estimator: EstimatorName) -> int:
    """The number of different multisets of advantages over all groups; one K per weight.

    Raises ValueError for weights that are not positive integers, an estimator that is not counted,
    or more than 200,000 groups.
    """
    check_group_size(group_size)
    if not weights or any(not isinstance(w, int) or w < 1 for w in weights):
        raise ValueError(f"weights = {weights!r}: expected positive integers")
    if estimator not in NAMES:
        raise ValueError(f"estimator = {estimator!r}: expected one of {COUNTED}")
    n_groups = count_groups(len(weights), group_size)
    if n_groups > MAX_GROUPS:
        raise ValueError(f"groups = {n_groups}: expected at most {MAX_GROUPS} to list")
    name = NAMES[estimator]
    return len({name(group, weights) for group in _groups(len(weights), group_size)})
