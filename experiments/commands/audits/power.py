"""power: how small a change of each bound the checks could see, from stored rows."""

import argparse
from pathlib import Path

import pandas as pd
from pandas.api.types import is_numeric_dtype

from grpo_checks.experiments.audit.falsify_report import stored_points
from grpo_checks.experiments.audit.power import power
from grpo_checks.experiments.audit.sharpness import sharpness, shown
from grpo_checks.experiments.runs.stored import PAPER
from grpo_checks.experiments.storage.table_file import read_table, write_table
from grpo_checks.experiments.storage.terminal import say, table_lines

NUMBERS = ("seeds", "observed", "lower", "upper", "bound")


def run(arguments: argparse.Namespace) -> int:
    """Print both tables; store the second where that is asked for, since others are committed."""
    folder = arguments.folder or PAPER
    rows = _rows(folder / "rows.csv")
    table = power(rows)
    if table.empty:
        raise ValueError(f"{folder}: no sampled cells: expected some in rows.csv")
    if arguments.out is not None:
        write_table(arguments.out, table)
    if {"instance", "verdict", "evidence", "identity"} <= {*rows}:
        say(*table_lines(shown(_bounds(folder, rows))))
    say(*table_lines(table))
    return 0


def _bounds(folder: Path, rows: pd.DataFrame) -> pd.DataFrame:
    """Of rows, and of the stored cases and the falsifier's points beside them, if any."""
    cases = [read_table(path) for path in folder.glob("cases.csv")]
    every = pd.concat([rows, *cases], ignore_index=True)
    return sharpness(every, stored_points(folder / "falsify"))


def _rows(path: Path) -> pd.DataFrame:
    """Raises ValueError, naming the column, for rows that are not those of sampled cells."""
    rows = read_table(path)
    for column in ("claim", *NUMBERS):
        if column not in rows:
            raise ValueError(f"{path}: {column}: missing, expected rows of sampled cells")
        if column in NUMBERS and not is_numeric_dtype(rows[column]):
            raise ValueError(f"{path}: {column}: a text, expected numbers")
    return rows
