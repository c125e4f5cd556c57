"""The ledger: one table on top, a referee's summary per theorem, the verifier verified."""

import json
import re
import shutil

import pandas as pd
import pytest

from grpo_checks.experiments.ledger.facts.theorems import counterexamples
from grpo_checks.experiments.ledger.ledger import PAPER, ledger_text
from grpo_checks.experiments.ledger.words import exactly
from grpo_checks.experiments.storage.text import WIDTH

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


@pytest.fixture
def folder(tmp_path):
    """The stored tables, with stored cases beside them."""
    for name in ("rows.csv", "verdicts.csv", "provenance.json"):
        shutil.copy(PAPER / name, tmp_path)
    CASES.to_csv(tmp_path / "cases.csv", index=False)
    return tmp_path


def test_theorems_read_like_a_report(folder):
    """Claimed, true, not true, in numbers, in practice; then the details."""
    text = ledger_text(folder)
    assert max(map(len, re.findall(r"(?m)^[^|#!\s].*$", text))) <= WIDTH
    for number in (1, 2, 3):
        part = text.split(f"## Theorem {number}: ")[1].split(f"### Theorem {number} in detail")[0]
        heads = ("What was claimed", "What is true", "What is not", "counterexamples", "practice")
        places = [part.index(heading) for heading in heads]
        assert places == sorted(places)
        assert "{" not in part
    top = text.split("\n\n")[3].splitlines()
    names = "claim | statement | provenance | verdict | margin | power | rests on | figure"
    assert top[0] == f"| {names} |"
    assert len(top) == 2 + len(pd.read_csv(folder / "verdicts.csv"))


def test_counterexamples_are_the_stored_points(folder):
    """In fractions, unless they are too long to read; cells where nothing is stored."""
    rows = pd.read_csv(folder / "rows.csv", low_memory=False)
    table = counterexamples(["T2.bridge", "T3.klorder", "T1.K"], rows, CASES).set_index("claim")
    assert table.loc["T2.bridge", ["point", "observed", "allowed"]].tolist() == [
        "two samples",
        "1/20",
        "0",
    ]
    assert table.loc["T3.klorder", "observed"] == "0.5"
    assert table.loc["T1.K", "point"] == "bits"
    assert exactly(pd.Series({"bound": 1 / 3}), "bound") == "0.333333333333"


def test_stored_cases_disturb_no_other_part(folder):
    """The details are those of the cells; only summaries and the last section know the cases."""
    with_cases = ledger_text(folder)
    (folder / "cases.csv").unlink()
    without = ledger_text(folder)
    for number, after in ((1, "## Theorem 2"), (2, "## Theorem 3"), (3, "## Results")):
        cut = f"### Theorem {number} in detail"
        details = [t.split(cut)[1].split(after)[0] for t in (with_cases, without)]
        assert details[0] == details[1]
    assert "| T2.gap | tight | 1/4 | 1/4 | holds |" in with_cases
    assert "Certified cases" not in without


def test_the_verifier_is_told_from_its_files(folder):
    """Mutants and alarms as stored; parts without a file are left out."""
    empty = ledger_text(folder)
    assert "Mutants" not in empty
    assert "False alarms" not in empty
    line = {"claim": "T", "mutant": "m", "change": "c", "verdict": "refuted", "false on": "case x",
            "caught by": "certified case", "beaten by": "2 times", "seconds": 0.5}  # fmt: skip
    missed = {**line, "verdict": "not caught", "caught by": ""}
    pd.DataFrame([line, missed]).to_csv(folder / "mutants.csv", index=False)
    seen = pd.DataFrame(
        [{"claim": "T", "smallest change seen": "1.00%", "at": "here", "rows": "r"}]
    )
    seen.to_csv(folder / "mutants_smallest.csv", index=False)
    stored = json.loads((PAPER / "alarms.json").read_text())
    (folder / "alarms.json").write_text(json.dumps({**stored, "alarms": 7}))
    text = " ".join(ledger_text(folder).split())
    assert "1 of 2 are, 1 of them by a certified case" in text
    assert "refuted in 7, at the level 2.5e-05" in text
    assert "1 that hold and 2 counterexamples" in text
    assert stored["within_level"]
