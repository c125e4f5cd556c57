"""How small a change of a claim its own checks can see: the least lowering of the bound.

A row notices a bound that is lowered below the lower limit of what was observed, by more than its
rounding error. In closed form: bound - lower plus that, as a share of |bound|; the smallest over
the rows of a claim is what its checks see.
"""

from typing import Any, NamedTuple

import pandas as pd

from grpo_checks.experiments.protocol.claim import Claim
from grpo_checks.experiments.runs.margins import rounding_of


class Lowering(NamedTuple):
    """The least lowering of a bound that some row of a claim would notice."""

    absolute: float
    share: float | None
    """Of the bound; None where the bound is 0, or no more than a rounding error."""
    row: dict[str, Any]
    """Where."""

    def __str__(self) -> str:
        if self.absolute == 0:
            return "any"
        if self.absolute <= 2 * float(self.row.get("rounding", 0.0)):
            return f"an equality, to {self.absolute:.0e}"
        if self.share is None:
            return f"{self.absolute:.2g} (bound 0)"
        # Two decimals of a per cent would hide what is smaller.
        return f"{self.share:.2%}" if self.share >= 1e-4 else f"{100 * self.share:.1e}%"


def lowerings(table: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """Of each row that holds: the least lowering that it notices, and its share of |bound|.

    Without rows that lack a bound or a lower limit; no share where the bound is a rounding error.
    """
    numbers = table[["lower", "bound"]].apply(pd.to_numeric)
    known = numbers.notna().all(axis=1) & (table["verdict"] == "holds")
    rounding = rounding_of(table)[known]
    absolute = (numbers["bound"] - numbers["lower"])[known].clip(lower=0) + rounding
    size = numbers["bound"].abs()[known]
    return absolute, absolute / size.where(size > rounding)


def least_lowering(table: pd.DataFrame) -> Lowering | None:
    """Over the rows that hold; None where none has a bound and a lower limit."""
    absolute, share = lowerings(table)
    if absolute.empty:
        return None
    at: Any = share.idxmin() if share.notna().any() else absolute.idxmin()
    row = {str(k): v for k, v in table.loc[at].items() if pd.notna(v) and v != ""}
    return Lowering(float(absolute[at]), float(share[at]) if pd.notna(share[at]) else None, row)


def by_bound(rows: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """The rows of each bound by themselves: a test set's must not speak for a PAC-Bayes one."""
    if "bound_name" not in rows:
        return [("", rows)]
    parts = rows.groupby(rows["bound_name"].fillna(""), sort=False)
    return [(str(name), part) for name, part in parts]


def smallest_changes(claim: Claim, rows: pd.DataFrame) -> list[tuple[str, Lowering | None]]:
    """By bound, over cells and cases alike; none for a claim that does not hold as it is."""
    if claim.expected != "holds":
        return []
    return [(bound, least_lowering(part)) for bound, part in by_bound(rows)]


def place(row: dict[str, Any]) -> str:
    """Which row, in a few words."""
    if "case" in row:
        return f"case {row['case']}"
    names = (
        "instance",
        "where",
        "kind",
        "group_size",
        "n_steps",
        "n_tasks",
        "bound_name",
        "prompt",
    )
    short = {"group_size": "G", "n_steps": "T", "n_tasks": "n", "prompt": "prompt"}
    parts = [(short.get(k, ""), row[k]) for k in names if k in row]
    return ", ".join(f"{k} = {v:g}" if k else str(v) for k, v in parts)
