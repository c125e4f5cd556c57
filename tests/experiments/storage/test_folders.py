"""Every question has an output folder of its own, and no part replaces the tables of all."""

import re
from pathlib import Path

import pandas as pd
import pytest
from helpers.processes.forked import Forked

from grpo_checks.experiments import __main__ as cli
from grpo_checks.experiments.audit.falsify_report import identifier
from grpo_checks.experiments.claims.catalogue import CLAIMS, chosen
from grpo_checks.experiments.runs.stored import PAPER
from grpo_checks.experiments.storage.folders import LONGEST, label, labels

ROOT = Path(__file__).parents[3]
MODEL = ROOT / "tests" / "data" / "three_answers.json"
MINE = """
from dataclasses import replace
from grpo_checks.experiments.claims.generalization import kl_order
CLAIM = replace(kl_order.CLAIM, name="mine")
"""


@pytest.fixture
def teams(tmp_path, monkeypatch):
    """Two files of one name, in the working directory's folders; what they say is the same."""
    monkeypatch.chdir(tmp_path)
    paths = [Path(team) / "model.json" for team in ("team_a", "team_b")]
    for path in paths:
        path.parent.mkdir()
        path.write_text(MODEL.read_text())
    return paths


def test_files_of_one_name_have_a_folder_each(teams):
    """junit.xml of the second team does not replace that of the first; nor does its advice."""
    for path in teams:
        names = ["--claim", "T3.klorder", "--instance", str(path)]
        assert cli.main(["verify", *names, "--out", "x"]) == 0
        assert cli.main(["advise", "--instance", str(path), "--budget", "8"]) == 0
    assert len(list(Path("x").rglob("junit.xml"))) == 2
    assert len(list(Path("results/advise").rglob("rows.csv"))) == 2


SEARCHED = """
from dataclasses import replace
from helpers.toy_claim import TOY
CLAIM = replace(TOY, name="mine")
"""


def test_points_of_files_of_one_name_have_a_folder_each(teams, tmp_path, capsys):
    """And of a file that calls its claim as another one does."""
    for team in ("team_a", "team_b"):
        (tmp_path / team / "mine.py").write_text(SEARCHED)
        names = ["falsify", f"{team}/mine.py", "--minutes", "1", "--mutant", "lower"]
        assert cli.main([*names, "--out", "x"]) == 0
    points = list(Path("x").rglob("point.json"))
    assert len(points) == 2
    message = capsys.readouterr().out
    assert all(f"stored: {point.parent}" in message for point in points)


def test_labels_tell_everything_apart(tmp_path, monkeypatch):
    """Paths, names that differ in what a folder cannot be called, and a long list of claims."""
    monkeypatch.chdir(tmp_path)
    files = ["model.json", "a/model.json", "b/model.json", "a-model.json", "../model.json"]
    claims = ["T2.bridge", "T2.bridge'", "T2.bridge ", "T2.bridge-"]
    parts = [*files, "/model.json", *claims, "a b", "a-b", "a+b", "a/b", "x" * 300, "x" * 301]
    parts += ["é" * 200, "."]
    observed = [label(part) for part in parts]
    assert len(set(observed)) == len(parts)
    assert all(re.fullmatch(r"[\w.-]+", name) and len(name.encode()) < 255 for name in observed)
    assert observed[0] == "model.json"
    assert label(str(tmp_path / "model.json")) == label("./a/../model.json") == "model.json"
    lists = [labels([c.name for c in CLAIMS][:n]) for n in range(1, len(CLAIMS) + 1)]
    assert len(set(lists)) == len(lists)
    assert max(map(len, lists)) < LONGEST + 20
    assert len({identifier(claim.name) for claim in CLAIMS}) == len(CLAIMS)


def test_all_claims_by_name(tmp_path):
    """Their names together are longer than a file's may be."""
    named = [part for c in CLAIMS for part in ("--claim", c.name)]
    command = ["verify", *named, "--instance", "nowhere", "--out", str(tmp_path)]
    assert cli.main(command) == 2


def test_a_claim_that_is_named_twice_counts_once(tmp_path, monkeypatch):
    """As a name, and as a file by two of its paths."""
    out = ["--out", str(tmp_path)]
    assert cli.main(["verify", "--claim", "T3.klorder", "--claim", "T3.klorder", *out]) == 0
    (table,) = tmp_path.glob("part/T3.klorder/verdicts.csv")
    assert pd.read_csv(table)["claim"].tolist() == ["T3.klorder"]
    monkeypatch.chdir(tmp_path)
    Path("mine.py").write_text(MINE)
    assert list(chosen(["mine.py", "T1.rate", "./mine.py", "T1.rate"])) == ["mine.py", "T1.rate"]


def test_a_prefix_names_its_claims():
    """Up to a dot, in the order of the catalogue; a claim's own name is no prefix."""
    names = [claim.name for claim in CLAIMS]
    assert list(chosen(["T2"])) == [name for name in names if name.startswith("T2.")]
    assert list(chosen(["T2.bridge", "T1.own"])) == ["T2.bridge", "T1.own"]
    with pytest.raises(ValueError, match=r"claim = 'T1\.rat': did you mean 'T1\.rate'\? expected"):
        chosen(["T1.rat"])
    with pytest.raises(ValueError, match=r"claim = 'T': expected one of"):
        chosen(["T"])


def test_two_claims_of_one_name_are_refused(tmp_path, monkeypatch, capsys):
    """The rows of one would be taken for those of the other."""
    monkeypatch.chdir(tmp_path)
    for name in ("mine.py", "theirs.py"):
        Path(name).write_text(MINE)
    assert cli.main(["verify", "--claim", "mine.py", "--claim", "theirs.py"]) == 2
    assert "expected one of the name 'mine'" in capsys.readouterr().err
    assert not Path("results").exists()


def test_power_prints_and_stores_where_it_is_asked_to(tmp_path, capsys):
    """results/paper/power.csv is committed."""
    before = {path: path.stat().st_mtime_ns for path in PAPER.glob("*")}
    assert cli.main(["power"]) == 0
    assert "T1.path" in capsys.readouterr().out
    assert {path: path.stat().st_mtime_ns for path in PAPER.glob("*")} == before
    assert cli.main(["power", "--out", str(tmp_path / "x.csv")]) == 0
    assert pd.read_csv(tmp_path / "x.csv")["claim"].notna().all()


def test_mutants_of_one_claim_have_a_table_of_their_own(tmp_path, monkeypatch):
    """That of all stays."""
    monkeypatch.chdir(tmp_path)
    assert cli.main(["mutants", "--claim", "L.groups"]) == 0
    assert [p.parent.name for p in Path().rglob("mutants.csv")] == ["L.groups"]


PLACES = """
import runpy, sys
main = runpy.run_path(sys.argv[1])
print(main["place"]([]), main["place"](["training"]))
main["main"](["training", "typo"])
"""


def test_a_part_of_the_benchmarks_has_a_table_of_its_own():
    """results/bench is committed, and the README quotes it; an unknown benchmark is told."""
    printed, said, status = Forked(PLACES, ROOT / "tests" / "benchmarks").end()
    total, part = printed.split()
    assert Path(total) == ROOT / "results" / "bench" / "rows.csv"
    assert Path(part) == ROOT / "results" / "part" / "bench" / "rows.csv"
    assert status == 1
    assert "expected some of ('batches', 'cost'," in said
