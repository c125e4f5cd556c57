"""What the ledger says of T2.kappa."""

import pandas as pd

from grpo_checks.experiments.protocol.claim import Facts
from grpo_checks.experiments.runs.words import table
from grpo_checks.experiments.storage.text import span

SIZES = (4, 8, 16, 64)
"""Of the groups that trainers use, where responses are not constant."""


def attained(data: pd.DataFrame) -> Facts:
    """Of T2.kappa: how near gap/bound comes to 1 on two calls, and its median over all first-order
    points."""
    sharp = data[(data["instance"] == "sharp") & (data["where"] == "first-order point")]
    every = data[data["where"] == "all first-order points"]
    return {
        "sharp": (sharp["ratio_max"] - 1).abs().max(),
        "points": int(every["cells"].sum()),
        "typical": f"{every['ratio_median'].max():.3g}",
    }


def kappa(data: pd.DataFrame) -> Facts:
    """Of T2.kappa: at first-order points, by options of the estimator, and where phi is not 0."""
    points, anywhere, searched = (
        data[data["where"] == where]
        for where in ("first-order point", "any policy", "search over instances")
    )
    tension = points[points["instance"] == "menu, in tension"]["ratio_max"]
    plain = (anywhere["ddof"] == 0) & (anywhere["eps"] == 0)
    options = anywhere[(anywhere["ddof"] > 0) | (anywhere["eps"] > 0)]
    unmet = data[data["verdict"] == "assumption unmet"]
    saturated = unmet[unmet["gradient_norm"].notna()].iloc[0]
    headings = (
        "group_size: G | kappa_G | factor: (kappa_G-1)/(kappa_G+1) | observed: largest kappa | "
        "cells"
    )
    return {
        "cells": int(points["cells"].sum()),
        "violations": int(points["violations"].sum()),
        "sharp": attained(data)["sharp"],
        "table": table(anywhere[plain].sort_values("group_size"), headings),
        "options": span(options["observed"] / options["kappa_G"]),
        "tension": span(tension),
        "before": span(searched["ratio_before"]),
        "search": span(searched["observed"]),
        "elsewhere": int(unmet["cells"].sum()),
        "would": int(unmet["would_violate"].sum()),
        "gradient": saturated["gradient_norm"],
        "saturated": saturated["largest_gap"],
    }


def kappa_by_components(data: pd.DataFrame) -> Facts | None:
    """Of T2.kappa near its bound: gap/bound by the number of components; None for older rows."""
    near = data[data["bound_name"].notna()]
    if near.empty:
        return None
    ratios = near.groupby("bound_name", sort=True)["ratio_max"].max()
    return {
        "cells": int(near["cells"].sum()),
        "ratios": ", ".join(f"{ratio:.4f} ({name})" for name, ratio in ratios.items()),
    }


def factors(kappa: pd.DataFrame) -> pd.Series:
    """(kappa_G-1)/(kappa_G+1) by G, for the group sizes that trainers use."""
    known = kappa.dropna(subset=["factor"]).drop_duplicates("group_size")
    return known.set_index("group_size")["factor"].reindex(SIZES).dropna()
