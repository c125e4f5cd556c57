"""Numbers of different groups of advantages: 40 digits, a published pair, where floats miscount."""

from itertools import combinations_with_replacement, product
from math import sqrt

import pytest
from mpmath import mp, mpf

from grpo_checks.theory.estimators.distinct import (
    COUNTED,
    count_groups,
    distinct_groups,
    split_square,
)


def _advantages(group, weights, estimator, root, number):
    """Advantages of one group, from the definitions, in the given arithmetic."""
    g = len(group)

    def normalised(column):
        mean = sum(column, number(0)) / g
        spread = sum(((x - mean) ** 2 for x in column), number(0)) / g
        scale = 1 if estimator == "mean_baseline" else root(spread) if len(set(column)) > 1 else 1
        return [(x - mean) / scale for x in column]

    if estimator != "componentwise_normalized":
        return normalised(
            [
                sum((number(w) * r for w, r in zip(weights, v, strict=True)), number(0))
                for v in group
            ]
        )
    columns = [normalised([number(x) for x in c]) for c in zip(*group, strict=True)]
    return [sum(w * c[i] for w, c in zip(weights, columns, strict=True)) for i in range(g)]


def _groups(k, g):
    return combinations_with_replacement(list(product((0, 1), repeat=k)), g)


CELLS = [
    (2, (1, 1)),
    (3, (1, 1)),
    (5, (1, 1)),
    (4, (1, 2)),
    (3, (1, 1, 1)),
    (4, (1, 1, 1)),
    (8, (1, 1)),
    (9, (1, 1)),
]


@pytest.mark.parametrize("estimator", COUNTED)
@pytest.mark.parametrize(("size", "weights"), CELLS)
def test_counts_at_40_digits(size, weights, estimator):
    """Rounded to 30 digits after 40: two that differ would have to agree to 30."""
    with mp.workdps(40):
        seen = set()
        for group in _groups(len(weights), size):
            observed = _advantages(group, weights, estimator, mp.sqrt, mpf)
            seen.add(tuple(sorted(int(mp.nint(a * mpf(10) ** 30)) for a in observed)))
    assert distinct_groups(size, weights, estimator) == len(seen)


def test_the_published_pair():
    """Two binary rewards, two members: 2 joint, 3 decoupled."""
    assert distinct_groups(2, (1, 1), "group_normalized") == 2
    assert distinct_groups(2, (1, 1), "componentwise_normalized") == 3


def test_floats_miscount():
    """float64 tells groups apart that are equal: the reason for exact arithmetic."""
    seen = {
        tuple(sorted(_advantages(group, (1, 1), "componentwise_normalized", sqrt, float)))
        for group in _groups(2, 6)
    }
    assert len(seen) > distinct_groups(6, (1, 1), "componentwise_normalized")


def test_one_component_has_one_count():
    """Nothing to decouple: G - 1 mixed groups and the silent one."""
    for g in (2, 5, 9):
        assert distinct_groups(g, (1,), "group_normalized") == g
        assert distinct_groups(g, (1,), "componentwise_normalized") == g
        assert count_groups(1, g) == g + 1


def test_square_parts():
    """n = q^2 f with f free of squares."""
    for n in range(1, 200):
        q, f = split_square(n)
        assert q * q * f == n
        assert all(f % (d * d) for d in range(2, f + 1))


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ((1, (1, 1), "group_normalized"), "group_size = 1"),
        ((2, (1, 0), "group_normalized"), r"weights = \(1, 0\)"),
        ((2, (), "group_normalized"), r"weights = \(\)"),
        ((2, (1, 1), "batch_scaled"), "estimator = 'batch_scaled'"),
        ((16, (1, 1, 1, 1), "group_normalized"), "groups = 300540195"),
    ],
)
def test_bad_input(arguments, named):
    """The value is named."""
    with pytest.raises(ValueError, match=named):
        distinct_groups(*arguments)
