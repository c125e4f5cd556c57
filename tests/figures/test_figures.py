"""Figures come from rows alone, and every row that is drawn is seen."""

import shutil
import sys

import pandas as pd
import pytest
from matplotlib.image import imread

from grpo_checks.experiments.ledger.ledger import PAPER
from grpo_checks.figures import __main__ as cli
from grpo_checks.figures.captions import captions
from grpo_checks.figures.theorems import theorem1

ROWS = pd.read_csv(PAPER / "rows.csv", low_memory=False)


def _draw(folder, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["figures", str(folder)])
    return cli.main()


def test_all_figures_are_written(tmp_path, monkeypatch):
    """PDF and PNG, not blank, at paper width."""
    shutil.copy(PAPER / "rows.csv", tmp_path)
    assert _draw(tmp_path, monkeypatch) == 0
    drawn = [n for n, (claim, _) in cli.FIGURES.items() if claim in set(ROWS["claim"])]
    assert {p.stem for p in (tmp_path / "figures").iterdir()} == set(drawn)
    for name in drawn:
        assert (tmp_path / "figures" / f"{name}.pdf").stat().st_size > 1000
        assert (tmp_path / "figures" / f"{name}.txt").read_text() == captions()[name] + "\n"
        image = imread(tmp_path / "figures" / f"{name}.png")
        assert image.std() > 0.01
        # Two columns of a paper, or one of them, at 200 dots an inch.
        assert 1200 < image.shape[1] < 1500 or 600 < image.shape[1] < 750


def test_every_figure_has_a_caption():
    """A message: one to three sentences, and no number that a row could change."""
    assert {*captions()} == {*cli.FIGURES}
    for text in captions().values():
        assert text.endswith(".")
        assert len(text.split()) < 60


def test_missing_rows_are_one_error(tmp_path, monkeypatch, capsys):
    """Exit status 2 and a hint."""
    assert _draw(tmp_path, monkeypatch) == 2
    assert "rows.csv: no such table" in capsys.readouterr().err


@pytest.mark.parametrize("draw", [draw for _, draw in cli.FIGURES.values()])
def test_nothing_to_draw(draw):
    """A table without the claim gives no figure rather than an empty one."""
    assert draw(ROWS[ROWS["claim"] == "none"]) is None


def test_the_rate_figure_shows_the_stored_numbers():
    """The first panel's lines are the rows' observed values and bounds."""
    axes = theorem1.rate(ROWS).axes[0]
    lines = {line.get_label(): line.get_ydata() for line in axes.get_lines()}
    panel = ROWS[(ROWS.claim == "T1.rate") & (ROWS.instance == "bits") & (ROWS.components == 3)]
    panel = panel[panel.group_size == panel.group_size.min()].sort_values("n_steps")
    assert lines["observed, with confidence band"].tolist() == panel["observed"].tolist()
    assert lines["bound"].tolist() == panel["bound"].tolist()


def test_observation_and_bound_differ_without_colour():
    """By marker and line style."""
    looks = {(x.get_marker(), x.get_linestyle()) for x in theorem1.rate(ROWS).axes[0].get_lines()}
    assert len(looks) == 3


def test_shares_fill_the_bar():
    """The three terms of T1.path add up to the bound in every bar."""
    axes = theorem1.path(ROWS).axes[0]
    ends = {}
    for bar in axes.patches:
        ends[bar.get_y()] = max(ends.get(bar.get_y(), 0.0), bar.get_x() + bar.get_width())
    assert all(abs(end - 1) < 1e-9 for end in ends.values())


def test_a_missing_cell_leaves_no_gap():
    """As in the quick profile, where some instances have one group size: the others move up."""
    bits = (ROWS.claim == "T1.rate") & (ROWS.instance == "bits")
    first, second = sorted(ROWS[bits]["group_size"].unique())[:2]
    figure = theorem1.rate(ROWS[~(bits & (ROWS.group_size == first))])
    assert figure.axes[0].get_title() == f"bits, K = 3, G = {int(second)}"
    assert not figure.axes[4].lines
    assert figure.axes[4].axison is False
