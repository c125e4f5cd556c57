"""Figures come from rows alone, and every row that is drawn is seen."""

import os
import sys

import numpy as np
import pytest
from helpers.stored.paper import paper_rows
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.image import imread

from grpo_checks.experiments.ledger.ledger import PAPER
from grpo_checks.figures import __main__ as cli
from grpo_checks.figures.captions import captions
from grpo_checks.figures.theorems import bias, theorem1

ROWS = paper_rows()


def _draw(folder, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["figures", str(folder)])
    return cli.main()


def test_figures_are_written(tmp_path, monkeypatch):
    """Those of the rows that a folder holds, with their captions, and no file besides."""
    shown = {"t1_slope": "T1.slope", "l_groups": "L.groups"}
    rows = ROWS[ROWS["claim"].isin(shown.values())].dropna(axis=1, how="all")
    rows.to_csv(tmp_path / "rows.csv", index=False)
    # A process a core: each imports the figures.
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    assert _draw(tmp_path, monkeypatch) == 0
    names = {f"{name}{suffix}" for name in shown for suffix in (".pdf", ".png", ".txt")}
    assert {path.name for path in (tmp_path / "figures").iterdir()} == names
    for name in shown:
        assert (tmp_path / "figures" / f"{name}.pdf").stat().st_size > 1000
        assert (tmp_path / "figures" / f"{name}.txt").read_text() == captions()[name] + "\n"
        assert imread(tmp_path / "figures" / f"{name}.png").std() > 0.01


DRAWN = [name for name, (claim, _) in cli.FIGURES.items() if claim in set(ROWS["claim"])]


@pytest.mark.parametrize("name", DRAWN)
def test_every_figure_is_rendered(name):
    """From the rows of the paper profile: laid out, its texts set, not blank."""
    figure = cli.FIGURES[name][1](ROWS)
    figure.set_dpi(50)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    assert np.asarray(canvas.buffer_rgba())[..., :3].std() > 5


def test_stored_figures_are_those_of_the_rows_at_the_width_of_a_page_or_a_column():
    """At 200 dots an inch; each as PDF, PNG and its caption."""
    folder = PAPER / "figures"
    names = {f"{name}{suffix}" for name in DRAWN for suffix in (".pdf", ".png", ".txt")}
    assert {path.name for path in folder.iterdir()} == names
    for name in DRAWN:
        # The first part of a PNG, behind 16 bytes: its width.
        width = int.from_bytes((folder / f"{name}.png").read_bytes()[16:20], "big")
        assert 1200 < width < 1500 or 600 < width < 750, name
        assert (folder / f"{name}.txt").read_text() == captions()[name] + "\n"


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
    """Each panel's lines are the rows' observed values and bounds, at the smallest group."""
    for axes, name in zip(theorem1.rate(ROWS).axes, theorem1.EXAMPLES, strict=False):
        lines = {line.get_label(): line.get_ydata() for line in axes.get_lines()}
        panel = ROWS[(ROWS.claim == "T1.rate") & (ROWS.instance == name) & (ROWS.components == 3)]
        panel = panel[panel.group_size == panel.group_size.min()].sort_values("n_steps")
        assert axes.get_title().startswith(name)
        assert lines["observed, with its limits"].tolist() == panel["observed"].tolist()
        assert lines["bound"].tolist() == panel["bound"].tolist()


def test_all_cells_of_the_rate_are_within_the_ranges():
    """By lists of ratios: the least and the largest of each model and length, and of the limits."""
    cells = ROWS[(ROWS.claim == "T1.rate") & ROWS.observed.notna()]
    axes = theorem1.rate(ROWS).axes[-1]
    ends, dashes = {}, {}
    for bars in axes.containers:
        (segments,) = bars.lines[2]
        ends[bars.get_label()] = [path[:, 1].tolist() for path in segments.get_segments()]
    shown = [line for line in axes.get_lines() if line.get_marker() == "_"]
    dashes = dict(zip(ends, shown, strict=True))
    for name in cells.instance.unique():
        for i, steps in enumerate(sorted(cells.n_steps.unique())):
            some = cells[(cells.instance == name) & (cells.n_steps == steps)]
            ratios = [b / o for b, o in zip(some.bound, some.observed, strict=True)]
            assert ends[name][i] == pytest.approx([min(ratios), max(ratios)])
            limits = [b / u for b, u in zip(some.bound, some.upper, strict=True)]
            assert dashes[name].get_ydata()[i] == pytest.approx(min(limits))
    assert axes.get_xlabel().endswith(f"all {len(cells)} cells")


def test_observation_and_bound_differ_without_colour():
    """By marker and line style."""
    looks = {(x.get_marker(), x.get_linestyle()) for x in theorem1.rate(ROWS).axes[0].get_lines()}
    assert len(looks) == 3


def test_shares_fill_the_bar():
    """The terms of T1.path add up to the bound in every bar; lines span what was observed."""
    axes = theorem1.path(ROWS).axes[0]
    ends = {}
    for bar in axes.patches:
        ends[bar.get_y()] = max(ends.get(bar.get_y(), 0.0), bar.get_x() + bar.get_width())
    assert all(abs(end - 1) < 1e-9 for end in ends.values())
    cells = ROWS[(ROWS.claim == "T1.path") & ROWS.observed.notna() & ROWS.prompts.isna()]
    assert len(ends) == len(cells[["instance", "estimator"]].drop_duplicates())
    used = cells.observed / cells.bound
    (_, *spans) = [line.get_xdata() for line in axes.get_lines()]
    assert min(span[0] for span in spans) == used.min()
    assert max(span[1] for span in spans) == used.max()


def test_a_missing_model_is_replaced():
    """As where one model of a user's was checked: the panels show what is there."""
    bits = (ROWS.claim == "T1.rate") & (ROWS.instance == "bits")
    figure = theorem1.rate(ROWS[bits].assign(instance="mine"))
    assert [axes.get_title() for axes in figure.axes] == ["mine, K = 3, G = 2", ""]


def test_the_floor_is_drawn_where_it_is_certified():
    """With every average of the rows, and both references named."""
    axes = bias.floor(ROWS).axes[0]
    row = ROWS[(ROWS.claim == "T1.floor") & (ROWS.group_size == 8)].iloc[0]
    (line,) = (
        x for x in axes.get_lines() if x.get_linestyle() == "-." and len({*x.get_ydata()}) == 1
    )
    assert set(line.get_ydata()) == {row["floor"]}
    names = axes.get_legend_handles_labels()[1]
    assert {"GRPO, G = 2", "GRPO, G = 3", "GRPO, G = 8", "RLOO, G = 8"} < {*names}
    assert names.count("slope $-1/2$") == 1
    averages = {float(row[c]) for c in row.index if c.startswith("average at T=")}
    assert any({*map(float, x.get_ydata())} == averages for x in axes.get_lines())


def test_zeros_of_bias_and_curl_are_drawn_as_zeros():
    """On linear axes: G = 2 and 3, and the model of two rewards."""
    above, below = bias.bias(ROWS).axes
    (line,) = above.get_lines()
    assert dict(zip(line.get_xdata(), line.get_ydata(), strict=True)).keys() >= {2, 3, 4, 64}
    assert line.get_ydata()[:2].tolist() == [0, 0]
    lines = {x.get_label(): x.get_ydata() for x in below.get_lines()}
    assert max(lines.pop("bandit, 2 rewards")) < 1e-12
    assert min(min(y) for y in lines.values()) > 0.1
    assert {above.get_yscale(), below.get_yscale()} == {"linear"}
