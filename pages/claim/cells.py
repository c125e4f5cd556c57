"""The cells of a claim as a plot to zoom and to hover over."""

import math
from typing import Any

import pandas as pd

from grpo_checks.experiments.protocol.certificates import STORED
from grpo_checks.experiments.runs.margins import rounding_of
from grpo_checks.pages.markup import data_script

HIDDEN = {
    *("claim", "observed", "lower", "upper", "bound", "slack", "ratio", "verdict", "identity"),
    *("observed_exact", "bound_exact", "rounding", "p_holds", "p_refuted", "evidence"),
}
SHOWN = 6
"""Parameters of a cell beside its numbers."""
DIGITS = 5
SILENT = "<noscript>The plot needs JavaScript; its numbers are in results/paper.</noscript>\n"


def plot(cells: pd.DataFrame) -> str:
    """The element, with its data; a sentence where no cell has numbers to draw."""
    numbers = cells[cells["observed"].notna() & cells["bound"].notna()]
    if numbers.empty:
        return "No cell has two numbers to compare: there is nothing to draw.\n"
    above = (numbers[["observed", "bound"]].min(axis=1) > rounding_of(numbers)).astype(bool)
    logarithmic = bool(above.mean() > 0.5)
    drawn = numbers[above] if logarithmic else numbers
    names = _parameters(drawn)
    data = {
        "log": logarithmic,
        "series": [_series(str(v), part, names) for v, part in drawn.groupby("verdict")],
    }
    words = f"Observed against bound, {len(drawn)} cells and stored points"
    return (
        f'<div class="plot" role="img" aria-label="{words}; the same numbers are in rows.csv and '
        f'cases.csv"></div>\n{data_script("cells", data)}'
        f"{_left_out(len(numbers) - len(drawn))}{SILENT}"
    )


def _left_out(count: int) -> str:
    """Of a logarithmic plot."""
    where = "not above 0 by more than a rounding error"
    return f"<p>Left out: {count} cells with a side {where}.</p>\n" if count else ""


def _parameters(cells: pd.DataFrame) -> list[str]:
    """Columns that tell cells from one another, few; a note is shown whole."""
    plain = [str(c) for c in cells if c not in HIDDEN and " at " not in str(c)]
    varied = [c for c in plain if cells[c].nunique() > 1 and c not in ("instance", "case", "note")]
    return varied[:SHOWN]


def _series(verdict: str, cells: pd.DataFrame, names: list[str]) -> dict[str, Any]:
    return {
        "verdict": verdict,
        "x": [_number(value) for value in cells["bound"]],
        "y": [_number(value) for value in cells["observed"]],
        "text": [_label(row, names) for row in cells.to_dict("records")],
    }


def _label(row: dict[Any, Any], names: list[str]) -> str:
    stored = row["instance"] == STORED
    place = f"stored point {row.get('case')}" if stored else str(row["instance"])
    known = [f"{name} = {_short(row[name])}" for name in names if pd.notna(row.get(name))]
    note = row.get("note")
    notes = [note] if isinstance(note, str) and note else []
    return ", ".join([place, *known, *notes])


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _number(value: float) -> float | None:
    """To the digits that a plot can show."""
    return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None
