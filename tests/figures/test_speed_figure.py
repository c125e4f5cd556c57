"""The figure of costs: one panel for each size, with the exponents that are stored."""

import pandas as pd
import pytest

from grpo_checks.figures.speed import cost


def _rows(name, expected, sizes, seconds):
    return [
        {
            "claim": "cost",
            "swept": name,
            "size": size,
            "ours_seconds": taken,
            "exponent": 1.25,
            "expected_exponent": expected,
        }
        for size, taken in zip(sizes, seconds, strict=True)
    ]


@pytest.fixture
def rows():
    many = [("T", 1, (50, 100), (0.1, 0.2)), ("S", 2, (24, 48), (0.2, 0.5))]
    table = pd.DataFrame([row for one in many for row in _rows(*one)])
    return pd.concat([table, pd.DataFrame([{"claim": "speed", "ratio": 20.0}])])


def test_panels_show_stored_costs_and_exponents(rows):
    """Measured points as stored; the expected line has its slope and ends at the last point."""
    figure = cost(rows)
    panels = [axes for axes in figure.axes if axes.lines]
    assert [axes.get_title() for axes in panels] == [
        "slope 1.25, at large sizes 1",
        "slope 1.25, at large sizes 2",
    ]
    expected, measured = panels[1].lines
    assert list(measured.get_ydata()) == [0.2, 0.5]
    assert expected.get_ydata() == pytest.approx([0.125, 0.5])


def test_without_costs_there_is_no_figure(rows):
    """Other benchmarks are a table."""
    assert cost(rows[rows["claim"] == "speed"]) is None
