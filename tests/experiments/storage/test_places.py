"""What lies in the place of a file or a lock, and whose it is: set aside or told, no waiting."""

import fcntl
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from grpo_checks.experiments import __main__ as cli
from grpo_checks.experiments.storage import locks
from grpo_checks.experiments.storage.files import sweep, write_atomic
from grpo_checks.experiments.storage.locks import Busy, locked
from grpo_checks.experiments.storage.store import Store

ROOT = Path(__file__).parents[3]
SETTINGS = {"a": 1}
# The superuser may read everything: there the second user is another one.
IS_ROOT = os.geteuid() == 0
PROGRAM = """
import os, sys
from pathlib import Path
from grpo_checks.experiments.storage.store import Store
if sys.argv[2] == "True":
    os.setgroups([])
    os.setuid(65534)
store = Store(Path(sys.argv[1]))
print(store.get({"a": 1}, lambda: {"x": 0.5}, wait=False)["x"], len(store.set_aside))
"""


def _as_second_user(folder):
    command = [sys.executable, "-c", PROGRAM, str(folder), str(IS_ROOT)]
    process = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert process.returncode == 0, process.stderr
    return process.stdout.split()


@pytest.fixture
def shared():
    """A folder in which everybody may write, and the path of its one result."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o777)
        Store(folder).get(SETTINGS, lambda: {"x": 0.1})
        (path,) = folder.glob("*.json")
        yield folder, path


def _folder(lock):
    lock.mkdir()


def _link(lock):
    (lock.parent / "theirs").write_text("kept")
    lock.symlink_to(lock.parent / "theirs")


def _broken_link(lock):
    lock.symlink_to(lock.parent / "nowhere")


def _pipe(lock):
    os.mkfifo(lock)


@pytest.mark.parametrize("place", [_folder, _link, _broken_link, _pipe])
def test_what_is_no_lock_is_set_aside(tmp_path, place):
    """Today and for ever after: one computation, and nothing waits."""
    store = Store(tmp_path)
    place(store._path(SETTINGS).with_suffix(".lock"))
    assert store.get(SETTINGS, lambda: {"x": 0.5}) == {"x": 0.5}
    (aside,) = store.set_aside
    assert os.path.lexists(aside)
    assert not (tmp_path / "nowhere").exists()
    assert not list(tmp_path.glob("*.lock"))


def test_a_link_is_never_locked(tmp_path):
    """It would make, or lock, a file elsewhere."""
    (tmp_path / "x.lock").symlink_to(tmp_path / "elsewhere")
    # First where nothing waits: a lock on what a link leads to would be tried again for ever.
    with pytest.raises(OSError, match=r"x\.lock"):
        locks._open(tmp_path / "x.lock")
    with pytest.raises(OSError, match=r"x\.lock"), locked(tmp_path / "x.lock"):
        pass
    assert not (tmp_path / "elsewhere").exists()


def test_a_lock_on_a_removed_file_is_none(tmp_path, monkeypatch):
    """Who waited while its holder removed it asks again, for the file that others would lock."""
    path, flock, seen = tmp_path / "x.lock", fcntl.flock, []

    def late(handle, operation):
        flock(handle, operation)
        if not seen:
            path.unlink()
        seen.append(handle)

    monkeypatch.setattr(fcntl, "flock", late)
    with locked(path):
        monkeypatch.undo()
        assert len(seen) == 2
        with pytest.raises(Busy), locked(path, wait=False):
            pass


def test_an_unreadable_result_is_set_aside(shared):
    """Another user's secret is computed again by whoever may not read it."""
    folder, path = shared
    path.chmod(0)
    assert _as_second_user(folder) == ["0.5", "1"]
    assert len(list(folder.glob("*.unsound-*"))) == 1


@pytest.mark.parametrize(("mode", "asides"), [(0o444, "0"), (0, "1")])
def test_a_lock_that_another_user_left(shared, mode, asides):
    """It can be locked by those who may read it; the others set it aside."""
    folder, path = shared
    path.unlink()
    lock = path.with_suffix(".lock")
    lock.touch()
    lock.chmod(mode)
    assert _as_second_user(folder) == ["0.5", asides]
    assert not lock.exists()


@pytest.mark.skipif(not IS_ROOT, reason="only the superuser can be another user")
def test_a_lock_that_cannot_be_removed(shared):
    """In a folder like /tmp it stays, and is of use to the next."""
    folder, path = shared
    path.unlink()
    folder.chmod(0o1777)
    path.with_suffix(".lock").touch()
    assert _as_second_user(folder) == ["0.5", "0"]
    assert Store(folder).get(SETTINGS, dict) == {"x": 0.5}


@pytest.mark.parametrize(("mask", "mode"), [(0o027, 0o640), (0o002, 0o664), (0o077, 0o600)])
def test_files_follow_the_umask(tmp_path, mask, mode):
    """Results, tables and locks alike; as mode 644 a group could not share them."""
    before = os.umask(mask)
    try:
        write_atomic(tmp_path / "rows.csv", "x")
        Store(tmp_path).get(SETTINGS, lambda: {"x": 0.1})
        with locked(tmp_path / "x.lock"):
            assert {p.stat().st_mode & 0o777 for p in tmp_path.iterdir()} == {mode}
    finally:
        os.umask(before)


def test_sweeping_leaves_folders_and_other_names(tmp_path):
    """Names are taken as they are, not as patterns."""
    for name in (".x[1].csv.a", ".x1.csv.a"):
        (tmp_path / name).touch()
    (tmp_path / ".x[1].csv.b").mkdir()
    sweep(tmp_path / "x[1].csv")
    assert sorted(os.listdir(tmp_path)) == [".x1.csv.a", ".x[1].csv.b"]


def test_a_table_that_is_a_folder_is_told_before_the_work(tmp_path, capsys):
    """One line, and no table is new beside others that are old."""
    (tmp_path / "part" / "T3.klorder" / "cases.csv").mkdir(parents=True)
    assert cli.main(["verify", "--claim", "T3.klorder", "--out", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    assert "cases.csv" in error
    assert not list(tmp_path.glob("cells/*.json"))
    assert os.listdir(tmp_path / "part" / "T3.klorder") == ["cases.csv"]


def test_a_folder_for_the_lock_of_the_tables(tmp_path, capsys):
    """Set aside and named."""
    (tmp_path / "cells" / ".tables.lock").mkdir(parents=True)
    assert cli.main(["verify", "--claim", "T3.klorder", "--out", str(tmp_path)]) == 0
    assert "set aside" in capsys.readouterr().out
