"""Facts on the bias of normalised estimators: where they lead, and how fast."""

import pandas as pd

from grpo_checks.experiments.ledger.words import Facts, count, outcome, table
from grpo_checks.experiments.runs.margins import ratios
from grpo_checks.experiments.storage.text import enclosed, span
from grpo_checks.theory.instances.conflict import MAXIMISER, NORMALIZED_ZERO


def bias(data: pd.DataFrame) -> Facts:
    """Of T1.bias: |grad J|^2 where E[g] vanishes, and E[g] where grad J does."""
    conflict, gambles = (data[data["instance"] == name] for name in ("conflict", "gamble"))
    gradients = pd.DataFrame(
        {
            "G": conflict["group_size"].astype(int),
            "eps": conflict["eps"].map("{:g}".format),
            "ddof": conflict["ddof"].map("{:.0f}".format),
            "|grad J|^2": [
                enclosed(row["lower"], row["upper"], 6) for _, row in conflict.iterrows()
            ],
            "verdict": conflict["verdict"],
        }
    )
    updates = [
        f"grad J = 0, E[g] = {row['mean_update']} (first action's logit) "
        f"at G = {row['group_size']:.0f}, eps = {row['eps']:g}, ddof = {row['ddof']:.0f}"
        for _, row in gambles.iterrows()
    ]
    return {"table": table(gradients), "gambles": "; ".join(updates)}


def floor(data: pd.DataFrame) -> Facts:
    """Of T1.floor: the slope that flattens, and those that stay."""
    stalled = data[data["floor"].notna()].iloc[0]
    steady = data[data["floor"].isna()]
    local = stalled.filter(like="slope up to T=").dropna()
    first, least, most = (-float(stalled[c]) for c in ("observed", "upper", "lower"))
    return {
        "outcome": outcome(data),
        "size": int(stalled["group_size"]),
        "crossing": crossing(MAXIMISER, NORMALIZED_ZERO),
        "least": float(stalled["least"]),
        "floor": stalled["floor"],
        "slopes": ", ".join(f"{slope:.2f}" for slope in local),
        "flattening": f"{first:.3f} [{least:.3f}, {most:.3f}]",
        "kept": " and ".join(f"{r['group_size']:.0f} ({_limits(r)})" for _, r in steady.iterrows()),
    }


def crossing(maximiser: float, zero: float) -> str:
    """Whether a path from 0 to the zero of E[g] passes the maximiser of J."""
    meets = zero < maximiser < 0
    verb, there = ("cross", ", where grad J = 0") if meets else ("do not meet", "")
    return f"{verb} the maximiser of J, x = {maximiser:.4f}{there}, on their way to x = {zero:.4f}"


def _limits(row: pd.Series) -> str:
    return f"{row['observed']:.3f} [{row['lower']:.3f}, {row['upper']:.3f}]"


def curl(data: pd.DataFrame) -> Facts:
    """Of T1.curl: the asymmetry of the Jacobian of E[g]."""
    headings = {
        "instance": "instance",
        "distinct_rewards": "distinct rewards",
        "group_size": "G",
        "eps": "eps",
        "largest": "largest",
        "verdict": "verdict",
    }
    rounded = data.assign(
        eps=data["eps"].fillna(0).map("{:g}".format),
        largest=data["largest"].map("{:.2g}".format),
    )
    return {"table": table(rounded, headings)}


def surrogate(data: pd.DataFrame) -> Facts:
    """Of T1.surrogate: the rate in Jtilde, and the slope where that in J flattens."""
    sloped = data["window_low"].notna()
    rate, slope = data[~sloped], data[sloped].iloc[0]
    return {
        "outcome": outcome(data),
        "size": int(slope["group_size"]),
        "holds": count(rate, "holds"),
        "vacuous": count(rate, "vacuous"),
        "cells": len(rate),
        "ratio": span(ratios(rate)),
        "slope": _limits(slope),
    }
