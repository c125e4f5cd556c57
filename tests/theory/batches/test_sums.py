"""Sums of keys: a list and a box are the same lattice, and equal numbers are merged."""

import numpy as np
import pytest

from grpo_checks.theory.batches import sums
from grpo_checks.theory.batches.group_totals import group_totals
from grpo_checks.theory.batches.members import members
from grpo_checks.theory.batches.sums import distinct, listed, whole_lattice
from grpo_checks.theory.batches.tables import group_table
from grpo_checks.theory.estimators.lattice import lattice
from grpo_checks.theory.instances.tools.search import search
from grpo_checks.theory.rules.by_length import by_length
from grpo_checks.theory.rules.presets import PRESETS
from grpo_checks.theory.rules.rule import UpdateRule


@pytest.mark.parametrize("steps", [[[0, 0], [1, 0], [0, 2], [1, 2]], [[1, 0, 2], [0, 3, 1]]])
def test_a_list_is_the_box(monkeypatch, steps):
    """Points and where they come from, with a draw that adds nothing and without one."""
    rows = np.array(steps)
    box = lattice(rows, 4)
    monkeypatch.setattr(sums, "MAX_ENTRIES", 0)
    for mine, its in zip(whole_lattice(rows, 4, "totals"), box, strict=True):
        np.testing.assert_array_equal(mine, its)


def test_sums_of_irrational_keys():
    """On `search`, G = 8: 339 values of sum z^2 of a group. Of two groups there are 49,335 sums,
    whatever the tolerance between 3e-16 and 1e-10: without any, rounding adds some."""
    rule = UpdateRule(PRESETS["trl-gdpo"].rule.estimator)
    model = by_length(search(3).mdp)
    keys = np.asarray(group_totals(group_table(members(model, rule), rule, 8), 8).keys)
    assert len(keys) == 339
    pairs = np.sort((keys[:, None, 0] + keys[None, :, 0]).reshape(-1))
    gaps = np.diff(pairs) / pairs.max()
    assert {int((gaps > tolerance).sum()) + 1 for tolerance in (3e-16, 1e-13, 1e-10)} == {49335}
    assert len(distinct(pairs[:, None])[0]) == 49335
    # Of one group, after the empty sum, each key comes from it by one draw.
    points, values = listed(keys, 1, "totals")
    np.testing.assert_array_equal(values[1:], keys)
    assert (np.asarray(points.source)[1:] == np.where(np.eye(339), 0, 340)).all()
