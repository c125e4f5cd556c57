"""Sums of rows by their label, against lists of them."""

import numpy as np

from grpo_checks.theory.numbers.grouped.segments import segments


def test_sums_and_deviations_are_those_of_lists():
    """Labels of any order; rows that are absent count for nothing, whatever they hold."""
    rng = np.random.default_rng(0)
    labels = rng.permutation(np.repeat([7, -2, 3, 0], [1, 4, 2, 5]))
    values, present = rng.integers(-8, 8, (12, 2)) / 4, rng.random((12, 2)) < 0.6
    values[~present] = np.nan
    rows = segments(labels)
    for column, there in zip(values.T, present.T, strict=True):
        kept = np.where(there, column, 0.0)
        for number, label in enumerate([-2, 0, 3, 7]):
            mine = [i for i in range(12) if labels[i] == label]
            assert [i for i in range(12) if rows.member[i] == number] == mine
            assert rows.sizes[number] == len(mine)
            assert rows.total(kept)[number] == sum(kept[i] for i in mine)
            assert rows.largest(kept)[number] == max(kept[i] for i in mine)
            seen = [i for i in mine if there[i]]
            for i in mine:
                mean = sum(column[j] for j in seen) / max(len(seen), 1)
                assert rows.centred(column, there)[i] == (column[i] - mean if there[i] else 0)
    assert (rows.centred(values, present)[present] != 0).any()
