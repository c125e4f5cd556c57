"""The ledger's tables of what the falsifier found, from the stored points."""

from pathlib import Path
from typing import Any

import pandas as pd

from grpo_checks.experiments.falsifier.shrink import leaves
from grpo_checks.experiments.points.generalization.coverage import ALONE
from grpo_checks.experiments.storage.input_file import read_json
from grpo_checks.experiments.storage.text import markdown

TEXT = """
**Falsifier.** `python -m experiments falsify CLAIM` climbs observed/bound from random starts,
certifies what it finds in rational or ball arithmetic and shrinks violations. {held} claims that
hold were searched for {minutes:g} minutes each: {violations} violations. The tightest points, in
`{folder}`, where `--replay` decides them again (an equation has observed/bound 0 or 1 throughout;
above 1 in floating point alone: rounding next to an equality, no rational point near it violates):

{tightest}

Claims that are false, from {seeds} seeds each, at most {limit:g} minutes; numbers are those that
the shrunk example consists of:

{refuted}
"""


def falsified(folder: Path, shown: str) -> str:
    """Both tables; nothing where no point is stored. ``shown``: the folder's name for readers."""
    points = [read_json(path) for path in sorted(folder.glob("*/seed-*/point.json"))]
    found = [p for p in points if p["found"] is not None]
    false = [p for p in found if p["found"]["verdict"] == "refuted"]
    true = [p for p in found if p["found"]["verdict"] != "refuted"]
    if not true or not false:
        return ""
    return TEXT.format(
        held=len({p["claim"] for p in true}),
        minutes=min(p["minutes"] for p in true),
        violations=len({p["claim"] for p in true} & {p["claim"] for p in false}),
        folder=shown,
        tightest=markdown(pd.DataFrame([_tightest(p) for p in true])),
        seeds=min(sum(p["claim"] == q["claim"] for q in false) for p in false),
        limit=max(p["minutes"] for p in false),
        refuted=markdown(pd.DataFrame([_refuted(p) for p in false])),
    )


def _tightest(point: dict[str, Any]) -> dict[str, object]:
    return {
        "claim": point["claim"],
        "bound": _bound(point["document"]),
        "observed/bound": f"{point['ratio']:.6g}",
        "starts": point["starts"],
        "above 1 in floating point alone": point["uncertified"],
    }


def _bound(document: dict[str, Any]) -> str:
    """Which of several bounds a point is about; a bound for one policy is no PAC-Bayes bound."""
    name = document.get("bound", "")
    return f"{name}, one policy" if name in ALONE else str(name)


def _refuted(point: dict[str, Any]) -> dict[str, object]:
    numbers = [number for _, number in leaves(point["document"])]
    low, high = point["found"]["observed"]
    return {
        "claim": point["claim"],
        "seed": point["seed"],
        "observed": _short(low) if low == high else f"in [{_short(low)}, {_short(high)}]",
        "allowed": _short(point["found"]["bound"][0]),
        "numbers": len(numbers),
        "largest denominator": max(n.denominator for n in numbers),
    }


def _short(fraction: str) -> str:
    """As it is, or to nine digits where it is long."""
    top, _, bottom = fraction.partition("/")
    return fraction if len(fraction) <= 16 else f"{int(top) / int(bottom or 1):.9g}"
