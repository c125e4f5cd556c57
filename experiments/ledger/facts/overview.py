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
from grpo_checks.experiments.audit.telling import COLUMNS
from grpo_checks.experiments.ledger.facts.margins import looseness, margins
from grpo_checks.experiments.protocol.claim import Facts
from grpo_checks.experiments.runs.words import headings_of, table

HEADINGS = headings_of(
    "claim | statement | provenance: whose | verdict | looseness | distance | rounding | power | "
    "picture"
)
NONE_DRAWN = {
    "equal": "none: both sides are equal in every cell",
    "points": "none: decided at a few points, which the details list",
}
"""Why a claim has no picture, by what its cells are."""
NUMBERS = {"certain": "", "sampled": "sampled ", "falsifier": "falsifier "}


def top(
    verdicts: pd.DataFrame,
    rows: pd.DataFrame,
    cases: pd.DataFrame,
    points: Sequence[Mapping[str, Any]],
) -> Facts:
    """One line per claim: three margins, its power, its figures as links or why there is none."""
    return {"table": table(claim_lines(verdicts, rows, cases, points), HEADINGS)}


def claim_lines(
    verdicts: pd.DataFrame,
    rows: pd.DataFrame,
    cases: pd.DataFrame,
    points: Sequence[Mapping[str, Any]],
) -> pd.DataFrame:
    """The verdicts with the columns of HEADINGS beside them."""
    # Of hundreds of columns those that power and margins look at: each choice of lines copies all.
    every = pd.concat([rows, cases], ignore_index=True).filter(items=[*COLUMNS, "ratio"])
    powers = power_by_claim(every, points)
    parts = {name: every[every["claim"] == name] for name in verdicts["claim"]}
    names = ("figure", "power", "picture", *HEADINGS)
    lines = verdicts.reindex(columns=[*dict.fromkeys([*verdicts, *names])], fill_value="")
    numbers = pd.DataFrame([margins(parts[name]) for name in lines["claim"]], lines.index)
    lines = lines.assign(**numbers, power=lines["claim"].map(powers).fillna(""))
    pictures = [_picture(line.figure, parts[line.claim]) for line in lines.itertuples()]
    return lines.assign(picture=pictures)


def power_by_claim(every: pd.DataFrame, points: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Of each claim that has one, in words."""
    known = sharpness(every, points)
    return {str(claim): _power(_records(part)) for claim, part in known.groupby("claim")}


def _picture(figures: Any, cells: pd.DataFrame) -> str:
    """Links to its figures, or why there is none."""
    if figures:
        return _links(str(figures))
    return NONE_DRAWN["equal" if looseness(cells) == "equal" else "points"]


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
        ends = dict.fromkeys(per_cent(share) for share in (least[0], least[-1]))
        text = f"{' to '.join(ends)}, {len(named)} bounds"
    for words, power in ((f"*holds, {BLUNT}*", BLUNT), (NOTHING, NOTHING)):
        names = [str(line["bound"]) for line in lines if line["power"] == power]
        if names:
            text += f"; {words}" + (f": {', '.join(filter(None, names))}" if any(names) else "")
    return text


def _links(names: str) -> str:
    figures = names.split(", ") if names else []
    return ", ".join(f"[{name}](results/paper/figures/{name}.png)" for name in figures)


def figures(captions: Mapping[str, str]) -> Facts:
    """Each figure as a link, with its message."""
    lines = [{"figure": _links(name), "says": text} for name, text in captions.items()]
    return {"table": table(pd.DataFrame(lines))}


def surprises(verdicts: pd.DataFrame) -> Facts | None:
    """Claims that came out otherwise than expected, which the prose on them does not foresee."""
    others = verdicts[verdicts["verdict"] != verdicts["expected"]]
    outcomes = [f"{r.claim} is {r.verdict}, expected: {r.expected}" for r in others.itertuples()]
    return {"surprises": "; ".join(outcomes)} if outcomes else None


def conditions(provenance: Mapping[str, Any]) -> Facts:
    """Where it was computed, and how much was."""
    return {name: provenance[name] for name in ("device", "precision", "runs")}
