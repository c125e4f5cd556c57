"""What verify leaves behind for other programs, and what explain and mutants say."""

import json
from dataclasses import replace
from xml.etree import ElementTree

import jax
import pandas as pd
import pytest
from helpers.toy_claim import TOY

from grpo_checks.experiments import __main__ as cli
from grpo_checks.experiments.check import assert_claim
from grpo_checks.experiments.models.building.model import Model
from grpo_checks.experiments.protocol import certificates
from grpo_checks.experiments.protocol.certificates import Case, store_cases
from grpo_checks.experiments.protocol.claim import Row, Scope
from grpo_checks.experiments.runs.tables import STORED, as_json, as_junit, expected, report
from grpo_checks.experiments.runs.verify import verify
from grpo_checks.experiments.storage.store import Store

HELD = Row("toy", "model", {"G": 2}, 0.2, 0.2, 0.2, 0.25, "holds")
BROKEN = Row("toy", "model", {"G": 3}, 0.3, 0.29, 0.31, 0.25, "refuted", "why", {}, "statistical")
CERTAIN = replace(HELD, instance=STORED, parameters={"case": "half"}, evidence="certified")


@pytest.mark.parametrize(("rows", "failures"), [([HELD, CERTAIN], 0), ([HELD, BROKEN], 1)])
def test_reports_for_other_programs(rows, failures):
    """One test case per claim; the text of a failure is the cells that failed, not the others."""
    tables = report([TOY], [rows])
    suite = ElementTree.fromstring(as_junit(tables))
    assert (suite.get("tests"), suite.get("failures")) == ("1", str(failures))
    texts = [failure.text or "" for failure in suite.iter("failure")]
    assert len(texts) == failures
    assert all("G=3" in text and "G=2" not in text for text in texts)
    content = json.loads(as_json(tables))
    assert content["as_expected"] is (failures == 0)
    (claim,) = content["claims"]
    assert [row["G"] for row in claim["offending"]] == [3.0] * failures
    assert tables.as_expected is (failures == 0)


def test_stored_cases_have_a_table_of_their_own():
    """They are counted as evidence and in the verdict, and not among cells and margins."""
    tables = report([TOY], [[HELD, CERTAIN]])
    (line,) = tables.verdicts.to_dict("records")
    assert line["evidence"] == "1 exact, 1 certified"
    assert (line["cells"], line["margin"]) == (
        "1 holds",
        "bound/observed 1.25",
    )
    assert (len(tables.rows), len(tables.cases)) == (1, 1)
    broken = report([TOY], [[HELD, replace(CERTAIN, verdict="refuted")]])
    assert broken.verdicts["verdict"].tolist() == ["refuted"]
    assert "case" in report([TOY], [[HELD]]).cases.columns


SILENT = Row("toy", "model", {}, None, None, None, None, "assumption unmet", "why")
IDLE = Row("toy", "model", {}, 0.0, 0.0, 0.0, 0.0, "holds", rounding=0.0, identity=True)


@pytest.mark.parametrize("row", [SILENT, IDLE, replace(IDLE, identity=False, verdict="vacuous")])
def test_silence_is_fine_on_a_model_and_nowhere_else(row):
    """In JUnit as in the exit status: skipped, not failed; without a model it is a failure."""
    observed, alone = (report([TOY], [[row]], on_model=k) for k in (True, False))
    assert expected(observed.verdicts).all()
    assert [
        e.get("message") for e in ElementTree.fromstring(as_junit(observed)).iter("skipped")
    ] == [row.verdict]
    assert not alone.as_expected
    assert ElementTree.fromstring(as_junit(alone)).get("failures") == "1"


def test_identities_are_counted_apart():
    """In the table of verdicts, hence in JSON and on the terminal, and in JUnit; no evidence."""
    tables = report([TOY], [[HELD, IDLE, IDLE, CERTAIN]])
    (line,) = tables.verdicts.to_dict("records")
    assert line["cells"] == "2 identity, 1 holds"
    assert line["evidence"] == "1 exact, 1 certified"
    assert line["margin"] == "bound/observed 1.25"
    (message,) = ElementTree.fromstring(as_junit(tables)).iter("system-out")
    assert message.text == line["cells"]
    assert json.loads(as_json(tables))["claims"][0]["cells"] == line["cells"]
    assert tables.rows["identity"].tolist() == [False, True, True]


def test_files_are_written(tmp_path):
    """All of them, also by the profile for continuous integration, which asks for no ledger."""
    out = ["--profile", "ci", "--out", str(tmp_path)]
    assert cli.main(["verify", "--claim", "T2.identity", *out]) == 0
    folder = tmp_path / "part" / "T2.identity"
    names = {"rows.csv", "cases.csv", "verdicts.csv", "verdicts.json", "junit.xml"}
    assert names < {path.name for path in folder.iterdir()}
    assert pd.read_csv(folder / "verdicts.csv")["evidence"].notna().all()


def test_assert_claim(tmp_path):
    """In a test of someone else's: silent, or an AssertionError that names the reason."""
    example = certificates.FOLDER.parents[1] / "examples" / "lookup.json"
    jax.config.update("jax_enable_x64", False)
    try:
        assert_claim("T1.budget", example)
        assert not jax.config.jax_enable_x64
    finally:
        jax.config.update("jax_enable_x64", True)
    with pytest.raises(AssertionError, match=r"T1\.bias: assumption unmet.*\n.*a zero of E"):
        assert_claim("T1.bias", example)
    assert_claim("T1.bias", example, verdict="assumption unmet")
    written = Model("coin").prompt("q", "s").answer("heads", reward=1).answer("tails")
    assert_claim("T1.bias", written, verdict="assumption unmet")
    with pytest.raises(ValueError, match=r"T9\.none"):
        assert_claim("T9.none")
    with pytest.raises(ValueError, match=r"verdict = 'hold': expected one of \('holds', 'refuted'"):
        assert_claim("T1.bias", written, verdict="hold")


def test_verify_counts_stored_cases(tmp_path, monkeypatch):
    """They are part of the verdict, and of cases.csv."""
    monkeypatch.setattr(certificates.certified_rows, "__defaults__", (tmp_path,))
    store_cases(TOY, [Case("half", {"p": "1/2"})], tmp_path)
    claim = replace(TOY, rows=lambda scope, results: [HELD])
    verified = verify([claim], Scope("quick"), Store(tmp_path / "cells"), tmp_path / "out")
    assert verified.cases["case"].tolist() == ["half"]
    assert pd.read_csv(tmp_path / "out" / "cases.csv")["observed_exact"].tolist() == ["1/4"]


@pytest.mark.parametrize("words", [[], ["verify"], ["mutants"]])
def test_help_says_what_the_exit_status_means(words, capsys):
    """All five of them."""
    with pytest.raises(SystemExit):
        cli.main([*words, "--help"])
    printed = " ".join(capsys.readouterr().out.split())
    assert all(f" {n} " in printed.split("Exit status:")[1] for n in (0, 1, 2, 3, 70))
