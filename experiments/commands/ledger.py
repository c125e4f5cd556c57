"""ledger: write paper_checks.md."""

import argparse

import pandas as pd

from experiments.catalogue import chosen
from experiments.files import write_atomic
from experiments.ledger import LEDGER, PAPER, ledger_text


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The command's arguments."""
    about = "write paper_checks.md from the rows of the paper profile"
    commands.add_parser("ledger", help=about).set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Write it whole. Raises ValueError where the rows are not those of all claims."""
    found = pd.read_csv(PAPER / "verdicts.csv")["claim"]
    if missing := [name for name in chosen(None) if name not in set(found)]:
        raise ValueError(f"{PAPER / 'verdicts.csv'}: no claim {missing}: run make paper")
    write_atomic(LEDGER, ledger_text(PAPER))
    return 0
