"""Facts on Theorem 1: the exact variance, by group size, components and budget."""

import pandas as pd

from grpo_checks.experiments.ledger.words import Facts, having, outcome, table
from grpo_checks.experiments.storage.text import counts, span


def group_size(data: pd.DataFrame) -> Facts:
    """Of T1.G: the distance of the exact variance from its limits."""
    sweeps = data["prompts"].isna()
    distance = ((data["observed"] - data["bound"]) / data["bound"]).abs()
    return {
        "outcome": outcome(data),
        "instances": sweeps.sum(),
        "sweep": distance[sweeps].max(),
        "drawn": distance[~sweeps].max(),
    }


def components(data: pd.DataFrame) -> Facts:
    """Of T1.K: the exponents, and G V of normalised advantages, which has no limit law 1/G."""
    headings = {
        "grows_in": "in",
        "estimator": "estimator",
        "weights": "weights",
        "correlation": "correlation",
        "observed": "exponent",
        "note": "why",
        "verdict": "verdict",
    }
    normalised = data[data["estimator"] == "group_normalized"].filter(like="G V at G=").dropna()
    variances = [
        f"{value:.3f} at {str(name).removeprefix('G V at ')}"
        for _, row in normalised.iterrows()
        for name, value in row.items()
    ]
    return {"table": table(data, headings, digits=4), "normalised": ", ".join(variances)}


def best_sizes(data: pd.DataFrame) -> pd.DataFrame:
    """Of T1.budget: the cells whose G is the best of many; in others the size is that of one
    comparison."""
    return having(data, "holds").dropna(subset=["best_real_group_size"])


def budget(data: pd.DataFrame) -> Facts:
    """Of T1.budget: the best group sizes, real and whole."""
    best = best_sizes(data)
    return {
        "outcome": outcome(data),
        "instances": len(best),
        "best": span(best["best_real_group_size"]),
        "typical": counts(best["group_size"]),
    }
