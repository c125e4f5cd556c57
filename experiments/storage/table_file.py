"""Tables as CSV, read as they were written: an instance named NA is none that is missing."""

from pathlib import Path

import pandas as pd

from grpo_checks.experiments.storage.files import write_atomic

TEXTS = ("claim", "instance", "verdict", "evidence", "note")
"""Columns of texts, of which every line has one, if an empty one."""
NAMES = ("expected", "case", "estimator", "statement", "observed_exact", "bound_exact")
"""Columns of texts that some lines lack."""


def write_table(path: Path, table: pd.DataFrame) -> None:
    """The table as CSV, whole or not at all. Raises OSError where it cannot be written."""
    write_atomic(path, table.to_csv(index=False))


def read_table(path: Path) -> pd.DataFrame:
    """The table, with numbers where all of a column are, and texts in those named above.

    Raises ValueError, naming the file, where there is none or it is no table.
    """
    # Neither a pipe nor a device.
    if not path.is_file():
        raise ValueError(f"{path}: no such table: expected one that verify has written")
    try:
        table = pd.read_csv(
            path, low_memory=False, keep_default_na=False, na_values=[""],
            dtype=dict.fromkeys((*TEXTS, *NAMES), str),
        )  # fmt: skip
    except (ValueError, OSError) as error:
        why = str(error).partition("\n")[0]
        raise ValueError(f"{path}: {why}: expected a table that verify has written") from None
    # Copied, the numbers are one block: as columns, hundreds of them, each choice of lines takes
    # ten times as long.
    return table.fillna({name: "" for name in TEXTS if name in table}).copy()
