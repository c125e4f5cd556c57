"""Results are whole or absent, computed once, and never used unsound."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from grpo_checks.experiments.storage import store as stores
from grpo_checks.experiments.storage.files import canonical, digest
from grpo_checks.experiments.storage.locks import Busy, locked
from grpo_checks.experiments.storage.store import Store


def test_a_result_is_computed_once(tmp_path):
    """The same settings, in whatever order, find the same file."""
    store, calls = Store(tmp_path), []
    for settings in ({"a": 1, "b": [2]}, {"b": [2], "a": 1}):
        assert store.get(settings, lambda: calls.append(1) or {"x": 0.1}) == {"x": 0.1}
    assert len(calls) == 1
    store.get({"a": 2}, lambda: calls.append(1) or {})
    assert len(calls) == 2


def _truncate(path):
    path.write_text(path.read_text()[:-20])


def _edit(path):
    path.write_text(path.read_text().replace("0.1", "0.2"))


def _foreign(path):
    path.write_text("PK\x03\x04 not ours")


def _other_settings(path):
    body = {"settings": {"a": 99}, "result": {"x": 0.3}}
    path.write_text(canonical({**body, "sha256": digest(body)}))


def _pipe(path):
    path.unlink()
    os.mkfifo(path)


def _link(path):
    path.rename(path.parent / "elsewhere")
    path.symlink_to(path.parent / "elsewhere")


def _folder(path):
    path.unlink()
    path.mkdir()


def _not_a_number(path):
    path.write_text(path.read_text().replace("0.1", "NaN"))


def _nested(path):
    path.write_text("[" * 10**5)


DAMAGES = (
    _truncate,
    _edit,
    _foreign,
    _other_settings,
    _pipe,
    _link,
    _folder,
    _not_a_number,
    _nested,
)


@pytest.mark.parametrize("damage", DAMAGES)
def test_an_unsound_file_is_set_aside_and_computed_again(tmp_path, damage):
    """A changed digit must never reach a verdict."""
    Store(tmp_path).get({"a": 1}, lambda: {"x": 0.1})
    (path,) = tmp_path.glob("*.json")
    damage(path)
    store = Store(tmp_path)
    assert store.find({"a": 1}) is None
    assert store.get({"a": 1}, lambda: {"x": 0.5}) == {"x": 0.5}
    assert len(store.set_aside) == 1
    assert os.path.lexists(store.set_aside[0])
    assert Store(tmp_path).find({"a": 1}) == {"x": 0.5}


def test_a_result_that_is_too_large(tmp_path, monkeypatch):
    """Neither stored, since nobody could read it again, nor read where somebody else has."""
    Store(tmp_path).get({"a": 1}, lambda: {"x": 0.1})
    (path,) = tmp_path.glob("*.json")
    monkeypatch.setattr(stores, "MAX_BYTES", path.stat().st_size - 1)
    store = Store(tmp_path)
    assert store.find({"a": 1}) is None
    with pytest.raises(ValueError, match="bytes: expected at most"):
        store.get({"a": 1}, lambda: {"x": 0.1})
    assert len(store.set_aside) == 1
    assert [p.suffix[:9] for p in tmp_path.iterdir()] == [".unsound-"]
    assert store.get({"a": 1}, dict) == {}


def test_a_lock_is_held_by_one(tmp_path):
    """Between threads too, which file locks of the POSIX kind do not tell apart."""
    path = tmp_path / "x.lock"
    with locked(path):
        with pytest.raises(Busy), locked(path, wait=False):
            pass
        assert path.exists()
    assert not path.exists()
    with locked(path, wait=False):
        pass


HOLDER = """
import sys, time
from pathlib import Path
from grpo_checks.experiments.storage.store import Store
Store(Path(sys.argv[1])).get({"a": 1}, lambda: print("computing", flush=True) or time.sleep(60))
"""


def test_a_dead_holder_does_not_block(tmp_path):
    """kill -9 in the middle of a computation: busy before, free after."""
    command = [sys.executable, "-c", HOLDER, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as holder:
        assert holder.stdout.readline()
        with pytest.raises(Busy):
            Store(tmp_path).get({"a": 1}, dict, wait=False)
        holder.kill()
        holder.wait()
    assert Store(tmp_path).get({"a": 1}, lambda: {"x": 1}, wait=False) == {"x": 1}
    assert len(os.listdir(tmp_path)) == 1


SHARER = """
import sys, time
from pathlib import Path
from grpo_checks.experiments.storage.store import Store
store = Store(Path(sys.argv[1]))
def compute():
    print(i, flush=True)
    time.sleep(0.002)
    return {"x": i}
for i in range(60):
    assert store.get({"i": i}, compute) == {"x": i}
"""


def test_commands_on_one_folder_compute_each_result_once(tmp_path):
    """Four at once, in the same order, so that they meet at every result."""
    command = [sys.executable, "-c", SHARER, str(tmp_path)]
    sharers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    printed = [sharer.communicate(timeout=60)[0] for sharer in sharers]
    assert [sharer.returncode for sharer in sharers] == [0] * 4
    assert sorted(int(line) for text in printed for line in text.split()) == list(range(60))
    assert not list(tmp_path.glob("*.lock"))


WRITER = """
import sys
from pathlib import Path
from grpo_checks.experiments.storage.store import Store
store = Store(Path(sys.argv[1]))
for i in range(10**6):
    store.get({"i": i}, lambda: {"x": [0.1] * 2000})
"""


def test_kill_leaves_no_half_written_file(tmp_path):
    """kill -9 at ten different moments of a process that does nothing but write."""
    for moment in range(10):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)])
        deadline = time.monotonic() + 30
        while not list(tmp_path.glob("*.json")) and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.013 * moment)
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        for path in tmp_path.glob("*.json"):
            stored = json.loads(path.read_text())
            body = {k: stored[k] for k in ("settings", "result")}
            assert stored["sha256"] == digest(body)
