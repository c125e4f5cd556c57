"""Results are whole or absent, computed once, and never used unsound."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from experiments.files import canonical, digest, write_atomic
from experiments.store import Store


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    """Disk full, or anything else between the first byte and the rename."""
    path = tmp_path / "rows.csv"
    write_atomic(path, "old")
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        write_atomic(path, "new")
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["rows.csv"]


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


@pytest.mark.parametrize("damage", [_truncate, _edit, _foreign, _other_settings])
def test_an_unsound_file_is_set_aside_and_computed_again(tmp_path, damage):
    """A changed digit must never reach a verdict."""
    Store(tmp_path).get({"a": 1}, lambda: {"x": 0.1})
    (path,) = tmp_path.glob("*.json")
    damage(path)
    store = Store(tmp_path)
    assert store.find({"a": 1}) is None
    assert store.get({"a": 1}, lambda: {"x": 0.5}) == {"x": 0.5}
    assert len(store.set_aside) == 1
    assert store.set_aside[0].exists()


def test_nan_is_refused():
    """A NaN would be written as a word that JSON does not know."""
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical({"x": float("nan")})


WRITER = """
import sys
from pathlib import Path
from experiments.store import Store
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
