"""Groups told apart by their numbers, against names in whole numbers and roots."""

from itertools import combinations_with_replacement, product

import pytest
from flint import arb, fmpq

from grpo_checks.theory.estimators.distinct import count_groups, distinct_groups
from grpo_checks.theory.rational.choices.distinct import distinct, separated


@pytest.mark.parametrize("weights", [(1, 1), (1, 2), (3, 4), (1, 1, 2)])
@pytest.mark.parametrize("size", [2, 3, 4])
def test_as_many_as_have_different_names(weights, size):
    """Joint exactly; decoupled ones are all separated at this precision."""
    counts = distinct([fmpq(w) for w in weights], size)
    assert counts.joint == distinct_groups(size, weights, "group_normalized")
    assert counts.fewest == distinct_groups(size, weights, "componentwise_normalized")
    assert counts.fewest <= counts.most < counts.groups == count_groups(len(weights), size)


def test_two_binary_rewards_in_pairs():
    """By hand: 2 joint, 3 decoupled."""
    pairs = combinations_with_replacement(product((0, 1), repeat=2), 2)
    signs = [[(a > b) - (a < b) for a, b in zip(*pair, strict=True)] for pair in pairs]
    assert len({abs(sum(s)) for s in signs}) == 3
    assert len({sum(s) != 0 for s in signs}) == 2
    counts = distinct([fmpq(1), fmpq(1)], 2)
    assert (counts.joint, counts.fewest) == (2, 3)


def test_overlapping_balls_are_not_told_apart():
    """A wide ball swallows its neighbours."""
    assert separated([fmpq(1), fmpq(2), fmpq(3)]) == 3
    assert separated([arb(1), arb(2, 0.9), arb(2.5), arb(3)]) == 3
    assert separated([arb(1), arb(2, 5), arb(3)]) == 1
