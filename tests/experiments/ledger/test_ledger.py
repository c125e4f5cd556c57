"""The ledger: one table on top, a referee's summary per theorem, the verifier verified."""

import json
import re
import shutil

import pandas as pd
import pytest
from helpers.stored.paper import paper_pages, paper_rows

from grpo_checks.experiments.ledger.facts.theorems import counterexamples
from grpo_checks.experiments.ledger.ledger import PAPER, SUMMARY, ledger_pages
from grpo_checks.experiments.runs.words import exactly
from grpo_checks.experiments.storage.text import WIDTH

WORDS = 6000
"""Of the page that people read first."""


CASES = pd.DataFrame(
    [
        ("T2.bridge", "two samples", 0.05, 0.0, "refuted", "1/20", "0", "joint 1/10"),
        ("T3.klorder", "long", 0.5, 0.25, "refuted", "1" * 30 + "/3", "1/4", ""),
        ("T2.gap", "tight", 0.25, 0.25, "holds", "1/4", "1/4", ""),
    ],
    columns=[
        "claim",
        "case",
        "observed",
        "bound",
        "verdict",
        "observed_exact",
        "bound_exact",
        "note",
    ],
)


LINE = {
    "claim": "T", "mutant": "m", "change": "c", "verdict": "refuted", "false on": "case x",
    "caught by": "certified case", "beaten by": "2 times", "seconds": 0.5,
}  # fmt: skip
MUTANTS = pd.DataFrame([LINE, {**LINE, "verdict": "not caught", "caught by": ""}])
SEEN = pd.DataFrame([{"claim": "T", "smallest change seen": "1.00%", "at": "here", "rows": "r"}])
ALARMS = json.loads((PAPER / "alarms.json").read_text())


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The stored tables alone."""
    folder = tmp_path_factory.mktemp("tables")
    for name in ("rows.csv", "verdicts.csv", "provenance.json"):
        shutil.copy(PAPER / name, folder)
    return folder


@pytest.fixture(scope="module")
def without(folder):
    """The pages of ``folder``."""
    return ledger_pages(folder)


@pytest.fixture(scope="module")
def pages(folder, tmp_path_factory):
    """Those of ``folder`` with stored cases and what verifies the verifier beside the tables."""
    more = shutil.copytree(folder, tmp_path_factory.mktemp("more"), dirs_exist_ok=True)
    CASES.to_csv(more / "cases.csv", index=False)
    MUTANTS.to_csv(more / "mutants.csv", index=False)
    SEEN.to_csv(more / "mutants_smallest.csv", index=False)
    (more / "alarms.json").write_text(json.dumps({**ALARMS, "alarms": 7}))
    return ledger_pages(more)


def test_theorems_read_like_a_report(folder, pages):
    """Claimed, true, not true, in numbers, in practice; then the details."""
    for text in pages.values():
        assert max(map(len, re.findall(r"(?m)^[^|#!\s].*$", text))) <= WIDTH
    summary = pages[SUMMARY]
    assert len(summary.split()) < WORDS
    for number in (1, 2, 3):
        part = summary.split(f"## Theorem {number}: ")[-1].split("\n## ")[0]
        heads = ("What was claimed", "What is true", "What is not", "counterexamples", "practice")
        places = [part.index(heading) for heading in heads]
        assert places == sorted(places)
        assert "{" not in part
    top = re.findall(r"(?m)^\|.*$", summary.split("## All claims")[1].split("\n## ")[0])
    names = "statement | whose | verdict | looseness | distance | rounding | power | picture"
    assert top[0] == f"| claim | {names} |"
    assert len(top) == 2 + len(pd.read_csv(folder / "verdicts.csv"))
    assert all(line.split(" | ")[-1].strip("| ") for line in top), "a picture, or why none"


def test_answers_come_first():
    """Four questions of each theorem, before any table; all within a screen of text."""
    answers = paper_pages()[SUMMARY].split("## All claims")[0]
    assert re.findall(r"## Theorem (\d): ", answers) == ["1", "2", "3"]
    for part in answers.split("\n## ")[1:]:
        asked = re.findall(r"\*\*(.*?)\*\*", part)
        assert asked == ["Is it true?", "Where not?", "How loose?", "For you:"]
        assert len(part.split()) < 285


def test_counterexamples_are_the_stored_points():
    """In fractions, unless they are too long to read; cells where nothing is stored."""
    rows = paper_rows()
    table = counterexamples(["T2.bridge", "T3.klorder", "T1.K"], rows, CASES).set_index("claim")
    assert table.loc["T2.bridge", ["point", "observed", "allowed"]].tolist() == [
        "two samples",
        "1/20",
        "0",
    ]
    assert table.loc["T3.klorder", "observed"] == "0.5"
    assert table.loc["T1.K", "point"] == "bits"
    assert exactly(pd.Series({"bound": 1 / 3}), "bound") == "0.333333"


def test_stored_cases_disturb_no_other_part(pages, without):
    """The details are those of the cells; only summaries and the last section know the cases, and
    what is told of the verifier."""
    for name in ("theorem1", "theorem3", "other_papers"):
        assert pages[name] == without[name]
    assert "| T2.gap | tight | 1/4 | 1/4 | holds |" in pages["verifier"]
    assert "Certified cases" not in without["verifier"]


def test_the_verifier_is_told_from_its_files(pages, without):
    """Mutants and alarms as stored; parts without a file are left out."""
    empty = "\n".join(without.values())
    assert "Mutants" not in empty
    assert "False alarms" not in empty
    text = " ".join("\n".join(pages.values()).split())
    assert "1 of 2 are, 1 of them by a certified case" in text
    assert "refuted in 7, at the level 2.5e-05" in text
    assert "1 that hold and 2 counterexamples" in text
    assert ALARMS["within_level"]
