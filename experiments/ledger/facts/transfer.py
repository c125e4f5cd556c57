"""Facts on Theorem 3, continued: transfer, depth, and false bounds."""

import pandas as pd

from grpo_checks.experiments.ledger.words import Facts, count, outcome, table
from grpo_checks.experiments.runs.tables import IDENTITY, labels

NEARLY = 0.9999
"""Failure probabilities beyond it are not printed as 1."""


def ood(data: pd.DataFrame) -> Facts:
    """Of T3.ood: bound over exact target risk, where the bound says anything."""
    exact = data[data["shown_risk"].notna() & (data["bound"] < 1)]
    cells = exact.groupby("bound_name", sort=False)["ratio"]
    ratios = cells.agg(cells="size", median="median", largest="max").reset_index()
    return {
        "outcome": outcome(data),
        "holds": count(data, "holds"),
        "vacuous": labels(data).count("vacuous"),
        "identities": labels(data).count(IDENTITY),
        "unmet": count(data, "assumption unmet"),
        "table": table(ratios.rename(columns={"bound_name": "bound"}), digits=4),
    }


def depth(data: pd.DataFrame) -> Facts:
    """Of T3.depth: how the gap of `relay` grows where a failure is final, and where it is not."""
    final, repaired = (data[data["kind"] == kind] for kind in ("final", "repaired"))
    deepest = repaired.sort_values("depth").iloc[-1]
    return {
        "outcome": outcome(data),
        "holds": count(data, "holds"),
        "failing": final["responses"].max(),
        "final": growth(data, 1),
        "repaired": growth(data, 0),
        "deepest": int(deepest["depth"]),
        "loose": deepest["ratio"],
        "attained": (final["sharper_bound"] / final["observed"] - 1).abs().max(),
    }


def growth(data: pd.DataFrame, expected: int) -> str:
    """How the gap of `relay` grows, in words."""
    exponent = data[data["kind"] == f"exponent {expected}"]["exponent"].iloc[0]
    return f"grows as D^{exponent:.3f}, fitted" if exponent else "does not change with D"


def certain_failure(data: pd.DataFrame) -> Facts:
    """Of T3.shift: the largest failure probability, and from how many tasks on it is reached in
    every setting."""
    largest = data["observed"].max()
    level = min(float(largest), NEARLY)
    reached = data.groupby("n_tasks")["observed"].min() >= level
    return {
        "worst": f"up to {largest:.4f}" if largest < NEARLY else f"above {NEARLY:g}",
        "worst_tasks": f"{reached.index[reached].min():.0f}" if reached.any() else "no number of",
    }


def shift(data: pd.DataFrame) -> Facts:
    """Of T3.shift: how often the bound fails, and the one with the undivided term."""
    headings = {"n_tasks": "n", "hard": "D_S(hard)", "note": "failure", "verdict": "verdict"}
    return {
        "outcome": outcome(data),
        "table": table(data, headings),
        "delta": ", ".join(f"{x:g}" for x in data["delta"].unique()),
        "undivided": data["failure_undivided"].max(),
    }
