"""How sharply a claim is tested: the least lowering of each of its bounds that its cells refute.

A pure function of stored rows and cases; ``telling`` says what a single one refutes.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from grpo_checks.experiments.audit.telling import GROUPS, POINTS, judged_cells
from grpo_checks.experiments.points.generalization.coverage import ALONE
from grpo_checks.experiments.protocol.claim import overall
from grpo_checks.experiments.runs.margins import rounding_of

SHARP = 0.5
"""A bound whose least lowering is larger is not tested sharply."""
BLUNT, NOTHING = "not tested sharply", "nothing at stake"


def sharpness(table: pd.DataFrame, points: Sequence[Mapping[str, Any]] = ()) -> pd.DataFrame:
    """A line per claim and bound: the least shares, the falsifier's 1 - observed/bound, how many
    cells are in each group, and the power in words.

    ``points`` are what the falsifier stored. Needs the columns claim, instance, observed, lower,
    upper, bound, verdict, evidence, identity.
    """
    cells, tightest = judged_cells(table), _tightest(points)
    lines = []
    for claim, data in cells.groupby("claim", sort=False):
        verdict = "equality" if _equal(data) else overall(list(data["verdict"]))
        parts = data.groupby("part", sort=False) if verdict == "holds" else [("", data)]
        for bound, part in parts:
            line = {"claim": claim, "bound": bound, **_line(part)}
            if verdict == "holds" and not any(line[name] for name in GROUPS):
                continue
            if line["telling"] and verdict == "holds":
                line["falsifier"] = tightest.get((str(claim), str(bound)), np.nan)
            lines.append({**line, "power": _word(part, line) if verdict == "holds" else verdict})
    return pd.DataFrame(lines)


def _line(part: pd.DataFrame) -> dict[str, Any]:
    shares = {name: part[name].min() for name in ("certain", "sampled")}
    counted = {name: int(part["group"].eq(name).sum()) for name in GROUPS}
    return {**shares, "falsifier": np.nan, **counted}


def _equal(cells: pd.DataFrame) -> bool:
    """Whether every cell that holds, 0 = 0 included, has equal sides."""
    holds = cells[cells["verdict"].eq("holds") & cells["bound"].notna()]
    off = (holds["bound"] - holds["observed"]).abs() > rounding_of(holds)
    return overall(list(cells["verdict"])) == "holds" and len(holds) > 0 and not off.any()


def _tightest(points: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str], float]:
    """By claim and bound; bounds for one policy are an easier relative."""
    tightest: dict[tuple[str, str], float] = {}
    for point in points:
        bound = point["document"].get("bound", "")
        decided = point["found"] is not None and point["ratio"] is not None
        if decided and point["found"]["verdict"] == "holds" and bound not in ALONE:
            key = (point["claim"], bound)
            tightest[key] = min(tightest.get(key, np.inf), max(0.0, 1 - point["ratio"]))
    return tightest


def seen(line: Mapping[str, Any]) -> float:
    """The least lowering of a bound that is refuted, for certain or sampled; infinite if none."""
    return float(np.nanmin([line["certain"], line["sampled"], np.inf]))


def _word(part: pd.DataFrame, line: Mapping[str, Any]) -> str:
    if line["telling"] == 0:
        return "equal up to rounding" if _equal(part) else NOTHING
    # Of no one bound: nothing is said of theirs.
    sharp = seen(line) <= SHARP or line["bound"] == POINTS
    return "" if sharp else BLUNT


def per_cent(share: float) -> str:
    """To two digits; what a column of per cents would hide too."""
    return f"{100 * share:.2g}%"


def shown(table: pd.DataFrame) -> pd.DataFrame:
    """The lines of ``sharpness`` as readers see them, shares in per cent."""
    shares = ("certain", "sampled", "falsifier")
    texts = {x: table[x].map(lambda v: "" if pd.isna(v) else per_cent(v)) for x in shares}
    return table.assign(**texts)
