"""power: what the sampled checks could see, from stored rows."""

import argparse
from pathlib import Path

import pandas as pd

from experiments.files import write_atomic
from experiments.power import power
from experiments.stored import PAPER


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
    table = power(pd.read_csv(arguments.folder / "rows.csv", low_memory=False))
    if arguments.out is not None:
        write_atomic(arguments.out, table.to_csv(index=False))
    with pd.option_context("display.width", 200):
        print(table.to_string(index=False))
    return 0
