"""What each cell of a claim tells of a bound: the least lowering that it refutes.

A pure function of stored rows and cases, in shares of the bound. Every cell is in one group:

- *telling*: it holds and is none of the others. An exact or certified one refutes a bound lowered
  below the lower limit of what was observed by more than the rounding error; a sampled one, rerun
  with its seeds, refutes with probability 0.95 a bound that lies ``reach`` half-widths below its
  mean (a planning figure, see ``power``);
- *reached*: both sides are equal up to rounding. Rows cannot tell an equation from a bound that is
  attained, so these are counted, and give no number; a claim with no others is an *equality*;
- *identity*: both sides are equal whatever the policy;
- *idle*: nothing is at stake, it is vacuous, or a side is 0 up to rounding.

A lowering goes in the claim's own direction. A window has two bounds: its upper edge is lowered,
its lower edge raised. A failure probability f <= delta is no bound in the unit of the theorem: a
PAC-Bayes bound depends on delta through its price KL + ln(c/delta), c >= 1, alone. The bound at
delta is that at f, with ln(delta/f) nats taken off, and it fails with probability f. So any level
below f is refuted with so many nats less, at most ln(delta/f)/ln(1/f) of the logarithm. KL(Q‖P) is
lowered by itself where a cell compares the price with the nats that are needed.
Cells of an easier relative are left out, and copies of another cell.
"""

import numpy as np
import pandas as pd

from grpo_checks.experiments.audit.power import reach
from grpo_checks.experiments.audit.sensitivity import lowerings
from grpo_checks.experiments.points.generalization.coverage import ALONE
from grpo_checks.experiments.protocol.certificates import STORED
from grpo_checks.experiments.protocol.error_shares import claim_error
from grpo_checks.experiments.runs.margins import rounding_of

FOUND = 0.95
MODELS = ("final", "repaired", "mixed")
"""Values of the column "kind" that tell models apart, and not bounds."""
GROUPS = ("telling", "reached", "identity", "idle")


COLUMNS = (
    "claim", "instance", "observed", "lower", "upper", "bound", "verdict", "evidence", "rounding",
    "identity", "relative", "bound_name", "looser_bound", "norm", "kind", "where", "window_low",
    "delta", "price_divergence", "copy_of",
)  # fmt: skip
NUMBERS = ("observed", "lower", "upper", "bound", "window_low", "delta", "price_divergence")
POINTS = "stored points"
"""In place of a bound, where the cells of a claim name theirs and stored points do not."""


def _bounds(table: pd.DataFrame) -> pd.Series:
    """Which bound each row speaks of."""
    texts = table[["bound_name", "norm", "kind", "where", "looser_bound"]].astype("string")
    kind = texts["kind"].mask(texts["kind"].isin(MODELS))
    where = texts["where"].str.replace(r"(,| from ).*", "", regex=True)
    named = texts["bound_name"].fillna(texts["norm"]).fillna(kind).fillna(where).fillna("")
    looser = texts["looser_bound"]
    named = (named + " <= " + looser).fillna(named).astype(str)
    stored = table["instance"].eq(STORED)
    plain = ~stored & named.eq("") & table["window_low"].isna()
    cells = ~stored & table["verdict"].ne("assumption unmet")
    divided = (cells & ~plain).groupby(table["claim"]).transform("any")
    alone = divided & ~(cells & plain).groupby(table["claim"]).transform("any")
    return named.mask(stored & named.eq("") & alone, POINTS)


def _edges(table: pd.DataFrame) -> pd.DataFrame:
    """Windows as two rows: an upper edge, and the lower one with all signs turned."""
    low, inside = table["window_low"], table["window_low"].notna()
    upper = table.assign(part=table["part"].mask(inside, "upper edge"))
    turned = {"observed": -table["observed"], "lower": -table["upper"], "upper": -table["lower"]}
    lower = table.assign(**turned, bound=-low, part="lower edge")[inside]
    return pd.concat([upper, lower], ignore_index=True)


def _group(cells: pd.DataFrame) -> pd.Series:
    """One of GROUPS for each cell; "" for those that are refuted or open, or have no bound."""
    error, holds = rounding_of(cells), cells["verdict"].eq("holds")
    known = holds & cells[["lower", "bound"]].notna().all(axis=1)
    nothing = (cells["bound"].abs() <= error) | (cells["observed"].abs() <= error)
    reached = (cells["lower"] + error >= cells["bound"]) & cells["evidence"].ne("statistical")
    identity = cells["identity"].eq(True)
    choices = [identity, cells["verdict"].eq("vacuous") | (known & nothing), known & reached, known]
    return pd.Series(
        np.select(choices, ["identity", "idle", "reached", "telling"], ""), index=cells.index
    )


def _priced(cells: pd.DataFrame, share: pd.Series) -> pd.Series:
    """The shares, of a failure probability in nats of the logarithm."""
    level = cells["bound"].eq(cells["delta"])
    keys = [cells["claim"], cells["part"]]
    # Stored points of the same bound have no column of levels.
    level = level.groupby(keys).transform("any")
    failure = (cells["lower"] - rounding_of(cells)).where(level & cells["lower"].gt(0))
    nats = np.log(cells["bound"] / failure) / -np.log(failure)
    return share.where(failure.isna(), nats.clip(lower=0.0))


def judged_cells(table: pd.DataFrame) -> pd.DataFrame:
    """Rows and cases with ``part`` (which bound), ``group``, and the share that each refutes:
    ``certain`` where it is exact or certified, ``sampled`` with probability 0.95."""
    table = table.reindex(columns=[*COLUMNS])
    table = table.assign(**{name: pd.to_numeric(table[name]) for name in NUMBERS})
    easier = table["relative"].notna() | table["bound_name"].isin(ALONE)
    table = table[~easier & table["copy_of"].isna()].reset_index(drop=True)
    cells = _edges(table.assign(part=_bounds(table)))
    cells["group"] = _group(cells)
    telling, statistical = cells["group"].eq("telling"), cells["evidence"].eq("statistical")
    absolute, share = (x.reindex(cells.index) for x in lowerings(cells))
    divergence = cells["price_divergence"]
    share = _priced(cells, (absolute / divergence).fillna(share))
    many = table["evidence"].eq("statistical").groupby(table["claim"]).sum()
    reaches = {claim: reach(claim_error() / n, FOUND) for claim, n in many.items() if n}
    far = cells["claim"].map(reaches).astype(float)
    lowered = cells["observed"] - (cells["observed"] - cells["lower"]) * far
    sampled = (cells["bound"] - lowered) / cells["bound"].abs()
    return cells.assign(
        certain=share.where(telling & ~statistical), sampled=sampled.where(telling & statistical)
    )
