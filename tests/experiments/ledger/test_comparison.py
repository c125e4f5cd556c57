"""What differs between two folders is told: each kind of difference, planted by hand."""

import json
import shutil

import pandas as pd
import pytest

from grpo_checks.experiments import __main__ as cli
from grpo_checks.experiments.ledger.comparison import compare

VERDICTS = pd.DataFrame({"claim": ["A", "B"], "verdict": ["holds", "refuted"]})
ROWS = pd.DataFrame(
    {
        "claim": ["A", "A", "A", "B"],
        "instance": ["one", "one", "NA", ""],
        "group_size": [2.0, 2.0, 8.0, None],
        "observed": [0.5, 0.25, 1.0, 2.0],
        "verdict": ["holds", "holds", "vacuous", "refuted"],
        "note": ["", "", "", "why"],
    }
)


def _folder(path, rows=ROWS, verdicts=VERDICTS, packages=None):
    path.mkdir()
    verdicts.to_csv(path / "verdicts.csv", index=False)
    rows.to_csv(path / "rows.csv", index=False)
    ROWS.tail(1).assign(case="c").to_csv(path / "cases.csv", index=False)
    facts = {"code_sha256": "0", "date": str(path), "packages": packages or {"numpy": "1"}}
    (path / "provenance.json").write_text(json.dumps(facts))
    return path


def _changed(column, at, value):
    return ROWS.assign(**{column: [value if i == at else x for i, x in enumerate(ROWS[column])]})


@pytest.fixture
def kept(tmp_path):
    """The folder to compare with."""
    return _folder(tmp_path / "kept")


def _lines(tmp_path, kept, **changes):
    return compare(_folder(tmp_path / "new", **changes), kept)


def test_equal_results_differ_in_nothing(tmp_path, kept):
    """Whatever the date, the order of the rows, and whether whole numbers have a point."""
    whole = ROWS.iloc[:3].astype({"group_size": int})
    last = VERDICTS.head(1)
    assert _lines(tmp_path, kept, rows=ROWS.iloc[[3, 0, 1, 2]]) == ([], True)
    part = compare(_folder(tmp_path / "part", rows=whole, verdicts=last), kept)
    missing = [line for line in part.lines if not line.startswith("cases.csv")]
    assert missing == [f"verdicts.csv: 1 claims of {kept} are not in {tmp_path / 'part'}"]


@pytest.mark.parametrize(
    ("rows", "line", "alike"),
    [
        (_changed("observed", 1, 0.2), "A: observed differs in 1 of 3 rows, by up to 0.2", True),
        (_changed("observed", 2, None), "A: observed differs in 1 of 3 rows, by up to inf", True),
        (_changed("note", 3, "else"), "B: note differs in 1 of 1 rows", True),
        (_changed("verdict", 2, "holds"), "A: NA, 8: holds, but vacuous in what is kept", False),
        (ROWS.head(3), "B: 1 rows are missing", False),
        (pd.concat([ROWS, ROWS.head(1)]), "A: 1 rows are new", False),
        (ROWS.assign(more=1.0), "A: more differs in 3 of 3 rows", True),
    ],
)
def test_each_difference_is_told(tmp_path, kept, rows, line, alike):
    """Where it is, in how many rows, and by how much of the larger number."""
    lines, agree = _lines(tmp_path, kept, rows=rows)
    assert any(text.startswith(f"rows.csv: {line}") for text in lines), lines
    assert agree is alike


def test_the_smallest_difference_is_one(tmp_path, kept):
    """No tolerance: one unit in the last place, 2^-53 of 1."""
    lines, _ = _lines(tmp_path, kept, rows=_changed("observed", 2, 1 - 2**-53))
    assert lines == ["rows.csv: A: observed differs in 1 of 3 rows, by up to 1.1e-16 of the larger"]


def test_verdicts_and_versions_are_told(tmp_path, kept):
    """Of claims; and what computed them."""
    verdicts = VERDICTS.assign(verdict=["holds", "holds"])
    lines, alike = _lines(tmp_path, kept, verdicts=verdicts, packages={"numpy": "2"})
    assert lines == [
        "verdicts.csv: B: holds, but refuted in what is kept",
        "provenance.json: numpy: 2, but 1 in what is kept",
    ]
    assert not alike


def test_the_command_writes_nothing(tmp_path, kept, capsys):
    """Status 0, 1 where a verdict differs, 2 for a folder without tables."""
    new = _folder(tmp_path / "new", rows=_changed("verdict", 0, "refuted"))
    before = {p: p.read_bytes() for p in tmp_path.rglob("*.*")}
    assert cli.main(["compare", str(new), "--kept", str(new)]) == 0
    assert cli.main(["compare", str(new), "--kept", str(kept)]) == 1
    out = capsys.readouterr().out
    assert f"{new}: as in {new}" in out
    assert "rows.csv: A: one, 2: refuted, but holds in what is kept" in out
    assert {p: p.read_bytes() for p in tmp_path.rglob("*.*")} == before
    shutil.rmtree(kept)
    assert cli.main(["compare", str(new), "--kept", str(kept)]) == 2
    assert "kept: no verdicts.csv, rows.csv, cases.csv: expected" in capsys.readouterr().err
