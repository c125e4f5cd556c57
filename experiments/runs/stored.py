"""The rows that are kept with the project, and those of a quick run where there are none."""

from functools import lru_cache
from pathlib import Path

import pandas as pd

from grpo_checks.experiments.protocol.claim import Claim, Scope
from grpo_checks.experiments.runs.judging import rows_of, runs_of
from grpo_checks.experiments.runs.verify import run_all
from grpo_checks.experiments.storage.store import Store
from grpo_checks.experiments.storage.table_file import read_table

ROOT = Path(__file__).resolve().parents[2]
PAPER = ROOT / "results" / "paper"
NUMBERS = ("observed", "lower", "upper", "bound", "slack", "ratio", "note")
"""Columns that every claim has, also where all of its cells leave them empty."""


@lru_cache(maxsize=4)
def _table(path: Path) -> pd.DataFrame | None:
    return read_table(path) if path.is_file() else None


def _of(claim: str, folder: Path) -> pd.DataFrame:
    """Cells and stored cases of a claim; empty where the folder has none."""
    tables = [_table(folder / name) for name in ("rows.csv", "cases.csv")]
    mine = [t[t["claim"] == claim] for t in tables if t is not None]
    kept = [t.loc[:, t.notna().any() | t.columns.isin(NUMBERS)] for t in mine if len(t)]
    return pd.concat(kept, ignore_index=True) if kept else pd.DataFrame()


def rows_of_claim(claim: Claim, store: Store, folder: Path = PAPER) -> tuple[pd.DataFrame, str]:
    """Its rows and where they are from: the paper profile's, else a quick run made now."""
    table = _of(claim.name, folder)
    if len(table):
        return table, "paper profile"
    scope = Scope("quick")
    rows = rows_of(claim, scope, run_all(runs_of(claim, scope), store))
    return pd.DataFrame([row.flat() for row in rows]), "quick profile, run now"
