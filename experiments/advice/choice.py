"""Which row of the table of ``advise`` is named, and how two are compared."""

from collections.abc import Mapping
from types import MappingProxyType

import pandas as pd

from grpo_checks.experiments.advice.recommended import best_row

PLAIN, JOINT, DECOMPOSED = "leave_one_out", "group_normalized", "componentwise_normalized"
FILTERED = f"{JOINT}, filtered"
NAMES: Mapping[str, str] = MappingProxyType(
    {
        PLAIN: "leave_one_out (RLOO; Dr. GRPO's mean_baseline is a multiple of it)",
        JOINT: "group_normalized (GRPO)",
        FILTERED: "group_normalized with silent groups drawn again (DAPO)",
        DECOMPOSED: "componentwise_normalized (GDPO)",
    }
)
NEVER = "no group speaks, however many are drawn: all rewards of a prompt are equal"
"""Of an update of the groups that speak."""
CLOSE = 0.01
"""Of the signal: less is no reason to leave the estimator that is stationary where J is."""
BELOW = f"below the {100 * CLOSE:g} % for which bias is accepted"


def compared(ratio: float, other: str) -> str:
    """How much of the other's signal per episode a ratio to it is."""
    change = 100 * (ratio - 1)
    if abs(change) < 0.05:
        return f"as much signal per episode as {other}"
    return f"{abs(change):.1f} % {'more' if change > 0 else 'less'} signal per episode than {other}"


def chosen_row(table: pd.DataFrame, column: str = "signal_per_episode") -> pd.Series | None:
    """The best row; that of ``leave_one_out`` where it is as good up to ``CLOSE``.

    None where no row has a signal.
    """
    rows = table[table["estimator"].isin(NAMES)].dropna(subset=[column])
    if rows.empty or not rows[column].max() > 0:
        return None
    best = rows.sort_values(column).iloc[-1]
    plain = rows[rows["estimator"] == PLAIN].sort_values(column)
    good = not plain.empty and plain.iloc[-1][column] >= (1 - CLOSE) * best[column]
    return plain.iloc[-1] if good else best


def estimator_rows(table: pd.DataFrame, row: pd.Series) -> pd.DataFrame:
    """The rows of a row's estimator that have a signal, by group size."""
    part = table[table["estimator"] == row["estimator"]].dropna(subset=["signal"])
    return part.sort_values("group_size")


def near_sizes(table: pd.DataFrame, row: pd.Series) -> pd.Series:
    """Group sizes of its estimator that have at least 95 % of its signal per episode."""
    part = estimator_rows(table, row)
    enough = part["signal_per_episode"] >= 0.95 * row["signal_per_episode"]
    return part[enough]["group_size"]


def short_table(table: pd.DataFrame) -> pd.DataFrame:
    """The best row of each estimator, with its share of the best signal."""
    names = list(dict.fromkeys(table["estimator"]))
    rows = [row for row in (best_row(table, name) for name in names) if row is not None]
    if not rows:
        return pd.DataFrame()
    best = pd.DataFrame(rows)
    top = best["signal_per_episode"].max()
    share = best["signal_per_episode"] / top if top > 0 else 0 * best["signal_per_episode"]
    return pd.DataFrame(
        {
            "estimator": best["estimator"],
            "best G": best["group_size"].astype(int),
            "signal, % of best": 100 * share,
            "silent, %": 100 * best["silent"],
            "cosine with grad J": best["cosine"],
            "step": best["step"],
        }
    )


def left_out(table: pd.DataFrame) -> list[str]:
    """Group sizes that have no signal since no exact sum is small enough; a line an estimator."""
    refused = table[table["signal"].isna() & (table["note"] != NEVER)]
    return [
        f"G = {', '.join(map(str, part))} left out for {name}: too large for the exact sum"
        for name, part in refused.groupby("estimator", sort=False)["group_size"]
    ]
