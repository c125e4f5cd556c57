"""ledger: write paper_checks.md and its details."""

import argparse
import os
from pathlib import Path

from grpo_checks.experiments.claims.catalogue import chosen
from grpo_checks.experiments.ledger.ledger import PAPER, ledger_pages, page_paths
from grpo_checks.experiments.storage.files import write_atomic
from grpo_checks.experiments.storage.table_file import read_table
from grpo_checks.experiments.storage.terminal import say


def run(arguments: argparse.Namespace) -> int:
    """Write them, each whole, and say which.

    Raises ValueError where the tables are not those of all claims.
    """
    if not PAPER.is_dir():
        raise ValueError(
            f"{PAPER}: no such folder: expected a checkout in which make paper has run"
        )
    _check_claims(PAPER / "verdicts.csv")
    _check_claims(PAPER / "rows.csv", PAPER / "cases.csv")
    paths = page_paths()
    for name, text in ledger_pages(PAPER).items():
        paths[name].parent.mkdir(parents=True, exist_ok=True)
        write_atomic(paths[name], text)
        say(f"{os.path.relpath(paths[name])}: {len(text.split()):,} words")
    return 0


def _check_claims(*paths: Path) -> None:
    """Whether tables together have a line of every claim of the catalogue."""
    tables = [read_table(path) for path in paths]
    claims = {name for table in tables if "claim" in table for name in table["claim"]}
    if missing := [name for name in chosen(None) if name not in claims]:
        raise ValueError(f"{paths[0]}: no line of {', '.join(missing)}: run make paper")
