"""Facts on the ledger as a whole: the table on top, surprises, where it was computed."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from grpo_checks.experiments.audit.sharpness import (
    BLUNT,
    NOTHING,
    POINTS,
    per_cent,
    seen,
    sharpness,
)
from grpo_checks.experiments.ledger.words import Facts, table

HEADINGS = {
    "claim": "claim",
    "statement": "statement",
    "provenance": "provenance",
    "verdict": "verdict",
    "margin": "margin",
    "power": "power",
    "evidence": "rests on",
    "figure": "figure",
}
NUMBERS = {"certain": "", "sampled": "sampled ", "falsifier": "falsifier "}


def top(
    verdicts: pd.DataFrame,
    rows: pd.DataFrame,
    cases: pd.DataFrame,
    points: Sequence[Mapping[str, Any]],
) -> Facts:
    """One line per claim, with its power, its figures as links."""
    lines = verdicts.reindex(columns=[*HEADINGS], fill_value="")
    known = sharpness(pd.concat([rows, cases], ignore_index=True), points)
    powers = {claim: _power(_records(part)) for claim, part in known.groupby("claim")}
    lines = lines.assign(
        power=lines["claim"].map(powers).fillna(""), figure=lines["figure"].map(_links)
    )
    return {"table": table(lines, HEADINGS)}


def _records(lines: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(k): v for k, v in line.items()} for line in lines.to_dict("records")]


def _power(lines: Sequence[Mapping[str, Any]]) -> str:
    """Of a claim, from its lines: one number, or the range over its bounds; what is not sharp."""
    seeing = [line for line in lines if line["telling"] and line["power"] in ("", BLUNT)]
    named = [line for line in seeing if line["bound"] != POINTS] or seeing
    if not named:
        return "; ".join(dict.fromkeys(str(line["power"]) for line in lines))
    if len(named) == 1:
        (only,) = named
        numbers = [(word, only[name]) for name, word in NUMBERS.items() if pd.notna(only[name])]
        text = ", ".join(f"{word}{per_cent(number)}" for word, number in numbers)
    else:
        least = sorted(seen(line) for line in named)
        text = f"{per_cent(least[0])} to {per_cent(least[-1])}, {len(named)} bounds"
    for words, power in ((f"*holds, {BLUNT}*", BLUNT), (NOTHING, NOTHING)):
        names = [str(line["bound"]) for line in lines if line["power"] == power]
        if names:
            text += f"; {words}" + (f": {', '.join(filter(None, names))}" if any(names) else "")
    return text


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
