"""How far the rows of a claim are from its bound."""

import pandas as pd

from grpo_checks.experiments.protocol.certificates import STORED
from grpo_checks.experiments.protocol.claim import Claim
from grpo_checks.experiments.storage.text import span


def margin(table: pd.DataFrame) -> str:
    """bound/observed over a claim's cells, or the slack where a ratio has no meaning.

    Cells of an easier relative of the claim do not count.
    """
    if "relative" in table:
        table = table[table["relative"].isna()]
    if table.empty:
        return ""
    ratios = pd.to_numeric(table["ratio"]).dropna()
    if (ratios > 0).any():
        ends, median = span(ratios), f"{ratios.median():.3g}"
        return f"bound/observed {ends}" + (f", median {median}" if median != ends else "")
    slacks = pd.to_numeric(table["slack"]).dropna()
    return "" if slacks.empty else f"slack {span(slacks)}"


def measured(claim: Claim, rows: pd.DataFrame) -> pd.DataFrame:
    """What the margin of a claim is of: its cells, and its cases where they are its own or all
    there is; no identity."""
    cells = rows if claim.cases else rows[rows["instance"] != STORED]
    telling = cells if len(cells) else rows
    return telling[~telling["identity"].eq(True)]
