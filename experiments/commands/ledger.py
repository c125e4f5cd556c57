"""ledger: write paper_checks.md."""

import argparse

from experiments.files import write_atomic
from experiments.ledger import LEDGER, PAPER, ledger_text


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The command's arguments."""
    about = "write paper_checks.md from the rows of the paper profile"
    commands.add_parser("ledger", help=about).set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Write it whole."""
    write_atomic(LEDGER, ledger_text(PAPER))
    return 0
