"""Facts on each theorem as a whole: what is true, what is not, counterexamples, practice."""

from typing import Any

import pandas as pd

from grpo_checks.experiments.claims.benefit.rules import judged
from grpo_checks.experiments.claims.decomposition.facts import factors
from grpo_checks.experiments.claims.generalization.facts.coverage import nearest
from grpo_checks.experiments.claims.generalization.shift import certain_failure
from grpo_checks.experiments.claims.stationarity.budget import best_sizes
from grpo_checks.experiments.protocol.claim import Facts
from grpo_checks.experiments.runs.margins import compared, ratios
from grpo_checks.experiments.runs.words import count, exactly, having, table
from grpo_checks.experiments.storage.text import counts, span


def _theorem(number: int, rows: pd.DataFrame, cases: pd.DataFrame, verdicts: pd.DataFrame) -> Facts:
    """Which of its claims hold, and which do not, with a counterexample of each."""
    claims = verdicts[verdicts["claim"].str.startswith(f"T{number}.")]
    true, false = having(claims, "holds"), having(claims, "refuted")
    refuted = [f"{r.claim} ({r.provenance}): {r.statement}." for r in false.itertuples()]
    return {
        "names": ", ".join(true["claim"]),
        "cells": len(compared(rows[rows["claim"].isin(true["claim"])])),
        "false": " ".join(refuted) or "Nothing that was checked.",
        "table": table(counterexamples(list(false["claim"]), rows, cases)),
    }


SHOWN = {"T1.own": "dice, grad J"}
"""What the name of the stored point begins with that the text speaks of; elsewhere the first."""


def counterexamples(claims: list[str], rows: pd.DataFrame, cases: pd.DataFrame) -> pd.DataFrame:
    """A line per claim: stored points first, in fractions, else the refuted cell itself."""
    # What is refuted in floating point alone is no counterexample.
    solid = rows[rows["evidence"] != "exact"]
    lines = []
    for claim in claims:
        refuted = (having(t[t["claim"] == claim], "refuted") for t in (cases, solid))
        known = next((t for t in refuted if len(t)), None)
        if known is None:
            continue
        first = _shown(known, SHOWN.get(claim, ""))
        lines.append(
            {
                "claim": claim,
                "point": first["case"] if "case" in first else first["instance"],
                "observed": exactly(first, "observed"),
                "allowed": exactly(first, "bound"),
                "note": first["note"] if isinstance(first["note"], str) else "",
            }
        )
    return pd.DataFrame(lines, columns=["claim", "point", "observed", "allowed", "note"])


def _shown(refuted: pd.DataFrame, beginning: str) -> "pd.Series[Any]":
    """The first point whose name begins so, else the first of all."""
    if "case" not in refuted:
        return refuted.iloc[0]
    named = refuted["case"].astype(str).str.startswith(beginning)
    return refuted.iloc[int(named.argmax())]


def stationarity(
    rate: pd.DataFrame,
    slope: pd.DataFrame,
    budget: pd.DataFrame,
    floor: pd.DataFrame,
    *tables: pd.DataFrame,
) -> Facts:
    """Of Theorem 1, from the rows of T1.rate, T1.slope, T1.budget and T1.floor, and all tables."""
    ratio = ratios(rate)
    stalled = floor.dropna(subset=["floor"]).iloc[0]
    return {
        **_theorem(1, *tables),
        "slopes": " and ".join(f"{x:.3f}" for x in slope["observed"]),
        "ratio": span(ratio),
        "median": ratio.median(),
        "best": counts(best_sizes(budget)["group_size"]),
        "size": int(stalled["group_size"]),
        "floor": stalled["floor"],
    }


def decomposition(kappa: pd.DataFrame, benefit: pd.DataFrame, *tables: pd.DataFrame) -> Facts:
    """Of Theorem 2, from the rows of T2.kappa and T2.benefit, and all tables."""
    losses = factors(kappa)
    lead = benefit[benefit["instance"] == "outcomes"]["gain_lead"].dropna()
    return {
        **_theorem(2, *tables),
        "losses": ", ".join(f"{loss:.1%} (G = {size})" for size, loss in losses.items()),
        "better": int((judged(benefit).cells["gain_lead"] > 0).sum()),
        "starts": len(judged(benefit).cells),
        "lead": " to ".join(dict.fromkeys(f"{x:.1%}" for x in (lead.min(), lead.max()))),
    }


def generalization(
    coverage: pd.DataFrame, shift: pd.DataFrame, published: pd.DataFrame, *tables: pd.DataFrame
) -> Facts:
    """Of Theorem 3, from the rows of T3.coverage, T3.shift and T3.visual_arft, and all tables."""
    trained = published[
        (published["trained_on"].astype(str) == "True") & (published["train_loss"] == "observed")
    ]
    few = trained[trained["n_tasks"] == trained["n_tasks"].min()]
    return {
        **_theorem(3, *tables),
        **nearest(coverage),
        **certain_failure(shift),
        "vacuous": count(trained, "vacuous"),
        "published": len(trained),
        "all_vacuous": count(published, "vacuous"),
        "all_published": len(published),
        "few": int(few["n_tasks"].iloc[0]),
        "few_vacuous": count(few, "vacuous"),
        "few_published": len(few),
        "nats": few["observed"].max(),
    }
