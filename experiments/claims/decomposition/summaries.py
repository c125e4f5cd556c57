"""One row for many cells of Theorem 2: by instance, group size and kind of policy, or of all."""

import numpy as np
import pandas as pd

from grpo_checks.experiments.protocol.cell_rows import inequality, nearest
from grpo_checks.experiments.protocol.claim import Row


def ratios(gap: pd.Series, bound: pd.Series, rounding: pd.Series) -> np.ndarray:
    """gap/bound; 0 where the gap is rounding."""
    seen = (gap > rounding) & (bound > 0)
    return np.where(seen, gap / bound.where(seen, 1.0), 0.0)


def summary(claim: str, name: str, part: pd.DataFrame, bound: str, extra: dict[str, object]) -> Row:
    """One row for many cells: the one closest to a violation, and how many violate the bound.

    Cells that are ``idle`` count apart: their sides are equal, or the gap is 0, at every policy.
    """
    violated = part["gap"] > part[bound] + part["rounding"]
    live = part[~part["idle"] | violated]
    shown = live if len(live) else part
    at = shown.iloc[nearest(*(shown[x].to_numpy() for x in ("gap", bound, "rounding")))]
    ratio = ratios(*(part[column] for column in ("gap", bound, "rounding")))
    numbers = {
        "cells": len(live),
        "identities": len(part) - len(live),
        "violations": int(violated.sum()),
        "largest_excess": float((part["gap"] - part[bound]).max()),
        "largest_gap": float(part["gap"].max()),
        "ratio_median": float(np.median(ratio)),
        "ratio_99": float(np.quantile(ratio, 0.99)),
        "ratio_max": float(ratio.max()),
        "worst_gap": float(at["gap"]),
        "worst_bound": float(at["bound"]),
        "worst_kappa_bound": float(at["kappa_bound"]),
        "worst_reach": float(at["reach"]),
    }
    sides = (float(at["gap"]), float(at[bound]), float(at["rounding"]))
    note = "gap and bound, exact, of the cell closest to a violation"
    return inequality(claim, name, extra, *sides, note, numbers, identity=not len(live))


def grouped(
    frame: pd.DataFrame, columns: list[str]
) -> list[tuple[str, dict[str, object], pd.DataFrame]]:
    """The lines by instance and ``columns``: name, what they share, and they themselves."""
    return [
        (str(name), dict(zip(columns, shared, strict=True)), part)
        for (name, *shared), part in frame.groupby(["instance", *columns], sort=True)
    ]


def overall(claim: str, frame: pd.DataFrame, bound: str) -> list[Row]:
    """All cells of a claim in one row for policies as they come and one for first-order points."""
    kinds = {"all policies": ~frame["arrived"], "all first-order points": frame["arrived"]}
    return [
        summary(claim, of_all(frame), frame[kind], bound, {"where": name})
        for name, kind in kinds.items()
        if kind.any()
    ]


def of_all(frame: pd.DataFrame) -> str:
    """What stands for the instance in a row about all of them."""
    names = frame["instance"].unique()
    return str(names[0]) if len(names) == 1 else "all"
