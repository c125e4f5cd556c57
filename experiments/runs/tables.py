"""What a verification leaves behind: cells, stored cases, verdicts; also as JSON and JUnit XML."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

import pandas as pd

from grpo_checks.experiments.protocol.certificates import STORED
from grpo_checks.experiments.protocol.claim import Claim, Row, overall
from grpo_checks.experiments.protocol.verdict import Verdict
from grpo_checks.experiments.runs.margins import margin
from grpo_checks.experiments.storage.files import canonical
from grpo_checks.experiments.storage.terminal import escaped, escaped_texts

# Where pyarrow is installed, pandas keeps texts in it, which refuses what no encoding knows: names
# of files may hold such characters.
pd.set_option("mode.string_storage", "python")

OPEN = ("refuted", "inconclusive")


@dataclass(frozen=True)
class Report:
    """What one command found."""

    rows: pd.DataFrame
    """A line per cell."""
    cases: pd.DataFrame
    """A line per stored case; not among ``rows``, whose margins and pictures they would disturb."""
    verdicts: pd.DataFrame

    @property
    def as_expected(self) -> bool:
        """Whether every claim came out as expected, or says nothing of the instance."""
        return bool(expected(self.verdicts).all())

    def offending(self, claim: str, limit: int = 5) -> list[dict[str, Any]]:
        """The cells and cases of a claim that are refuted or open, without empty columns."""
        every = [t for t in (self.cases, self.rows) if len(t)]
        rows = []
        for table in every:
            failed = table[(table["claim"] == claim) & table["verdict"].isin(OPEN)]
            for row in failed.head(limit).to_dict("records"):
                rows.append(
                    {
                        str(k): v
                        for k, v in row.items()
                        if pd.notna(v) and v != "" and _shown(str(k))
                    }
                )
        return rows[:limit]


def _shown(column: str) -> bool:
    hidden = ("slack: ", "V at", "N V at", "average at", "lower at", "upper at")
    return not column.startswith(hidden)


def expected(verdicts: pd.DataFrame) -> pd.Series:
    """Per claim: as expected, or silent on the one model that was asked about."""
    return verdicts["as_expected"].astype(bool)


SILENT = ("vacuous", "assumption unmet")
IDENTITY, COPY = "identity", "copy"
"""How cells are counted in which both sides are equal whatever the policy, and those that are
another cell with all rewards multiplied: no evidence."""


def counted(values: Sequence[str]) -> str:
    """How many there are of each, the most frequent first."""
    return ", ".join(
        f"{n} {value}" for value, n in pd.Series(values, dtype=str).value_counts().items()
    )


def _rests_on(rows: Sequence[Row]) -> str:
    """How many rows of each kind of evidence say something: no unmet assumption, no identity, no
    copy."""
    telling = [row for row in rows if label(row) not in (IDENTITY, COPY, "assumption unmet")]
    return counted([row.evidence for row in telling])


def label(row: Row) -> str:
    """What a cell is counted as: its verdict, or apart."""
    return _label(row.verdict, row.identity, "copy_of" in row.extra)


def labels(cells: pd.DataFrame) -> list[str]:
    """The same of rows in a table."""
    copies = cells.reindex(columns=["copy_of"])["copy_of"].notna()
    return [_label(*row) for row in zip(cells["verdict"], cells["identity"], copies, strict=True)]


def _label(verdict: str, identity: bool, copied: bool) -> str:
    """A copy that is refuted or open is no less so."""
    if copied and verdict in ("holds", "vacuous"):
        return COPY
    return IDENTITY if identity is True and verdict == "vacuous" else verdict


def _fine(claim: Claim, verdict: Verdict) -> bool:
    """Of one model: what is false somewhere may be true there."""
    return verdict in SILENT or (claim.expected, verdict) == ("refuted", "holds")


def _summary(
    claim: Claim, rows: Sequence[Row], on_model: bool, mutant: str | None
) -> dict[str, object]:
    cells = [row for row in rows if row.instance != STORED]
    verdict = overall([row.verdict for row in rows])
    wanted, stated = claim.expected, claim.statement
    if mutant is not None:
        wanted, stated = "refuted", f"{mutant} ({claim.mutants[mutant]}), of: {claim.statement}"
    summary: dict[str, object] = {
        "claim": claim.name,
        "provenance": claim.provenance,
        "verdict": verdict,
        "expected": wanted,
        # A mutant is to be caught: that the model says nothing of it does not do.
        "as_expected": verdict == wanted or (on_model and not mutant and _fine(claim, verdict)),
        "cells": counted([label(row) for row in cells]),
        "evidence": _rests_on(rows),
        "margin": margin(pd.DataFrame([row.flat() for row in rows])),
        "figure": ", ".join(claim.figures),
        "statement": stated,
    }
    return escaped_texts(summary)


def report(
    claims: Sequence[Claim],
    judged: Sequence[Sequence[Row]],
    on_model: bool = False,
    mutant: str | None = None,
) -> Report:
    """The tables of all claims, texts escaped; ``on_model``: asked of one model, where silence is
    fine.

    With ``mutant`` of one false version, which is to be refuted.
    """
    every = [row for rows in judged for row in rows]
    cells, cases = (
        [escaped_texts(r.flat()) for r in every if (r.instance == STORED) == k]
        for k in (False, True)
    )
    pairs = zip(claims, judged, strict=True)
    verdicts = [_summary(claim, rows, on_model, mutant) for claim, rows in pairs]
    # A header also where nothing is stored, so that the file can always be read.
    blank = list(Row("", STORED, {"case": ""}, None, None, None, None, "holds").flat())
    return Report(
        pd.DataFrame(cells), pd.DataFrame(cases, columns=None if cases else blank),
        pd.DataFrame(verdicts),
    )  # fmt: skip


def as_json(report: Report) -> str:
    """All verdicts and what speaks against those that are not as expected, for other programs."""
    same = expected(report.verdicts)
    claims = []
    for line, fine in zip(report.verdicts.to_dict("records"), same, strict=True):
        rows = [] if fine else [_plain(row) for row in report.offending(line["claim"])]
        claims.append({**line, "as_expected": bool(fine), "offending": rows})
    return canonical({"format": "verdicts/1", "as_expected": bool(same.all()), "claims": claims})


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    """With numbers and strings that JSON knows; infinities as text."""
    plain = {}
    for key, value in row.items():
        number = isinstance(value, float | int) and not isinstance(value, bool)
        plain[key] = float(value) if number and abs(value) < float("inf") else str(value)
    return plain


def as_junit(report: Report) -> str:
    """JUnit XML: one test case per claim; one that says nothing of the model is a skipped test."""
    same = expected(report.verdicts)
    counts = {"tests": str(len(same)), "failures": str(int((~same).sum()))}
    suite = ElementTree.Element("testsuite", {"name": "claims", **counts})
    for line, fine in zip(report.verdicts.to_dict("records"), same, strict=True):
        case = ElementTree.SubElement(suite, "testcase", classname="claims", name=line["claim"])
        if not fine:
            message = f"{line['verdict']}, expected {line['expected']}"
            failure = ElementTree.SubElement(case, "failure", message=message)
            rows = [
                escaped(", ".join(f"{k}={v}" for k, v in row.items()))
                for row in report.offending(line["claim"])
            ]
            failure.text = "\n".join([line["statement"], *rows])
        elif line["verdict"] != line["expected"]:
            ElementTree.SubElement(case, "skipped", message=line["verdict"])
        ElementTree.SubElement(case, "system-out").text = line["cells"]
    ElementTree.indent(suite)
    return ElementTree.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"
