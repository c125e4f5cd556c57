"""The rows to draw, as they were written: an instance named NA is none that is missing."""

from pathlib import Path

import pandas as pd
from pandas.api.types import is_numeric_dtype

# As experiments.storage.table_file has them, which figures do not know.
TEXTS = ("claim", "instance", "verdict", "evidence", "note")
NAMES = ("expected", "case", "estimator", "statement", "observed_exact", "bound_exact")

NUMBERS = ("observed", "lower", "upper", "bound", "slack", "ratio")


def read_rows(path: Path) -> pd.DataFrame:
    """Raises ValueError where it is no table, one without claims, or one without numbers."""
    texts = dict.fromkeys((*TEXTS, *NAMES), str)
    rows = pd.read_csv(path, low_memory=False, keep_default_na=False, na_values=[""], dtype=texts)
    if "claim" not in rows:
        raise ValueError("claim: missing, expected the rows of verify")
    for name in NUMBERS:
        if name in rows and not is_numeric_dtype(rows[name]):
            raise ValueError(f"{name}: a text, expected numbers")
    return rows.fillna({name: "" for name in TEXTS if name in rows})
