"""--fresh computes again what is stored, whatever the clocks say, and once if it is killed."""

import os
import time

import pytest

from grpo_checks.experiments import __main__ as cli
from grpo_checks.experiments.computing import work
from grpo_checks.experiments.computing.processes import start_together
from grpo_checks.experiments.origin.environment import MARK
from grpo_checks.experiments.storage.store import Store

TOMORROW = (time.time_ns() + 86_400 * 10**9,) * 2
# Exact, and free of compilation.
CLAIMS = ("T3.klorder", "L.convergence")


def _fresh(folder, request="x"):
    return Store(folder, start_together(folder, request))


@pytest.mark.parametrize("times", [TOMORROW, (0, 0)])
def test_a_pass_asks_no_clock(tmp_path, times):
    """Dated tomorrow by another host's clock, or long ago: computed again, once."""
    Store(tmp_path).get({"a": 1}, lambda: {"x": 0.1})
    (path,) = tmp_path.glob("*.json")
    os.utime(path, ns=times)
    store = _fresh(tmp_path)
    assert store.find({"a": 1}) is None
    for value in (0.5, 0.9):
        assert store.get({"a": 1}, lambda v=value: {"x": v}) == {"x": 0.5}
    assert (len(store.computed), store.set_aside) == (1, [])
    assert Store(tmp_path).find({"a": 1}) == {"x": 0.5}


def test_a_killed_pass_is_resumed_and_a_finished_one_begins_anew(tmp_path):
    """By the same command only: another one has computed nothing of its own yet."""
    for name in "ab":
        Store(tmp_path).get({"name": name}, lambda: {"x": 0})
    _fresh(tmp_path).get({"name": "a"}, lambda: {"x": 1})
    other = _fresh(tmp_path, "y")
    assert other.find({"name": "a"}) is None
    other.fresh.end()
    resumed = _fresh(tmp_path)
    assert resumed.fresh.marked() == 1
    assert resumed.find({"name": "a"}) == {"x": 1}
    assert resumed.find({"name": "b"}) is None
    resumed.get({"name": "b"}, lambda: {"x": 2})
    resumed.fresh.end()
    assert sorted(os.listdir(tmp_path)) == sorted(p.name for p in tmp_path.glob("*.json"))
    assert _fresh(tmp_path).find({"name": "a"}) is None


def test_the_end_of_a_pass_is_the_end_for_all_of_its_processes(tmp_path):
    """What one has found done the others do not do again."""
    for name in "ab":
        Store(tmp_path).get({"name": name}, lambda: {"x": 0})
    one, other = _fresh(tmp_path), _fresh(tmp_path)
    for name in "ab":
        one.get({"name": name}, lambda: {"x": 1})
    one.fresh.end()
    assert other.find({"name": "b"}) == {"x": 1}
    other.get({"name": "c"}, lambda: {"x": 2})
    other.fresh.end()
    assert len(os.listdir(tmp_path)) == 3


def test_a_killed_command_resumes(tmp_path, monkeypatch, capsys):
    """verify --fresh dies after the first of two claims: the next one does the second only."""
    command = ["verify", *[part for c in CLAIMS for part in ("--claim", c)], "--out", str(tmp_path)]
    assert cli.main(command) == 0
    for path in tmp_path.glob("cells/*.json"):
        os.utime(path, ns=TOMORROW)
    first = {p: p.stat().st_ino for p in tmp_path.glob("cells/*.json")}
    kept, stored = Store.get, []

    def dying(store, *arguments):
        if stored:
            raise OSError("killed")
        stored.append(kept(store, *arguments))
        return stored[0]

    monkeypatch.setattr(work, "workers", lambda: 1)
    monkeypatch.setattr(Store, "get", dying)
    assert cli.main([*command, "--fresh"]) == 2
    monkeypatch.undo()
    second = {p: p.stat().st_ino for p in first}
    assert sum(first[p] != second[p] for p in first) == 1
    assert cli.main([*command, "--fresh"]) == 0
    assert "1 results are there" in capsys.readouterr().out
    third = {p: p.stat().st_ino for p in first}
    assert [p for p in first if third[p] == second[p]] == [
        p for p in first if second[p] != first[p]
    ]
    assert {*tmp_path.glob("cells/*")} == {*first, tmp_path / "cells" / MARK}
