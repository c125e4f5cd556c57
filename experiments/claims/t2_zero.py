"""T2.zero: when climbing Jtilde loses nothing."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from experiments.assumptions import BINARY, in_cells
from experiments.claim import Claim, Row, Scope, Verdict
from experiments.claims.t2_gap import TOLERANCE
from experiments.points.first_order_search import ZERO
from experiments.runs import RunResult
from experiments.settings import RunSettings
from experiments.theorem2_cases import static_cells
from theory.theorem2 import FIRST_ORDER

MUTANTS = {"G = 4 too": "the gap is 0 for G in {2, 3, 4}"}


def _conditions(frame: pd.DataFrame, mutant: str | None) -> dict[str, pd.Series]:
    """Which cells meet each condition; computed, never declared."""
    groups = [2, 3, 4] if mutant == "G = 4 too" else [2, 3]
    return {
        "K = 1 (one component that a policy can move)": frame["moving"] == 1,
        f"G in {{{', '.join(map(str, groups))}}}": frame["group_size"].isin(groups),
        "equal c_k": (frame["kappa"] <= 1 + 1e-12) & (frame["moving"] > 1),
        "aligned components": (np.abs(frame["misaligned"]) <= 1e-12) & (frame["moving"] > 1),
    }


def _row(condition: str, part: pd.DataFrame) -> Row:
    worst = float(part["gap"].abs().max())
    verdict: Verdict = "holds" if worst <= TOLERANCE else "refuted"
    name = part["instance"].unique()
    where = {"where": condition}
    extra = {"cells": len(part), "largest_gap": worst, "instances": "; ".join(sorted(name))}
    head = ("T2.zero", "first-order points", where, worst, worst, worst, 0.0)
    return Row(*head, verdict, f"exact, to {TOLERANCE:.0e}", extra)


def rows(scope: Scope, results: Mapping[RunSettings, RunResult]) -> list[Row]:
    """One row for each condition, and one for first-order points that meet none."""
    stacks = static_cells(scope.profile, scope.instance)
    frame = pd.concat([cells.frame for cells in stacks], ignore_index=True)
    frame = frame[frame["first_order"] <= FIRST_ORDER]
    conditions = _conditions(frame, scope.mutant)
    found = [_row(name, frame[mask]) for name, mask in conditions.items() if mask.any()]
    rest = frame[~np.logical_or.reduce(list(conditions.values()))]
    if len(rest):
        where = {"where": "none of these conditions"}
        extra = {"cells": len(rest), "largest_gap": float(rest["gap"].max())}
        head = ("T2.zero", "first-order points", where, None, None, None, None)
        found.append(Row(*head, "assumption unmet", "the gap may be positive", extra))
    return found


CLAIM = Claim(
    name="T2.zero",
    statement="at first-order points the gap is 0 if K = 1, G in {2, 3}, all c_k equal or aligned",
    provenance="derived",
    expected="holds",
    proof=("theory.theorem2",),
    assumptions=(BINARY, in_cells("phi_q = 0"), in_cells("one of the four conditions")),
    mutants=MUTANTS,
    runs=lambda scope: [],
    rows=rows,
    exact=ZERO,
)
