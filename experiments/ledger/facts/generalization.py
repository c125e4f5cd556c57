"""Facts on Theorem 3: exact coverage of the bounds, and how tight they are."""

from typing import Any

import numpy as np
import pandas as pd

from grpo_checks.experiments.ledger.words import Facts, count, outcome, table
from grpo_checks.experiments.points.generalization.coverage import ALONE
from grpo_checks.experiments.storage.text import span

STEPS = ("used", "jensen", "change_of_measure", "markov", "bernoulli")
"""The parts of the budget of kl-xi, see ``theory.generalization.proof_slack``."""


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
        "outcome": outcome(data),
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


def tightness(data: pd.DataFrame) -> Facts:
    """Of T3.tightness: offsets over the oracle's, and where the nats of kl-xi go."""
    cells = data[data["nats used"].notna() & (data["instance"] == "specialists")]
    plain = cells[(cells["policy_class"] == "sampled") & (cells["temperature"] == 1)]
    crowd = cells[(cells["policy_class"] == "deterministic")]
    names = [str(c) for c in cells]
    ratios = [c for c in names if c.startswith("tightness ") and " 1/" not in c]
    learned = plain[plain["tightness split 1/10"].notna()]
    return {
        "outcome": outcome(data),
        "dearest": dearest(plain),
        "holds": count(data, "holds"),
        "table": _by_tasks(plain, ratios, "tightness "),
        "nats": _by_tasks(plain, [c for c in names if c.startswith("nats ")], "nats "),
        "split": span(learned["tightness split 1/10"]),
        "half": span(learned["tightness split 1/2"]),
        "plain": span(learned["tightness kl-xi"]),
        "policies": int(crowd["policies"].max()),
        "crowd_plain": span(crowd["tightness kl-xi"]),
        "crowd_split": span(crowd["tightness split 1/10"]),
        "recursive": span(learned["tightness recursive 1/10"]),
    }


def bets(data: pd.DataFrame) -> Facts | None:
    """Of T3.tightness: the betting mixture against kl-xi at n of 20 to 100, where it is stored."""
    name = "tightness betting mixture"
    if name not in data or data[name].isna().all():
        return None
    cells = data[data[name].notna() & data["n_tasks"].between(20, 100)]
    ratio = cells[name] / cells["tightness kl-xi"]
    return {"sharper": int((ratio < 1).sum()), "cells": len(cells), "ratio": span(ratio)}


def dearest(cells: pd.DataFrame) -> str:
    """The two steps of the proof that take most nats, at each n."""
    parts = cells.set_index("n_tasks")[[f"nats {step}" for step in STEPS]]
    pairs = {
        n: " and ".join(
            str(c).removeprefix("nats ").replace("_", " ") for c in nats.nlargest(2).index
        )
        for n, nats in parts.iterrows()
    }
    if len(set(pairs.values())) == 1:
        return next(iter(pairs.values()))
    return "; ".join(f"{pair} (n = {n:.0f})" for n, pair in pairs.items())


def _by_tasks(cells: pd.DataFrame, columns: list[str], prefix: str) -> str:
    headings = {c: c.removeprefix(prefix).replace("_", " ") for c in columns}
    return table(cells.round(2), {"n_tasks": "n", **headings})
