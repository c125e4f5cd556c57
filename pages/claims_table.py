"""All claims as one table, to sort, filter and search."""

import html
import re
from typing import Any

import pandas as pd

from grpo_checks.pages.markup import badge, inline
from grpo_checks.pages.stored import ORDER, THEOREMS, Stored, slug, theorem

COLUMNS = {
    "claim": "claim",
    "theorem": "theorem",
    "statement": "statement",
    "provenance": "whose",
    "verdict": "verdict",
    "looseness": "looseness",
    "distance": "distance",
    "power": "power",
    "evidence": "rests on",
}
FILTERS = ("theorem", "verdict", "provenance", "rests")
NUMBER = re.compile(r"\d[\d,]*\.?\d*(?:e[+-]?\d+)?")
OPENING = """---
hide: [navigation, toc]
---

# All claims

*Whose*: said in the abstract, reported by readers, derived by us, or of other literature.
*Looseness*: bound over observed where the claim holds, least and median. *Distance*: how much of
what was observed lies beyond what is allowed, in the farthest counterexample. *Power*: the least
lowering of the bound that would be refuted; above 50% the claim is not tested sharply. Choose a
heading to sort by it.

"""


def claims_table(stored: Stored) -> str:
    """claims.md."""
    lines = [_line(line) for _, line in stored.lines.iterrows()]
    titles = "".join(
        f'<th scope="col" aria-sort="none"><button type="button">{title}</button></th>'
        for title in COLUMNS.values()
    )
    return (
        f"{OPENING}{_controls(stored)}"
        f'<div class="frame" tabindex="0"><table id="claims"><thead><tr>{titles}</tr></thead>\n'
        f"<tbody>\n{chr(10).join(lines)}\n</tbody></table></div>\n"
    )


def _controls(stored: Stored) -> str:
    lines = stored.lines
    options = {
        "theorem": [*THEOREMS.values()],
        "verdict": sorted(lines["verdict"].unique()),
        "provenance": sorted(lines["provenance"].unique()),
        "rests": [*ORDER],
    }
    labels = dict(zip(FILTERS, ("theorem", "verdict", "whose", "rests on"), strict=True))
    selects = "".join(_select(name, labels[name], options[name]) for name in FILTERS)
    return (
        '<form class="controls" role="search" onsubmit="return false">'
        '<label>search <input type="search" id="search" autocomplete="off"></label>'
        f'{selects}<output id="shown" aria-live="polite">{len(lines)} claims</output></form>\n\n'
    )


def _select(name: str, label: str, values: list[str]) -> str:
    options = "".join(f"<option>{html.escape(value)}</option>" for value in values)
    return (
        f'<label>{label} <select data-filter="{name}"><option value="">all</option>'
        f"{options}</select></label>"
    )


def strongest(evidence: str) -> str:
    """The strongest kind of evidence among those counted."""
    return next((kind for kind in ORDER if kind in evidence), "")


def _line(line: "pd.Series[Any]") -> str:
    name, power = str(line["claim"]), str(line["power"])
    marks = {
        "theorem": theorem(name),
        "verdict": line["verdict"],
        "provenance": line["provenance"],
        "rests": strongest(line["evidence"]),
    }
    attributes = " ".join(f'data-{key}="{html.escape(str(value))}"' for key, value in marks.items())
    link = f'<a href="claims/{slug(name)}.html">{html.escape(name)}</a>'
    cells = [
        (link, name),
        (theorem(name), theorem(name)),
        (inline(line["statement"]), line["statement"]),
        (line["provenance"], line["provenance"]),
        (badge(line["verdict"]), line["verdict"]),
        (line["looseness"], _first(line["looseness"])),
        (line["distance"], _first(line["distance"])),
        (power.replace("*", ""), _first(power)),
        (line["evidence"], line["evidence"]),
    ]
    shown = "".join(f'<td data-key="{html.escape(str(key))}">{text}</td>' for text, key in cells)
    return f"<tr {attributes}>{shown}</tr>"


def _first(text: str) -> str:
    """The number that a text begins with, to sort by; what has none comes last."""
    match = NUMBER.match(text)
    return match[0].replace(",", "") if match else {"equal": "1", "equality": "0"}.get(text, "")
