"""Facts on the verifier itself: stored cases, mutants, power, false alarms, the falsifier."""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import pandas as pd

from grpo_checks.experiments.audit.power import power as power_table
from grpo_checks.experiments.audit.sharpness import sharpness, shown
from grpo_checks.experiments.falsifier.shrink import leaves
from grpo_checks.experiments.points.generalization.coverage import ALONE
from grpo_checks.experiments.protocol.claim import Facts
from grpo_checks.experiments.protocol.points import of_deep_model
from grpo_checks.experiments.runs.tables import counted, labels
from grpo_checks.experiments.runs.words import count, exactly, table

Points = Sequence[Mapping[str, Any]]
"""What searches of the falsifier have stored."""
ALARMS = (
    "claim", "instance", "cells", "seeds", "runs", "alarms", "level", "sharp_level",
    "sharp_refuted", "sharp_holds", "slope_alarms", "slopes_refuted", "race_alarms",
    "races_refuted", "frequency_refuted", "frequency_holds", "allowed",
)  # fmt: skip


def cases(cases: pd.DataFrame) -> Facts | None:
    """Of the certified cases; nothing where none is stored."""
    if cases.empty:
        return None
    lines = [
        {
            "claim": row["claim"],
            "case": row["case"],
            "observed": exactly(row, "observed"),
            "bound": exactly(row, "bound"),
            "verdict": row["verdict"],
        }
        for _, row in cases.iterrows()
    ]
    return {
        "held": count(cases, "holds"),
        "refuted": count(cases, "refuted"),
        "table": table(pd.DataFrame(lines)),
    }


def in_short(
    cases: pd.DataFrame, mutants: pd.DataFrame, smallest: pd.DataFrame, points: Points
) -> Facts | None:
    """Counts alone: of mutants, of stored points, of searches."""
    searches, stored = falsifier(points), mutants_facts(mutants, smallest)
    if searches is None:
        return None
    return {
        **{name: stored[name] for name in ("caught", "all", "certified")},
        "held": count(cases, "holds"),
        "refuted": count(cases, "refuted"),
        "searched": searches["held"],
        **{name: searches[name] for name in ("minutes", "violations")},
    }


def evidence(verdicts: pd.DataFrame, rows: pd.DataFrame) -> Facts:
    """What the verdict of each claim rests on, its cells counted as they are everywhere."""
    cells = rows.filter(items=["claim", "verdict", "identity", "copy_of"])
    parts = {str(name): counted(labels(data)) for name, data in cells.groupby("claim")}
    lines = verdicts[["claim", "verdict", "evidence"]].rename(columns={"evidence": "rests on"})
    lines.insert(2, "cells", verdicts["claim"].map(parts).fillna(""))
    return {"table": table(lines)}


def mutants_facts(mutants: pd.DataFrame, smallest: pd.DataFrame) -> Facts:
    """Of the mutants, and of the smallest change of a bound that the rows would notice."""
    return {
        "caught": count(mutants, "refuted"),
        "all": len(mutants),
        "certified": (mutants["caught by"] == "certified case").sum(),
        "seconds": mutants["seconds"].sum(),
        "table": table(mutants.drop(columns=["verdict"])),
        "alone": " and ".join(ALONE),
        "smallest": table(smallest),
    }


def power(rows: pd.DataFrame, cases: pd.DataFrame, points: Points) -> Facts:
    """Of every bound, and of the sampled cells."""
    every = sharpness(pd.concat([rows, cases], ignore_index=True), points)
    return {"bounds": table(shown(every)), "table": table(power_table(rows))}


def alarms(alarms: Mapping[str, Any]) -> Facts:
    """Of the reseeded cells."""
    return {name: alarms[name] for name in ALARMS}


def falsifier(points: Points) -> Facts | None:
    """Of both kinds of points, tightest and refuted; nothing where one of them is not stored."""
    decided = [p for p in points if p["found"] is not None]
    false = [p for p in decided if p["found"]["verdict"] == "refuted"]
    true = [p for p in decided if p["found"]["verdict"] != "refuted"]
    if not true or not false:
        return None
    seeds = [p["claim"] for p in false]
    return {
        "held": len({p["claim"] for p in true}),
        "minutes": min(p["minutes"] for p in true),
        "violations": len({p["claim"] for p in true} & {p["claim"] for p in false}),
        "tightest": table(pd.DataFrame([_tightest(p) for p in true])),
        "seeds": min(seeds.count(claim) for claim in seeds),
        "limit": max(p["minutes"] for p in false),
        "refuted": table(pd.DataFrame([_refuted(p) for p in false])),
    }


def _tightest(point: Mapping[str, Any]) -> Facts:
    return {
        "claim": point["claim"],
        "bound": _bound(point["document"]),
        "models": "deep" if of_deep_model(point["document"]) else "",
        "observed/bound": f"{point['ratio']:.6g}",
        "starts": point["starts"],
        "above 1 in floating point alone": point["uncertified"],
    }


def _bound(document: Mapping[str, Any]) -> str:
    """Which of several bounds a point is about; a bound for one policy is no PAC-Bayes bound."""
    name = document.get("bound", "")
    return f"{name}, one policy" if name in ALONE else str(name)


def _refuted(point: Mapping[str, Any]) -> Facts:
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
    return fraction if len(fraction) <= 16 else f"{float(Fraction(fraction)):.9g}"
