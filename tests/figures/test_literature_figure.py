"""Figures of other papers' results, from rows alone."""

import numpy as np
import pandas as pd
import pytest
from helpers.quick_rows import quick_rows

from grpo_checks.figures.theorems import literature

SHOWN = ("L.amplification", "L.tools", "L.convergence", "L.correlation.law", "L.groups")
FIGURES = {
    "L.amplification": literature.amplification,
    "L.convergence": literature.convergence,
    "L.correlation.law": literature.correlation,
    "L.groups": literature.groups,
}


@pytest.fixture(scope="module")
def rows():
    """Those of the quick profile, of the claims that have a figure."""
    return pd.DataFrame([row.flat() for name in SHOWN for row in quick_rows(name)])


def _lines(figure):
    return {line.get_label(): line for line in figure.axes[0].get_lines()}


def test_counts_of_groups_are_the_stored_ones(rows):
    """A line per kind of advantages."""
    cells = rows[(rows["claim"] == "L.groups") & (rows["components"] == 2)]
    cells = cells[cells["weights"] == "(1, 1)"].sort_values("group_size")
    lines = _lines(literature.groups(rows))
    assert lines["joint"].get_ydata().tolist() == cells["observed"].tolist()
    assert lines["decoupled"].get_ydata().tolist() == cells["bound"].tolist()


def test_what_is_called_a_cycle_is_one(rows):
    """No transient: two ends are visited in turn, as far apart as is stored, and stay."""
    lines = _lines(literature.convergence(rows))
    (cycle,) = (line for label, line in lines.items() if label.endswith("cycles"))
    path = np.asarray(cycle.get_ydata(), float)
    np.testing.assert_allclose(path[-2:], path[-4:-2], rtol=0.01)
    ends = [line.get_ydata()[0] for line in lines.values() if len({*line.get_ydata()}) == 1]
    np.testing.assert_allclose(sorted(ends), sorted(path[-2:]), rtol=0.01)
    assert max(ends) > 10 * min(ends)
    stored = rows[(rows["claim"] == "L.convergence") & (rows["verdict"] == "refuted")]
    assert any(np.isclose(max(ends) - min(ends), stored["observed"], rtol=1e-12))
    settled = [line.get_ydata() for label, line in lines.items() if label.endswith("settles")]
    assert len(settled) == 2
    for path in settled:
        assert path[-1] == pytest.approx(path[-2], rel=0.02)


def test_exact_iterates_are_the_stored_ones(rows):
    """After the reference; they obey the recurrence, that of the model with tools from above."""
    lines = _lines(literature.amplification(rows))
    for name in ("conflict", "coding"):
        exact, bound = (lines[f"{name}: {kind}"].get_ydata() for kind in ("exact", "recurrence"))
        cells = rows[(rows["instance"] == name) & (rows["reference"] == exact[0])]
        assert set(exact[1:]) <= set(cells["observed"])
        assert (exact[1:] <= np.asarray(bound) * (1 + 1e-9)).all()


@pytest.mark.parametrize("claim", FIGURES)
def test_lines_differ_without_colour(rows, claim):
    """By marker, fill or line style."""
    (axes,) = FIGURES[claim](rows).axes
    lines = [x for x in axes.get_lines() if not x.get_label().startswith("_")]
    looks = {(x.get_marker(), x.get_linestyle(), x.get_markerfacecolor() == "white") for x in lines}
    assert len(looks) == len(lines) >= 3
    assert axes.get_xlabel()
    assert axes.get_ylabel()


@pytest.mark.parametrize("claim", FIGURES)
def test_a_part_of_the_claims_is_enough(rows, claim):
    """One claim's rows alone draw its figure; other tables draw nothing."""
    alone = rows[rows["claim"] == claim].dropna(axis=1, how="all")
    assert FIGURES[claim](alone) is not None
    assert FIGURES[claim](rows.assign(claim="T1.rate")) is None
