"""What the ledger says of T3.coverage."""

from typing import Any

import numpy as np
import pandas as pd

from grpo_checks.experiments.points.generalization.coverage import ALONE
from grpo_checks.experiments.protocol.claim import Facts
from grpo_checks.experiments.runs.words import count, table


def failures(data: pd.DataFrame) -> pd.DataFrame:
    """Of T3.coverage: the failure probabilities of PAC-Bayes bounds; no bound for one policy chosen
    beforehand, and no comparison in nats."""
    return data[data["delta"].notna() & ~data["bound_name"].isin(ALONE)]


def nearest(data: pd.DataFrame) -> Facts:
    """How near a failure probability comes to its delta: by which bound at all, and of policies
    trained on the sample (Gibbs posteriors)."""
    cells = failures(data)
    shares = cells["observed"] / cells["delta"]
    return {
        "failing": f"{shares.max():.2g}",
        "failing_bound": cells["bound_name"].iloc[int(shares.argmax())],
        "failing_trained": f"{shares[cells['posterior'] == 'Gibbs'].max():.2g}",
    }


def coverage(data: pd.DataFrame) -> Facts:
    """Of T3.coverage: Gibbs posteriors, the worst one, and one policy in closed form."""
    probabilities = failures(data)
    gibbs = data[data["oracle_offset"].notna() & (data["posterior"] == "Gibbs")]
    worst = data[data["posterior"] == "worst"]
    closed = data[data["closed_form"].notna()]
    settings = ["instance", "types", "n_tasks", "delta", "temperature"]
    # Nats x with exp(-f x) = delta, as a share f of ln(xi/delta): the largest f over n.
    xi = data[(data["posterior"] == "given") & (data["bound_name"] == "kl-xi")]
    share = np.log(xi["delta"]) / np.log(xi["observed"])
    return {
        "bounds": gibbs["bound_name"].nunique(),
        "worst_delta": ", ".join(f"{x:g}" for x in worst["delta"].unique()),
        "holds": count(probabilities, "holds"),
        "vacuous": count(probabilities, "vacuous"),
        "nats_cells": count(data[data["delta"].isna()], "holds"),
        "alone_cells": count(data[data["bound_name"].isin(ALONE)], "holds"),
        **nearest(data),
        "cells": len(gibbs.drop_duplicates(settings)),
        "largest": int(gibbs["n_tasks"].max()),
        "table": _bounds(gibbs),
        "worst": worst["observed"].max(),
        "gap": (worst["upper"] - worst["observed"]).max(),
        "closed": (closed["observed"] / closed["closed_form"] - 1).abs().max(),
        "seen": share.max(),
        "seen_n": int(xi["n_tasks"][share.idxmax()]),
    }


def _bounds(gibbs: pd.DataFrame) -> str:
    """How often each bound fails, and how loose it is."""
    failing = gibbs["observed"] / gibbs["delta"]
    names = gibbs["bound_name"]
    cells = gibbs.groupby(names, sort=False)
    columns = {
        "largest failure/delta": failing.groupby(names, sort=False).max().map("{:.2g}".format),
        "offset/oracle, median": cells["tightness"].median().map("{:.3g}".format),
        "mean bound, median": cells["mean_bound"].median().map("{:.3g}".format),
    }
    return table(pd.DataFrame(columns).rename_axis("bound").reset_index())


def sampled(data: pd.DataFrame) -> Facts | None:
    """Of the cell of T3.coverage that is sampled; nothing where there is none."""
    cells = data[(data["observed"] < data["upper"]) & data["posterior"].str.contains("draws")]
    if cells.empty:
        return None
    return {"posterior": cells["posterior"].iloc[0], "failure": cells["upper"].iloc[0]}


def price(data: pd.DataFrame) -> Facts | None:
    """Of T3.coverage: what bounds ask for and what they need, in nats, where both are stored."""
    if "least_nats" not in data or data["least_nats"].isna().all():
        return None
    cells = data[data["least_nats"].notna()]
    divergence, enough = cells["price_divergence"].fillna(0.0), cells.get("enough_nats")
    columns = {
        "bound": cells["bound_name"].str.replace("KL(Q‖P) of ", ""),
        "KL": divergence.map("{:.1f}".format),
        "delta": cells["delta"].fillna(cells["level"]).map("{:g}".format),
        "n": cells["n_tasks"].map("{:.0f}".format),
        "price": cells["price_nats"].map("{:.2f}".format),
        "needed": cells["least_nats"].map("{:.2f}".format),
        "price/needed": (cells["price_nats"] / cells["least_nats"]).map("{:.2f}".format),
    }
    if enough is not None:
        columns["enough"] = enough.map("{:.2f}".format, na_action="ignore").fillna("")
    return {"table": table(pd.DataFrame(columns)), **_given_away(cells), "scans": _scans(cells)}


def _given_away(cells: pd.DataFrame) -> Facts:
    """The share of the logarithm, or of KL by itself, that no problem can use up, by bound: where
    KL is the cell's, and of the logarithm whatever KL."""
    part = cells["price_divergence"].fillna(cells["price_nats"])
    facts: dict[str, Any] = {}
    for fact, column in (("loose", "enough_nats"), ("loose_any", "any_nats")):
        shares = (cells["price_nats"] - cells.get(column, np.nan)) / part
        pairs = zip(cells["bound_name"], shares, strict=True)
        facts[fact] = "; ".join(f"{bound} {x:.1%}" for bound, x in pairs if not np.isnan(x))
    return facts


def _scans(cells: pd.DataFrame) -> str:
    """The least of these shares over many numbers of tasks, by bound."""
    if "scan_least" not in cells:
        return ""
    return "; ".join(
        f"{row['bound_name']} {row['scan_least']:.1%} (least at n = {row['scan_at']:,.0f}, of"
        f" {row['scan_sizes']:.0f} n from {row['scan_from']:.0f} to {row['scan_to']:,.0f})"
        for _, row in cells[cells["scan_least"].notna()].iterrows()
    )
