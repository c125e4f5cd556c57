"""Verdicts, numbers and tables in the words of the ledger."""

from collections.abc import Mapping, Sequence
from decimal import ROUND_FLOOR, Context

import pandas as pd

from grpo_checks.experiments.protocol.claim import overall
from grpo_checks.experiments.storage.text import DIGITS, markdown

Table = pd.DataFrame
"""Rows of claims, or stored tables, as facts take them."""
READABLE = 18
"""Characters of a fraction that a reader takes in."""
COUNTS = ("cells", "components", "distinct_rewards", "group_size", "n_tasks", "seeds")
"""Columns of counts, which are stored as floats where rows of other claims have none."""


def outcome(data: pd.DataFrame) -> str:
    """The verdict of some cells of a claim as the verb of a sentence."""
    verdict = overall(list(data["verdict"]))
    return {"holds": "holds", "assumption unmet": "has its assumption unmet"}.get(
        verdict, f"is {verdict}"
    )


def having(data: pd.DataFrame, verdict: str) -> pd.DataFrame:
    """The cells of one verdict."""
    return data[data["verdict"] == verdict]


def count(data: pd.DataFrame, verdict: str) -> int:
    """The number of cells of one verdict."""
    return len(having(data, verdict))


def without_copies(data: pd.DataFrame) -> pd.DataFrame:
    """Without cells that are another one with all rewards multiplied: they are no evidence."""
    return data[data["copy_of"].isna()] if "copy_of" in data else data


def listed(names: Sequence[str]) -> str:
    """Names as in a sentence: a, b and c."""
    return " and ".join([", ".join(names[:-1])] * bool(names[1:]) + [*names[-1:]])


def at_least(value: float, digits: int = 2) -> str:
    """A lower limit rounded down, so that what is printed is one too."""
    return f"{Context(prec=digits, rounding=ROUND_FLOOR).create_decimal(value):f}"


def exactly(row: pd.Series, side: str) -> str:
    """A number as a fraction where that can be read, else to 6 digits."""
    text = row.get(f"{side}_exact")
    if isinstance(text, str) and len(text) <= READABLE and "[" not in text:
        return text
    return f"{float(row[side]):.{DIGITS}g}"


def table(data: pd.DataFrame, columns: str | Mapping[str, str] = "", digits: int = DIGITS) -> str:
    """Chosen columns under their headings, counts as whole numbers; or all, as they are.

    ``columns`` is "name: heading | name | ...", where a name alone is its own heading.
    """
    if columns:
        headings = headings_of(columns) if isinstance(columns, str) else dict(columns)
        chosen = data[[*headings]].astype({name: int for name in COUNTS if name in headings})
        data = chosen.rename(columns=headings)
    return markdown(data, digits)


def headings_of(columns: str) -> dict[str, str]:
    """The headings of such a text by their columns."""
    pairs = (part.partition(": ") for part in columns.split(" | "))
    return {name: heading or name for name, _, heading in pairs}
