"""What tells decomposed from joint GRPO: e, e with a wrong denominator, and rules without e.

A pure function of the rows of T2.benefit. Each rule says of a start which of the two gains more,
and is asked in every cell of the map where gains and e differ by more than rounding, and in every
race. The rule of two features, the correlation of the components and the ratio of their chances of
success, says "joint" where the first is at most a and the second at least b; a and b are fitted on
every second cell, and only the other cells and the races count for it.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Truths = NDArray[np.bool_]
WRONG = 3
"""What a denominator of e is multiplied by."""
TRUE, DECOMPOSED, JOINT = "e", f"e, {WRONG} times decomposed's", f"e, {WRONG} times joint's"
ALWAYS, FITTED = "always decompose", "two features"


class Threshold(NamedTuple):
    """Joint where correlation <= ``correlation`` and success ratio >= ``ratio``."""

    correlation: float
    ratio: float

    def decomposed(self, cells: pd.DataFrame) -> Truths:
        """Which cells it gives to the decomposed update."""
        anti = cells["correlation"] <= self.correlation
        return ~np.asarray(anti & (cells["success_ratio"] >= self.ratio))


class Judged(NamedTuple):
    """The cells of a map and the races, and what is true of them."""

    cells: pd.DataFrame
    kept: Truths
    """Of the cells: those that the fitted rule has not seen."""
    races: pd.DataFrame
    decisive: Truths
    """Of the races: those whose limits tell who is ahead."""


def judged(rows: pd.DataFrame) -> Judged:
    """From the rows of T2.benefit on `outcomes`."""
    known = rows[rows["instance"] == "outcomes"]
    cells = known[(known["where"] == "one update") & (known["verdict"] != "assumption unmet")]
    races = known[known["where"] == "training"]
    decisive = (races["lower"] > 0) | (races["upper"] < 0)
    return Judged(cells, np.arange(len(cells)) % 2 == 1, races, np.asarray(decisive))


def fitted(cells: pd.DataFrame) -> Threshold:
    """The thresholds, among those of the cells, with fewest cells on the wrong side."""
    correlation, ratio = (np.asarray(cells[name]) for name in ("correlation", "success_ratio"))
    lower, upper = np.unique(correlation), np.unique(ratio)
    joint = (correlation <= lower[:, None])[:, None] & (ratio >= upper[:, None])
    wrong = (joint == _gains_more(cells)).sum(axis=-1)
    i, j = np.unravel_index(np.argmin(wrong), wrong.shape)
    return Threshold(float(lower[i]), float(upper[j]))


def _gains_more(cells: pd.DataFrame) -> Truths:
    return np.asarray(cells["gain_lead"] > 0)


def _answers(data: Judged, rule: Threshold) -> Mapping[str, tuple[Truths, Truths]]:
    """Who is ahead by each rule, decomposed or not: of cells, of races."""
    e, lead = data.cells[["e_decomposed", "e_joint"]], data.races["lead_at_start"]
    yes = np.ones(len(data.cells), bool), np.ones(len(data.races), bool)
    ours, other = (np.asarray(e[name]) for name in ("e_decomposed", "e_joint"))
    # Of a race only the difference is stored.
    unknown = np.zeros(0, bool)
    return {
        TRUE: (ours > other, np.asarray(lead > 0)),
        DECOMPOSED: (ours / WRONG > other, unknown),
        JOINT: (ours > other / WRONG, unknown),
        ALWAYS: yes,
        FITTED: (rule.decomposed(data.cells), rule.decomposed(data.races)),
    }


def rankings(rows: pd.DataFrame) -> tuple[pd.DataFrame, Threshold]:
    """A line for each rule: how often it is wrong in all cells (of rules that saw none), in those
    kept back, in races, and in races that are told apart; and the fitted rule."""
    data = judged(rows)
    rule = fitted(data.cells[~data.kept])
    cells, races = (
        _gains_more(data.cells),
        np.asarray(data.races["J_decomposed"]) > np.asarray(data.races["J_joint"]),
    )
    lines = []
    for name, (of_cells, of_races) in _answers(data, rule).items():
        off = of_cells != cells
        line = {
            "rule": name,
            "all": None if name == FITTED else int(off.sum()),
            "kept": int(off[data.kept].sum()),
        }
        if of_races.size:
            wrong = of_races != races
            line |= {"races": int(wrong.sum()), "decisive": int(wrong[data.decisive].sum())}
        lines.append(line)
    return pd.DataFrame(lines), rule
