"""Figures of Theorem 2 show the rows that they are given, and tell them apart without colour."""

import numpy as np
import pandas as pd
import pytest

from grpo_checks.experiments.claims.decomposition.region import region_rows
from grpo_checks.figures.theorems import benefit, theorem2

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
    # What e says, which gains more (joint in two), and whether they agree.
    grid = {
        1.0: ((0.2, 0.3, "holds"), (-0.01, 0.3, "refuted"), (-0.1, 0.3, "refuted")),
        0.5: ((0.1, 0.3, "holds"), (0.005, 0.3, "holds"), (-0.2, -0.1, "holds")),
        0.1: ((0.1, -0.1, "refuted"), (-0.1, 0.3, "refuted"), (-0.3, 0.3, "refuted")),
    }
    cells = [
        {**shared, "where": "one update", "coupling": c, "success_ratio": r}
        | dict(zip(("lead", "gain_lead", "verdict"), cell, strict=True))
        for r, line in grid.items()
        for c, cell in zip((-0.5, 0.0, 0.5), line, strict=True)
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
    """Gaps over what components can move against G; and against both bounds, every point."""
    above, below = theorem2.gap(_gap_rows()).axes
    lines = _lines(above)
    for name in ("sharp", "menu"):
        shown = lines[theorem2.SHOWN[name]].get_ydata()
        np.testing.assert_allclose(shown, 0.005 * np.array(SIZES))
    limit = lines[r"$(\kappa_G-1)/(\kappa_G+1)$"].get_xydata()
    np.testing.assert_allclose(limit, [(g, 0.01 * g) for g in SIZES])
    looks = {(line.get_marker(), line.get_linestyle()) for line in lines.values()}
    assert len(looks) == len(lines)
    for name, share in (("T2.gap", 0.0075), ("T2.kappa", 0.01)):
        points = [(share * g, 0.005 * g) for g in (*SIZES, *SIZES)]
        np.testing.assert_allclose(_lines(below)[name].get_xydata(), points)


def test_phase_fills_what_e_says_rightly():
    """By hand: up where decomposed has the larger e, hollow where the other form gains more."""
    axes = benefit.phase(_phase_rows()).axes[0]
    marks = {
        (line.get_marker(), line.get_markerfacecolor() != "none"): len(line.get_xdata())
        for line in axes.get_lines()
    }
    assert marks == {("^", True): 3, ("^", False): 1, ("v", True): 1, ("v", False): 4}


def test_phase_counts_all_starts_and_races():
    """Bars of shares by verdict; a diamond where joint gains more; each outcome has its hatch."""
    axes = benefit.phase(_phase_rows()).axes[-1]
    shares = {bars.get_label(): [bar.get_width() for bar in bars] for bars in axes.containers}
    hatches = {bars[0].get_hatch() or bars[0].get_facecolor() for bars in axes.containers}
    assert len(hatches) == 4
    np.testing.assert_allclose(shares["as $e$ says"], [4 / 9, 1 / 4])
    np.testing.assert_allclose(shares["the other form gains more"], [5 / 9, 1 / 4])
    np.testing.assert_allclose(shares["$e$ turns on the way"], [0, 1 / 4])
    np.testing.assert_allclose(shares["open"], [0, 1 / 4])
    (joint,) = axes.get_lines()
    np.testing.assert_allclose(joint.get_xydata(), [(2 / 9, 0)])


def test_races_alone_are_no_map():
    """Without starts there is nothing that e could be right about."""
    rows = _phase_rows()
    assert benefit.phase(rows[rows["where"] == "training"]) is None


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


@pytest.mark.parametrize("draw", [theorem2.gap, benefit.phase, theorem2.region])
def test_other_claims_give_no_figure(draw):
    """Whatever columns their tables have."""
    table = pd.DataFrame({"claim": ["T1.rate"], "instance": ["bits"], "where": [""]})
    assert draw(table) is None
    assert draw(table[["claim", "instance"]]) is None
