"""What checks nothing is an error, told in one line: it must not pass for a success."""

import json
import re
import shutil
from dataclasses import replace

import pandas as pd
import pytest
from helpers.stored.paper import paper_rows
from helpers.toy_claim import TOY

from grpo_checks.experiments import __main__ as cli
from grpo_checks.experiments.check import assert_claim
from grpo_checks.experiments.claims import catalogue
from grpo_checks.experiments.claims.catalogue import CLAIMS, chosen, find
from grpo_checks.experiments.commands import ledger as command
from grpo_checks.experiments.ledger import ledger
from grpo_checks.experiments.origin.code_version import ROOT
from grpo_checks.experiments.protocol import certificates
from grpo_checks.experiments.protocol.certificates import Case, certified_rows, store_cases
from grpo_checks.experiments.protocol.claim import Scope, overall
from grpo_checks.experiments.runs.verify import verify
from grpo_checks.experiments.storage.store import Store

SILENT = """
from grpo_checks.experiments.protocol.claim import Claim
CLAIM = Claim("silent", "", "derived", "holds", (), lambda s, r: [], mutants={"worse": "x"})
"""


def _error(capsys):
    """The one line."""
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    return error


@pytest.mark.parametrize("more", [[], ["--instance", "bandit"], ["--mutant", "worse"]])
def test_a_claim_without_rows(more, tmp_path, monkeypatch, capsys):
    """Its assumptions are not unmet: nobody has looked."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "silent.py").write_text(SILENT)
    assert cli.main(["verify", "--claim", "silent.py", *more]) == 2
    told = _error(capsys)
    assert "claim = 'silent'" in told
    assert ("mutant = 'worse': no rows" if "worse" in more else "'silent': no rows") in told
    assert not list(tmp_path.rglob("verdicts.csv"))
    with pytest.raises(ValueError, match="no rows"):
        assert_claim("silent.py", "bandit")
    with pytest.raises(ValueError, match="at least one"):
        overall([])


def test_a_missing_file_of_stored_cases(tmp_path, monkeypatch, capsys):
    """Known before anything is computed; of the suite's own claims only."""
    monkeypatch.setattr(certified_rows, "__defaults__", (tmp_path / "certified",))
    assert cli.main(["verify", "--claim", "L.groups", "--out", str(tmp_path / "out")]) == 2
    assert re.search(r"L\.groups\.json: no such file", _error(capsys))
    assert not list(tmp_path.rglob("*.json"))
    assert certified_rows(TOY, None) == []


def test_a_file_without_a_case_of_the_claim(tmp_path):
    """Those of its mutants say nothing of itself."""
    claim = find("T1.curl")
    store_cases(claim, [c for c in certificates.load_cases(
        certificates.path_of(claim.name)) if c.mutant], tmp_path)  # fmt: skip
    with pytest.raises(ValueError, match="no case of the claim"):
        certified_rows(claim, None, tmp_path)
    store_cases(TOY, [Case("half", {"p": "1/2"})], tmp_path)
    assert len(certified_rows(TOY, None, tmp_path)) == 1
    assert certified_rows(TOY, "lower", tmp_path) == []


@pytest.mark.parametrize("command", ["verify", "mutants"])
def test_a_catalogue_with_claims_gone(command, tmp_path, monkeypatch, capsys):
    """All but three: named, and nothing is computed."""
    monkeypatch.setattr(catalogue, "CLAIMS", CLAIMS[:3])
    assert cli.main([command, "--out", str(tmp_path / "out")]) == 2
    error = _error(capsys)
    assert f"{len(CLAIMS) - 3} are missing" in error
    assert all(claim.name in error for claim in CLAIMS[3:])
    assert not (tmp_path / "out").exists()


def test_a_claim_that_is_listed_twice(monkeypatch):
    """One of them would be counted for both."""
    monkeypatch.setattr(catalogue, "CLAIMS", (*CLAIMS, CLAIMS[0]))
    with pytest.raises(ValueError, match="each claim once"):
        chosen(None)


def test_claims_that_the_ledger_has_besides(monkeypatch, tmp_path):
    """A claim that is gone with its file is told beside those that differ."""
    shutil.copy(ledger.PAPER / "verdicts.csv", tmp_path)
    monkeypatch.setattr(ledger, "PAPER", tmp_path)
    known = pd.read_csv(tmp_path / "verdicts.csv")
    (line,) = ledger.differences(known.iloc[1:])
    name, verdict = known.loc[0, ["claim", "verdict"]]
    assert line == f"{name}: absent, but {verdict} in the ledger"


@pytest.mark.parametrize("lacking", [("verdicts.csv",), ("rows.csv", "cases.csv")])
def test_a_ledger_of_some_claims(lacking, monkeypatch, tmp_path, capsys):
    """Nobody would miss the line that is not there; the page stays as it was."""
    for path in ledger.PAPER.glob("*.csv"):
        if path.name not in lacking:
            shutil.copy(path, tmp_path)
            continue
        # One line of every other claim.
        table = pd.read_csv(path, low_memory=False).drop_duplicates("claim")
        table[table["claim"] != "T1.slope"].to_csv(tmp_path / path.name, index=False)
    monkeypatch.setattr(command, "PAPER", tmp_path)
    paths = {name: tmp_path / "pages" / path.name for name, path in command.page_paths().items()}
    monkeypatch.setattr(command, "page_paths", lambda: paths)
    assert cli.main(["ledger"]) == 2
    assert f"{lacking[0]}: no line of T1.slope: run make paper" in _error(capsys)
    assert not (tmp_path / "pages").exists()


def test_a_search_that_never_starts(tmp_path, capsys):
    """It has found no violation, and has not looked; an earlier point stays."""
    words = ["falsify", "T2.kappa", "--out", str(tmp_path)]
    assert cli.main([*words, "--minutes", "1e-9"]) == 2
    assert "minutes = 1e-09: expected more" in _error(capsys)
    assert not list(tmp_path.iterdir())


def test_mutants_of_a_claim_that_has_none(tmp_path, capsys):
    """0 of 0 are caught."""
    assert cli.main(["mutants", "--claim", "T3.shift", "--out", str(tmp_path / "x.csv")]) == 2
    assert "expected one with a mutant" in _error(capsys)


def test_power_of_rows_without_samples(tmp_path, capsys):
    """An empty table is no power."""
    rows = paper_rows()
    rows[rows["seeds"].isna()].head(100).to_csv(tmp_path / "rows.csv")
    assert cli.main(["power", str(tmp_path)]) == 2
    assert "no sampled cells" in _error(capsys)


def test_the_origin_of_tables_is_named(tmp_path):
    """Code, version, date, platform: of an edited claim another digest."""
    observed = []
    for claim in (find("L.groups"), replace(find("L.groups"), runs=lambda scope: [])):
        verify([claim], Scope("quick"), Store(tmp_path / "cells"), tmp_path)
        observed.append(json.loads((tmp_path / "provenance.json").read_text()))
    assert observed[0]["code_sha256"] != observed[1]["code_sha256"]
    assert re.fullmatch(r"[0-9a-f]{64}", observed[0]["code_sha256"])
    assert f'version = "{observed[0]["version"]}"' in (ROOT / "pyproject.toml").read_text()
    assert observed[0]["name"] == "grpo-theory-checks"
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", observed[0]["date"])
    assert {"platform", "precision", "jax_options", "xla_flags"} < set(observed[0])
