"""What the ledger says of T1.rate."""

import numpy as np
import pandas as pd

from grpo_checks.experiments.protocol.claim import Facts
from grpo_checks.experiments.runs.words import count, having, table, without_copies
from grpo_checks.experiments.storage.text import counts, span


def rate(data: pd.DataFrame) -> Facts:
    """Of T1.rate, without copies: tightness at the longest T, and what each step of the proof
    loses there."""
    copies, data = len(data) - len(without_copies(data)), without_copies(data)
    longest = data[data["n_steps"] == data["n_steps"].max()]
    # A column that other claims leave empty is stored as floats.
    cells = longest.astype({"components": int}).groupby(["instance", "components"])
    causes = longest["loosest"].value_counts(normalize=True)
    vacuous = having(data, "vacuous")["n_steps"]
    slack = longest.filter(like="slack: ").sum(axis=1)
    return {
        "short": f" (T = {counts(vacuous)})" if len(vacuous) else "",
        "closed": ((longest["observed"] + slack) / longest["bound"] - 1).abs().max(),
        "holds": count(data, "holds"),
        "vacuous": len(vacuous),
        "cells": len(data),
        "copies": copies,
        "longest": int(data["n_steps"].max()),
        "table": table(cells.apply(_tightness, include_groups=False).reset_index()),
        "causes": ", ".join(
            f"{name} in {share:.0%} of the cells" for name, share in causes.items()
        ),
        "waterfall": table(_waterfall(longest)),
    }


def _waterfall(longest: pd.DataFrame) -> pd.DataFrame:
    """Mean shares of the bound, by instance."""
    shares = {"observed": longest["observed"] / longest["bound"]}
    for column in map(str, longest.filter(like="slack: ").columns):
        shares[column.removeprefix("slack: ")] = longest[column] / longest["bound"]
    means = pd.DataFrame(shares).groupby(longest["instance"]).mean()
    return means.map("{:.0%}".format).reset_index()


def _tightness(cells: pd.DataFrame) -> pd.Series:
    return pd.Series(
        {
            "bound/observed": span(cells["ratio"]),
            "exact V": span(cells["bound_with_exact_variance"] / cells["observed"]),
            "loses most": cells["loosest"].mode().iloc[0],
            "seeds": counts(cells["seeds"]),
        }
    )


LONGEST, USUAL = 10_000, {"components": 8, "group_size": 3}
"""T, and G or K where the other grows."""


def exponents(data: pd.DataFrame) -> Facts:
    """T1.K.bound and T1.G.bound: of bound and observed average, in both units of reward.

    Rewards over K, with steps times K, make the same runs: both numbers are divided by K^2.
    """
    cells, lines = data[data["n_steps"] == LONGEST], []
    for grows, other in (("components", "group_size"), ("group_size", "components")):
        kept = cells[cells[other] == USUAL[grows]]
        for instance, rows in kept.groupby("instance"):
            if rows[grows].nunique() > 2:
                lines.append(
                    {"instance": instance, "in": "KG"[grows == "group_size"], **_fits(rows, grows)}
                )
    return {"table": table(pd.DataFrame(lines), digits=3)}


def _fits(rows: pd.DataFrame, grows: str) -> dict[str, str]:
    """Least squares slopes of logarithms."""
    size = np.log(rows[grows])
    fits = {
        side: float(np.polyfit(size, np.log(rows[side]), 1)[0]) for side in ("bound", "observed")
    }
    less = 2.0 if grows == "components" else 0.0
    return {
        f"{side}, R_max = {unit}": f"{fits[side] - taken:.2f}"
        for unit, taken in (("K", 0.0), ("1", less))
        for side in fits
    }
