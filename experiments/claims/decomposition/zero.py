"""T2.zero: when climbing Jtilde loses nothing."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from grpo_checks.experiments.claims.decomposition.cases import static_cells
from grpo_checks.experiments.claims.decomposition.facts import factors
from grpo_checks.experiments.claims.decomposition.kappa import RESPONSE_STEPS
from grpo_checks.experiments.models.settings import RunResult, RunSettings
from grpo_checks.experiments.points.decomposition.first_order_search import ZERO
from grpo_checks.experiments.protocol.assumptions import BINARY, in_cells
from grpo_checks.experiments.protocol.cell_rows import equality, nearest
from grpo_checks.experiments.protocol.claim import Claim, Facts, Part, Row, Scope
from grpo_checks.experiments.runs.words import table
from grpo_checks.theory.convergence.decomposition_gap import FIRST_ORDER
from grpo_checks.theory.updates.rounding import accumulated


def _conditions(frame: pd.DataFrame, mutant: str | None) -> dict[str, pd.Series]:
    """Which cells meet each condition, up to rounding; computed, never declared."""
    groups = [2, 3, 4] if mutant == "G = 4 too" else [2, 3]
    several = frame["moving"] > 1
    aligned = np.abs(frame["misaligned"]) <= frame["rounding"]
    return {
        "K = 1 (one component that a policy can move)": frame["moving"] == 1,
        f"G in {{{', '.join(map(str, groups))}}}": frame["group_size"].isin(groups),
        "equal c_k": (frame["kappa"] - 1 <= accumulated(RESPONSE_STEPS)) & several,
        "aligned components": aligned & several,
    }


def _allowed(frame: pd.DataFrame) -> pd.Series:
    """Rounding, what is left of phi, and what conditions leave that are met up to rounding."""
    unequal = frame["kappa"] - 1
    near = np.where(unequal <= accumulated(RESPONSE_STEPS), unequal * frame["reach"], 0.0)
    m = np.abs(frame["misaligned"])
    askew = np.where(m <= frame["rounding"], unequal * m, 0.0)
    return frame["rounding"] + frame["left"] + near + askew


def _row(condition: str, name: str, part: pd.DataFrame) -> Row:
    live = part[part["stake"] > 0]
    shown = live if len(live) else part
    at = shown.iloc[nearest(*(shown[x].to_numpy() for x in ("gap", "zero", "rounding")))]
    models = sorted(part["instance"].unique())
    extra = {
        "cells": len(live),
        "identities": len(part) - len(live),
        "largest_gap": float(part["gap"].abs().max()),
        "instances": "; ".join(models),
    }
    sides = (float(at["gap"]), 0.0, float(at["rounding"]))
    note = "gap, exact, of the cell closest to a violation"
    where = {"where": condition}
    return equality("T2.zero", name, where, *sides, note, extra, identity=not len(live))


def rows(scope: Scope, results: Mapping[RunSettings, RunResult]) -> list[Row]:
    """One row for each condition, and one for first-order points that meet none."""
    stacks = static_cells(scope.profile, scope.instance)
    frame = pd.concat([cells.frame for cells in stacks], ignore_index=True)
    frame = frame[frame["first_order"] <= FIRST_ORDER]
    conditions = _conditions(frame, scope.mutant)
    frame = frame.assign(rounding=_allowed(frame), zero=0.0)
    name = scope.instance.name if scope.instance else "first-order points"
    table = [_row(text, name, frame[mask]) for text, mask in conditions.items() if mask.any()]
    rest = frame[~np.logical_or.reduce(list(conditions.values()))]
    if len(rest):
        where = {"where": "none of these conditions"}
        extra = {"cells": len(rest), "largest_gap": float(rest["gap"].max())}
        labels = ("T2.zero", name, where, None, None, None, None)
        table.append(Row(*labels, "assumption unmet", "the gap may be positive", extra))
    return table


def facts(data: pd.DataFrame, kappa: pd.DataFrame) -> Facts:
    """Of T2.zero, and what is lost where it does not apply."""
    headings = "where: condition | cells | largest_gap: largest gap | verdict"
    rounded = data.assign(largest_gap=data["largest_gap"].map("{:.2g}".format))
    return {
        "table": table(rounded, headings),
        "losses": ", ".join(f"{loss:.1%} at G = {size}" for size, loss in factors(kappa).items()),
    }


CLAIM = Claim(
    name="T2.zero",
    statement="at first-order points the gap is 0 if K = 1, G in {2, 3}, all c_k equal or aligned",
    provenance="derived",
    expected="holds",
    proof=("grpo_checks.theory.convergence.decomposition_gap",),
    facts={"T2.zero": Part(facts, ("T2.zero", "T2.kappa"))},
    assumptions=(BINARY, in_cells("phi_q = 0"), in_cells("one of the four conditions")),
    rows=rows,
    exact=ZERO,
)
