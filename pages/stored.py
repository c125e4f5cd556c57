"""What pages are made of: stored tables, the catalogue, the filled parts of the ledger."""

import html
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from grpo_checks.experiments.claims.catalogue import chosen
from grpo_checks.experiments.ledger.facts.overview import claim_lines
from grpo_checks.experiments.ledger.ledger import part_texts, stored_inputs
from grpo_checks.experiments.protocol.claim import Claim

THEOREMS = {
    "T1": "Theorem 1",
    "T2": "Theorem 2",
    "T3": "Theorem 3",
    "L": "other papers",
    "P": "practice",
}
"""What the names of claims begin with."""
ORDER = ("certified", "exact", "statistical")
"""Kinds of evidence, the strongest first."""


class Stored(NamedTuple):
    """Read once, for all pages."""

    folder: Path
    inputs: Mapping[str, Any]
    """Tables, and the rows of each claim."""
    lines: pd.DataFrame
    """A line per claim: verdict, margins, power, pictures."""
    claims: Mapping[str, Claim]
    parts: Mapping[str, str]
    """Of the ledger, filled."""

    def cells(self, claim: str) -> pd.DataFrame:
        """Rows and stored cases of a claim, without columns that it leaves empty."""
        rows = self.inputs.get(claim)
        cases = self.inputs["cases"]
        mine = [t for t in (rows, cases[cases["claim"] == claim]) if t is not None and len(t)]
        joined = pd.concat(mine, ignore_index=True)
        return joined.loc[:, joined.notna().any()]

    def line(self, claim: str) -> "pd.Series[Any]":
        """The verdict of a claim, and what else is known in one line."""
        return self.lines[self.lines["claim"] == claim].iloc[0]

    def figure(self, name: str, up: str = "") -> str:
        """A picture with its message below; ``up`` leads from the page to the site's root."""
        caption = html.escape(self.inputs.get("captions", {}).get(name, ""))
        image = f'<img src="{up}figures/{name}.png" alt="Figure {name}">'
        return f"<figure>{image}<figcaption>{caption}</figcaption></figure>\n"

    def points(self, claim: str) -> list[dict[str, Any]]:
        """What the falsifier stored of a claim, and could decide."""
        return [p for p in self.inputs["points"] if p["claim"] == claim and p["found"]]


def stored(folder: Path) -> Stored:
    """Of a folder of the paper profile.

    Raises ValueError or OSError where tables are missing or of another version.
    """
    inputs = stored_inputs(folder)
    lines = claim_lines(*(inputs[name] for name in ("verdicts", "rows", "cases", "points")))
    return Stored(folder, inputs, lines, chosen(None), part_texts(inputs))


def slug(claim: str) -> str:
    """Of the page of a claim: T2.bridge' is T2-bridge-prime."""
    return claim.replace(".", "-").replace("'", "-prime")


def theorem(claim: str) -> str:
    """What a claim belongs to, in words."""
    return THEOREMS[claim.partition(".")[0]]
