"""power: what the sampled checks could see, from stored rows."""

import argparse
from pathlib import Path

import pandas as pd
from pandas.api.types import is_numeric_dtype

from grpo_checks.experiments.audit.power import power
from grpo_checks.experiments.runs.stored import PAPER
from grpo_checks.experiments.storage.files import write_atomic
from grpo_checks.experiments.storage.table_file import read_table
from grpo_checks.experiments.storage.terminal import say, table_lines

NUMBERS = ("seeds", "observed", "lower", "upper", "bound")


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The command's arguments."""
    about = "the smallest excess that sampled cells find, and seeds for smaller ones"
    parser = commands.add_parser("power", help=about)
    parser.add_argument(
        "folder", type=Path, nargs="?", default=PAPER, help="of rows.csv [results/paper]"
    )
    parser.add_argument("--out", type=Path, help="store the table too, in this file")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the table; store it only where that is asked for, since others are committed."""
    table = power(_rows(arguments.folder / "rows.csv"))
    if table.empty:
        raise ValueError(f"{arguments.folder}: no sampled cells: expected some in rows.csv")
    if arguments.out is not None:
        write_atomic(arguments.out, table.to_csv(index=False))
    with pd.option_context("display.width", 200):
        say(*table_lines(table))
    return 0


def _rows(path: Path) -> pd.DataFrame:
    """Raises ValueError, naming the column, for rows that are not those of sampled cells."""
    rows = read_table(path)
    for column in ("claim", *NUMBERS):
        if column not in rows:
            raise ValueError(f"{path}: {column}: missing, expected rows of sampled cells")
        if column in NUMBERS and not is_numeric_dtype(rows[column]):
            raise ValueError(f"{path}: {column}: a text, expected numbers")
    return rows
