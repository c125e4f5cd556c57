"""How far the rows of a claim are from its bound."""

import pandas as pd

from grpo_checks.experiments.protocol.certificates import STORED
from grpo_checks.experiments.storage.text import span

COMPARED = ("holds", "refuted", "inconclusive")
"""Verdicts of cells that both sides of a claim were compared in."""


def rounding_of(table: pd.DataFrame) -> pd.Series:
    """The rounding error of each row, 0 where it states none."""
    given = table["rounding"] if "rounding" in table else pd.Series(0.0, index=table.index)
    return pd.to_numeric(given).fillna(0.0)


def compared(table: pd.DataFrame) -> pd.DataFrame:
    """The cells of a claim that say how far it is from its bound: stored points only where there is
    nothing else, since those are chosen to be near it; no identity, no copy of another cell, no
    easier relative of the claim, none that is vacuous or has its assumption unmet."""
    given = {name: table[name].notna() for name in ("relative", "copy_of") if name in table}
    left_out = pd.DataFrame(given, index=table.index).any(axis=1) | table["identity"].eq(True)
    kept = table[~left_out & table["verdict"].isin(COMPARED)]
    cells = kept[kept["instance"] != STORED]
    return cells if len(cells) else kept


def ratios(table: pd.DataFrame) -> pd.Series:
    """bound/observed of the same cells, where both sides are positive beyond their rounding."""
    cells = compared(table)
    smaller = cells[["observed", "bound"]].apply(pd.to_numeric).min(axis=1)
    return pd.to_numeric(cells["ratio"])[smaller > rounding_of(cells)].dropna()


def margin(table: pd.DataFrame) -> str:
    """Their range and median, or the range of the slack where a ratio has no meaning."""
    cells = compared(table)
    if cells.empty:
        return ""
    known = ratios(table)
    if len(known):
        ends, median = span(known), f"{known.median():.3g}"
        return f"bound/observed {ends}" + (f", median {median}" if median != ends else "")
    slacks = pd.to_numeric(cells["slack"]).dropna()
    return "" if slacks.empty else f"slack {span(slacks)}"
