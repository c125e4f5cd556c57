"""The figure of other papers' results, from rows alone."""

import pandas as pd
import pytest
from helpers.quick_rows import quick_rows

from grpo_checks.figures.theorems.literature import overview

SHOWN = ("L.amplification", "L.tools", "L.convergence", "L.correlation.law", "L.groups")


@pytest.fixture(scope="module")
def rows():
    """Those of the quick profile, of the claims that have a panel."""
    return pd.DataFrame([row.flat() for name in SHOWN for row in quick_rows(name)])


def _lines(axes):
    return {line.get_label(): line for line in axes.get_lines()}


def test_panels_show_the_stored_numbers(rows):
    """Counts of groups, and iterates of a recurrence that cycles."""
    axes = overview(rows).axes
    assert len(axes) == 4
    cells = rows[(rows["claim"] == "L.groups") & (rows["components"] == 2)]
    cells = cells[cells["weights"] == "(1, 1)"].sort_values("group_size")
    assert _lines(axes[3])["joint"].get_ydata().tolist() == cells["observed"].tolist()
    cycling = [line for label, line in _lines(axes[1]).items() if "cycles" in label]
    assert len(cycling) == 1
    path = list(cycling[0].get_ydata())
    assert min(path[-1], path[-2]) < 0.05 < 0.5 < max(path[-1], path[-2])


def test_lines_differ_without_colour(rows):
    """By marker, fill or line style, in every panel."""
    for axes in overview(rows).axes:
        lines = [x for x in axes.get_lines() if not x.get_label().startswith("_")]
        looks = {
            (x.get_marker(), x.get_linestyle(), x.get_markerfacecolor() == "white") for x in lines
        }
        assert len(looks) == len(lines) >= 3
        assert axes.get_xlabel()
        assert axes.get_ylabel()


def test_a_part_of_the_claims_is_enough(rows):
    """One claim's rows alone draw their panel; other tables draw nothing."""
    alone = rows[rows["claim"] == "L.groups"].dropna(axis=1, how="all")
    assert overview(alone) is not None
    assert overview(rows.assign(claim="T1.rate")) is None
