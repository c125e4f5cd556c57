"""Rewards of a log that are no finite number: how many, and where the first one is."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from grpo_checks.experiments.advice.logs.columns import Columns
from grpo_checks.experiments.storage.text import counted

SHOWN = 40
"""Characters of a prompt."""
OUT = "left out of its sum of rewards, as TRL does"
ALL_OUT = "left out, no reward of it is a number"


class Gap(NamedTuple):
    """Rows of one piece of a file where one reward is missing."""

    rows: int
    column: str
    first: str
    """File, step, prompt and what is written there."""
    alone: bool
    """Whether these rows have no other reward either."""


def gaps(
    file: Path, piece: pd.DataFrame, columns: Columns, rewards: NDArray[np.floating[Any]]
) -> Iterator[Gap]:
    """Of each column of rewards (n, K), rows without any reward apart from the others."""
    missing = ~np.isfinite(rewards)
    every = missing.all(1)
    for alone in (True, False):
        for k, column in enumerate(columns.rewards):
            rows = np.flatnonzero(missing[:, k] & (every == alone))
            if rows.size and (k == 0 or not alone):
                first = _first(file, piece.iloc[rows[0]], columns, column)
                yield Gap(int(rows.size), column, first, alone)


def _first(file: Path, row: pd.Series, columns: Columns, column: str) -> str:
    where = [str(file)]
    places = [
        f"{role} {_text(row[columns.roles[role]])}"
        for role in ("step", "prompt", "group")
        if columns.roles.get(role) in row
    ]
    where.append(", ".join(places) or "a row")
    value = row[column]
    shown = "missing" if value is None or pd.isna(value) else f"{str(value)[:SHOWN]!r}"
    return ": ".join(where) + f": {column} is {shown}"


def _text(value: Any) -> str:
    """A step is a whole number even in a column that has gaps."""
    return (f"{value:g}" if isinstance(value, float) else str(value))[:SHOWN]


def gap_lines(known: Iterable[Gap]) -> list[str]:
    """A line for each column, with the first such row and how many there are."""
    total: dict[tuple[bool, str], Gap] = {}
    for gap in known:
        before = total.get((gap.alone, gap.column), gap._replace(rows=0))
        total[gap.alone, gap.column] = before._replace(rows=before.rows + gap.rows)
    return [
        f"{gap.first} ({counted(gap.rows, 'row')}): {ALL_OUT if gap.alone else OUT}"
        for gap in total.values()
    ]
