"""Figures of Theorem 2 show the rows that they are given, and tell them apart without colour."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import PathCollection

from grpo_checks.experiments.claims.decomposition.region import region_rows
from grpo_checks.figures.theorems import theorem2

SIZES = (2, 4, 64)


def _gap_rows():
    """First-order points of two instances, and the table of kappa_G."""
    shared = {"claim": "T2.kappa", "ddof": 0, "eps": 0.0}
    rows = [
        {
            **shared,
            "instance": name,
            "where": "first-order point",
            "group_size": g,
            "worst_gap": 0.01 * g,
            "worst_bound": 0.015 * g,
            "worst_kappa_bound": 0.02 * g,
            "worst_reach": 2.0,
        }
        for name in ("sharp", "menu")
        for g in SIZES
    ]
    table = [
        {**shared, "instance": "all", "where": "any policy", "group_size": g, "factor": 0.01 * g}
        for g in SIZES
    ]
    return pd.DataFrame([*rows, *table])


def _phase_rows():
    """A map of 3 by 3 cells, and a race of every verdict on it."""
    shared = {
        "claim": "T2.benefit",
        "instance": "outcomes",
        "components": 2,
        "success": 0.8,
        "group_size": 8,
    }
    cells = [
        {**shared, "where": "one update", "coupling": c, "success_ratio": r, "lead": lead}
        for r, leads in (
            (1.0, (0.2, 0.0, -0.1)),
            (0.5, (0.1, 0.005, -0.2)),
            (0.1, (0.1, -0.1, -0.3)),
        )
        for c, lead in zip((-0.5, 0.0, 0.5), leads, strict=True)
    ]
    races = [
        {**shared, "where": "training", "coupling": c, "success_ratio": r, "verdict": verdict}
        for c, r, verdict in (
            (-0.5, 1.0, "holds"),
            (0.5, 0.1, "refuted"),
            (0.0, 0.5, "assumption unmet"),
            (0.0, 1.0, "inconclusive"),
        )
    ]
    return pd.DataFrame([*cells, *races])


def _region_rows():
    rows = pd.DataFrame([row.flat() for row in region_rows()])
    mean = {"claim": "T2.potential", "group_size": 8, "mean_success_1": 0.3, "mean_success_2": 0.1}
    return pd.concat([rows, pd.DataFrame([mean])], ignore_index=True)


def _lines(axes):
    return {line.get_label(): line for line in axes.get_lines()}


def test_gap_shows_the_stored_shares():
    """One panel for each instance; gap and bounds over what components can move."""
    figure = theorem2.gap(_gap_rows())
    assert len(figure.axes) == 2
    lines = _lines(figure.axes[0])
    np.testing.assert_allclose(lines["gap (exact)"].get_ydata(), 0.005 * np.array(SIZES))
    np.testing.assert_allclose(lines["T2.gap"].get_ydata(), 0.0075 * np.array(SIZES))
    np.testing.assert_allclose(lines["T2.kappa"].get_ydata(), 0.01 * np.array(SIZES))
    looks = {(line.get_marker(), line.get_linestyle()) for line in lines.values()}
    assert len(looks) == 4


def test_phase_puts_every_cell_and_race_on_the_map():
    """Up and down triangles, dots where it is close; a mark for each race that says something."""
    axes = theorem2.phase(_phase_rows()).axes[0]
    marks = [c for c in axes.collections if isinstance(c, PathCollection)]
    assert [len(c.get_offsets()) for c in marks] == [3, 4, 2]
    shapes = {c.get_paths()[0].vertices.tobytes() for c in marks}
    assert len(shapes) == 3
    races = {line.get_marker(): line.get_xydata().tolist() for line in axes.get_lines()}
    assert races["o"] == [[-0.5, 1.0]]
    assert races["x"] == [[0.5, 0.1]]
    assert races["+"] == [[0.0, 0.5]]
    assert len(races) == 3


def test_region_shows_both_optima_and_training():
    """At the stored points; the level lines pass through them."""
    rows = _region_rows()
    axes = theorem2.region(rows).axes[0]
    lines = _lines(axes)
    (best,) = lines[r"decomposed optimum (of $\tilde J$)"].get_xydata()
    stored = [float(x) for x in rows["decomposed_point"].iloc[0].split()]
    assert best.tolist() == stored
    level = lines[r"level line of $\tilde J$ at its optimum"].get_xydata()
    assert np.abs(level - best).sum(1).min() < 0.01
    assert lines["trained, decomposed (mean)"].get_xydata().tolist() == [[0.3, 0.1]]


@pytest.mark.parametrize("draw", [theorem2.gap, theorem2.phase, theorem2.region])
def test_other_claims_give_no_figure(draw):
    """Whatever columns their tables have."""
    table = pd.DataFrame({"claim": ["T1.rate"], "instance": ["bits"], "where": [""]})
    assert draw(table) is None
    assert draw(table[["claim", "instance"]]) is None
