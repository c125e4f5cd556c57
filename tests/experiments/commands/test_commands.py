"""Commands that meet on one folder, one after the other and at once."""

import json
import os

import pytest
from helpers.processes.forked import Forked

from grpo_checks.experiments import __main__ as cli
from grpo_checks.experiments.origin.environment import MARK
from grpo_checks.experiments.runs import training as runs

# Exact, and free of compilation.
CLAIMS = ("T3.klorder", "L.convergence", "L.groups")


def _command(out, *more):
    named = [part for name in CLAIMS for part in ("--claim", name)]
    return ["verify", *named, "--out", str(out), *more]


def _tables(out):
    return {p.name: p.read_bytes() for p in out.rglob("*.csv")}


def _stored(out):
    return {p.name: (os.stat(p).st_ino, p.read_bytes()) for p in out.glob("cells/*.json")}


def _left(out):
    """What is no result."""
    return [p.name for p in out.glob("cells/*") if p.suffix != ".json"]


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """The folder of one undisturbed command."""
    out = tmp_path_factory.mktemp("alone")
    assert cli.main(_command(out)) == 0
    assert len(_stored(out)) == len(CLAIMS)
    return out


PROGRAM = """
import sys
from grpo_checks.experiments.__main__ import main
sys.exit(main())
"""


def test_two_commands_at_once(alone, tmp_path):
    """One consistent table, nothing left behind."""
    both = [process.end() for process in [Forked(PROGRAM, *_command(tmp_path)) for _ in range(2)]]
    assert [status for *_, status in both] == [0, 0]
    # Which of them compiled a program, and which found it kept, is a matter of chance.
    first, second = (
        [line for line in text.splitlines() if "programs compiled" not in line] for text, *_ in both
    )
    assert first == second
    assert _tables(tmp_path) == _tables(alone)
    assert {name: text for name, (_, text) in _stored(tmp_path).items()} == {
        name: text for name, (_, text) in _stored(alone).items()
    }
    assert _left(tmp_path) == [MARK]


def test_again_and_afresh(alone):
    """A second command touches nothing; --fresh computes everything again, to the same bytes."""
    before, tables = _stored(alone), _tables(alone)
    assert cli.main(_command(alone)) == 0
    assert _stored(alone) == before
    assert cli.main(_command(alone, "--fresh")) == 0
    after = _stored(alone)
    assert after.keys() == before.keys()
    for name, (inode, text) in after.items():
        assert text == before[name][1]
        assert inode != before[name][0]
    assert _tables(alone) == tables
    assert _left(alone) == [MARK]


def test_a_damaged_result_is_told(alone, capsys):
    """Set aside, named, and computed again; the verdicts are as before."""
    tables = _tables(alone)
    path = next(alone.glob("cells/*.json"))
    path.write_text(path.read_text()[:-9])
    assert cli.main(_command(alone)) == 0
    printed = capsys.readouterr().out
    assert f"unsound file set aside and computed again: {path.with_suffix('.unsound-')}" in printed
    assert json.loads(path.read_text())["result"]
    assert _tables(alone) == tables


SAMPLED = '''
"""What this file says of its claim."""
from functools import partial
from grpo_checks.experiments.protocol.claim import Claim
from grpo_checks.experiments.protocol.cell_rows import inequality
from grpo_checks.experiments.models.instances import named
from grpo_checks.experiments.models.settings import RunSettings

def runs(scope):
    return [RunSettings(named("conflict", components=1), 2, 4, 128)]

def rows(scope, results):
    most = 2.0 if scope.mutant is None else 0.5
    assert all(run in results for run in runs(scope))
    return [inequality("mine", "conflict", {}, 1.0, most, 0.0)]

CLAIM = Claim("mine", "", "derived", "holds", (), partial(rows), runs, mutants={"less": "1/2"})
'''


@pytest.mark.parametrize("command", ["mutants", "explain"])
def test_a_damaged_run_is_told_by_all(command, tmp_path, monkeypatch, capsys):
    """What verify says of stored runs; mutants, which stores there, of another platform too."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(runs, "_execute", lambda run: {"diverged": True})
    (tmp_path / "mine.py").write_text(SAMPLED)
    arguments = (
        ["mutants", "--claim", "mine.py"] if command == "mutants" else ["explain", "mine.py"]
    )
    assert cli.main([*arguments, "--runs", "runs"]) == 0
    assert "set aside" not in capsys.readouterr().out
    (path,) = (tmp_path / "runs").glob("*.json")
    path.write_text(path.read_text()[:-9])
    (tmp_path / "runs" / MARK).write_text("abacus (wood), Rome I\n")
    assert cli.main([*arguments, "--runs", "runs"]) == 0
    printed = capsys.readouterr().out
    assert f"unsound file set aside and computed again: runs/{path.stem}" in printed
    assert ("was begun on abacus (wood), Rome I" in printed) == (command == "mutants")


def test_explain_names_the_file_of_a_claim(tmp_path, monkeypatch, capsys):
    """Whatever its functions are, and wherever they are from."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(runs, "_execute", lambda run: {"diverged": True})
    (tmp_path / "mine.py").write_text(SAMPLED)
    assert cli.main(["explain", "mine.py"]) == 0
    printed = capsys.readouterr().out
    assert "check (claim_file_mine" in printed
    assert "What this file says of its claim." in printed
