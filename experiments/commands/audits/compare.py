"""compare: what differs between a run's results and those that are kept."""

import argparse
from pathlib import Path

from grpo_checks.experiments.ledger.comparison import TABLES, compare
from grpo_checks.experiments.storage.terminal import say


def run(arguments: argparse.Namespace) -> int:
    """Print every difference. Exit status 1: of a verdict, or of the rows that have them."""
    for folder in (arguments.folder, arguments.kept):
        _check(folder)
    lines, alike = compare(arguments.folder, arguments.kept)
    say(*lines)
    if not lines:
        say(f"{arguments.folder}: as in {arguments.kept}")
    elif alike:
        say("all verdicts are as in what is kept")
    return 0 if alike else 1


def _check(folder: Path) -> None:
    if missing := [name for name in TABLES if not (folder / name).is_file()]:
        raise ValueError(f"{folder}: no {', '.join(missing)}: expected a folder that verify wrote")
