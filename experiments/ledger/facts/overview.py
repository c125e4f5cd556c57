"""Facts on the ledger as a whole: the table on top, surprises, where it was computed."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from grpo_checks.experiments.ledger.words import Facts, table

HEADINGS = {
    "claim": "claim",
    "statement": "statement",
    "provenance": "provenance",
    "verdict": "verdict",
    "margin": "margin",
    "evidence": "rests on",
    "figure": "figure",
}


def top(verdicts: pd.DataFrame) -> Facts:
    """One line per claim, its figures as links."""
    lines = verdicts.reindex(columns=[*HEADINGS], fill_value="")
    return {"table": table(lines.assign(figure=lines["figure"].map(_links)), HEADINGS)}


def _links(names: str) -> str:
    figures = names.split(", ") if names else []
    return ", ".join(f"[{name}](results/paper/figures/{name}.png)" for name in figures)


def surprises(verdicts: pd.DataFrame) -> Facts | None:
    """Claims that came out otherwise than expected, which the prose on them does not foresee."""
    others = verdicts[verdicts["verdict"] != verdicts["expected"]]
    outcomes = [f"{r.claim} is {r.verdict}, expected: {r.expected}" for r in others.itertuples()]
    return {"surprises": "; ".join(outcomes)} if outcomes else None


def conditions(provenance: Mapping[str, Any]) -> Facts:
    """Where it was computed, and how much was."""
    return {name: provenance[name] for name in ("device", "precision", "runs")}
