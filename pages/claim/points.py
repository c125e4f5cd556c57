"""Points on the page of a claim: the smallest counterexample, the tightest one that holds."""

import json
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from grpo_checks.experiments.falsifier.shrink import size
from grpo_checks.experiments.ledger.facts.theorems import counterexamples
from grpo_checks.experiments.runs.words import READABLE
from grpo_checks.pages.markup import folded, html_table, inline
from grpo_checks.pages.stored import Stored


def smallest_counterexample(stored: Stored, name: str) -> str:
    """The first stored point, and the smallest that the falsifier left; nothing of a claim that
    holds."""
    line = stored.line(name)
    if line["verdict"] != "refuted":
        return ""
    text = "## The smallest counterexample\n\n"
    known = counterexamples([name], stored.inputs["rows"], stored.inputs["cases"])
    for row in known.to_dict("records"):
        numbers = f"observed {row['observed']}, allowed {row['allowed']}"
        note = f"; {row['note']}" if row["note"] else ""
        text += f"Stored point *{inline(str(row['point']))}*: {numbers}{inline(note)}.\n\n"
    violated = [p for p in stored.points(name) if p["found"]["verdict"] == "refuted"]
    if violated:
        least = min(violated, key=lambda p: size(p["document"]))
        count, _ = size(least["document"])
        text += (
            f"The falsifier shrank a violation to {count} numbers: observed "
            f"{_number(least['found']['observed'][0])}, allowed "
            f"{_number(least['found']['bound'][0])}, decided without floating point.\n\n"
            f"{_document(least)}\n"
        )
    return text


def tightest(stored: Stored, name: str) -> str:
    """Where the falsifier came closest to the bound without crossing it."""
    held = [p for p in stored.points(name) if p["found"]["verdict"] == "holds" and p["ratio"]]
    if not held:
        return ""
    best = max(held, key=lambda p: float(p["ratio"]))
    formats = {"ratio": ".6g", "starts": ",", "minutes": "g", "seed": ""}
    line = [format(best[name], form) for name, form in formats.items()]
    table = html_table(["observed / bound", "starts", "minutes", "seed"], [line])
    return f"## The falsifier's tightest point\n\n{table}\n{_document(best)}\n"


def _document(point: Mapping[str, Any]) -> str:
    text = json.dumps(point["document"], indent=1)
    return folded("the point, as a document", f"```json\n{text}\n```")


def _number(fraction: str) -> str:
    return fraction if len(fraction) <= READABLE else f"{float(Fraction(fraction)):.6g}"
