"""Figures of Theorem 3: every stored number that is drawn is the number that was stored."""

import numpy as np
import pandas as pd
import pytest

from grpo_checks.experiments.claims.generalization import shift as t3_shift
from grpo_checks.experiments.claims.generalization import visual_arft as t3_visual_arft
from grpo_checks.experiments.protocol.claim import Scope
from grpo_checks.figures import __main__ as cli
from grpo_checks.figures.style import COLUMN_WIDTH, PAGE_WIDTH
from grpo_checks.figures.theorems import theorem3
from grpo_checks.figures.theorems import transfer as theorem3_transfer

NATS = {"used": 0.4, "jensen": 0.1, "change_of_measure": 2.0, "markov": 3.0, "bernoulli": 1.5}


def _frame(claim, rows):
    return pd.DataFrame([{"claim": claim, "verdict": "holds", **row} for row in rows])


@pytest.fixture(scope="module")
def rows():
    """Rows of every figure: computed where that is quick, made up elsewhere."""
    coverage = [
        {"posterior": kind, "bound_name": b, "observed": f, "delta": 0.05}
        for b, f in (("kl-xi", 0.0), ("Chernoff", 0.05))
        for kind in ("Gibbs", "worst", "given")
    ]
    tightness = [
        {
            "instance": "specialists", "policy_class": "sampled", "temperature": 1.0, "n_tasks": n,
            "observed": 0.1, "tightness kl-xi": 2 + n / 100, "tightness McAllester": 3 + n / 100,
            "nats oracle": 1.7, **{f"nats {k}": v for k, v in NATS.items()},
        }
        for n in (20, 50)
    ]  # fmt: skip
    ood = [
        {
            "instance": "specialists", "policy_class": "deterministic", "shift": shift,
            "bound_name": name, "observed": 0.2, "shown_risk": 0.2 + i / 10,
            "shown_bound": 0.3 + i / 10,
        }
        for i, shift in enumerate(("0", "0.5", "disjoint"))
        for name in theorem3_transfer.LABELS
    ]  # fmt: skip
    depth = [
        {
            "instance": "relay", "kind": kind, "depth": d, "observed": 0.01 * d,
            "bound": 0.02 * d, "sharper_bound": 0.015 * d,
        }
        for kind in ("final", "repaired")
        for d in (1, 2, 4)
    ]  # fmt: skip
    scope = Scope("quick")
    computed = [*t3_shift.shift_rows(scope, {}), *t3_visual_arft.rows(scope, {})]
    built = {"coverage": coverage, "tightness": tightness, "ood": ood, "depth": depth}
    frames = [_frame(f"T3.{claim}", data) for claim, data in built.items()]
    return pd.concat([*frames, pd.DataFrame([row.flat() for row in computed])])


def _lines(axes):
    return {line.get_label(): np.asarray(line.get_ydata(), float) for line in axes.get_lines()}


def test_every_figure_is_drawn(rows):
    """None is left out, and all are as wide as a page or a column."""
    for name, (_, draw) in cli.FIGURES.items():
        if name.startswith("t3_"):
            figure = draw(rows)
            assert figure.get_figwidth() in (PAGE_WIDTH, COLUMN_WIDTH)
            assert figure.axes


def test_coverage_marks_every_cell(rows):
    """As many marks as cells; a failure probability of 0 is at the left edge, delta at 1."""
    axes = theorem3.coverage(rows).axes[0]
    marks = [np.asarray(line.get_xdata(), float) for line in axes.get_lines()[:3]]
    assert [len(m) for m in marks] == [2, 2, 2]
    assert {float(x) for m in marks for x in m} == {theorem3.SMALLEST, 1.0}


def test_tightness_shows_the_ratios_and_all_nats(rows):
    """A mark per bound and number of tasks, the nearest on top; the bars add up to the budget."""
    above, below = theorem3.tightness(rows).axes
    lines = {line.get_label(): line for line in above.get_lines()}
    assert lines["n = 20"].get_xdata().tolist() == [2.2, 3.2]
    assert lines["n = 50"].get_xdata().tolist() == [2.5, 3.5]
    assert [text.get_text() for text in above.get_yticklabels()] == [r"kl-$\xi$", "McAllester"]
    ends = {}
    for bar in below.patches:
        ends[bar.get_x()] = max(ends.get(bar.get_x(), 0.0), bar.get_y() + bar.get_height())
    assert list(ends.values()) == pytest.approx([sum(NATS.values())] * 2)


def test_transfer_figures_show_the_rows(rows):
    """Gaps, slacks and terms."""
    _, below = theorem3_transfer.ood(rows).axes
    np.testing.assert_allclose(_lines(below)["data processing"], [0.1] * 3)
    depth = _lines(theorem3_transfer.depth(rows).axes[0])
    np.testing.assert_allclose(depth["gap, final"], [0.01, 0.02, 0.04])
    shift = theorem3_transfer.shift(rows).axes
    np.testing.assert_allclose(_lines(shift[0])["exact gap $L_T - L_S$"], 0.65)
    assert _lines(shift[-1])["hard 1/10"][-1] == pytest.approx(1)


def test_a_bound_of_one_is_not_drawn_as_tight(rows):
    """Where risk and bound are 1 there is a shade instead of a difference of 0."""
    last = (rows["claim"] == "T3.ood") & (rows["shift"] == "disjoint")
    cut = rows.assign(
        shown_bound=rows["shown_bound"].mask(last, 1.0),
        shown_risk=rows["shown_risk"].mask(last, 1.0),
    )
    above, below = theorem3_transfer.ood(cut).axes
    for label, slack in _lines(below).items():
        np.testing.assert_allclose(slack, [0.1] * 2, err_msg=label)
    assert _lines(above)["exact $L_T$"].tolist() == pytest.approx([0.2, 0.3, 1.0])
    for axes in (above, below):
        (shade,) = axes.patches
        assert (shade.get_x(), shade.get_x() + shade.get_width()) == (1.5, 2.5)
    assert not [axes.patches for axes in theorem3_transfer.ood(rows).axes if axes.patches]


def test_visual_arft_tells_hypothetical_cells_apart(rows):
    """Hollow where the model was not trained on so many tasks; one mark per row."""
    axes = theorem3_transfer.visual_arft(rows).axes
    marks = [
        line for a in axes for line in a.get_lines() if line.get_fillstyle() in ("full", "none")
    ]
    hollow = [m for m in marks if m.get_fillstyle() == "none"]
    assert all(m.get_label().endswith("hypothetical") for m in hollow)
    drawn = sum(len(m.get_ydata()) for m in marks if m.get_label().startswith("n ="))
    shown = rows[(rows["claim"] == "T3.visual_arft") & (rows["train_loss"] == "observed")]
    assert drawn == len(shown)


def test_looks_differ_without_colour():
    """No two bounds share both marker and line style; bounds of tightness have their own lines."""
    styles = {style[-2:] for style in theorem3_transfer.LABELS.values()}
    assert len(styles) == len(theorem3_transfer.LABELS)
    assert len({*theorem3.NAMES.values()}) == len(theorem3.NAMES)
