"""Files are whole or absent; a full disk or a closed folder is one clear error."""

import errno
import os
import tempfile

import pytest
from helpers.processes.forked import Forked

from grpo_checks.experiments import __main__ as cli
from grpo_checks.experiments.storage.files import canonical, sweep, write_atomic

# Exact, and free of compilation.
CHEAP = ("verify", "--claim", "T3.klorder")


def _fail_with(number):
    def fail(*_args, **_options):
        raise OSError(number, os.strerror(number))

    return fail


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    """Disk full, or anything else between the first byte and the rename."""
    path = tmp_path / "rows.csv"
    write_atomic(path, "old")
    monkeypatch.setattr(os, "fsync", _fail_with(errno.ENOSPC))
    with pytest.raises(OSError, match=r"No space left on device.*rows\.csv"):
        write_atomic(path, "new")
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["rows.csv"]


def test_what_a_killed_writer_left_is_removed(tmp_path):
    """And nothing else."""
    for name in (".rows.csv.x1", "rows.csv", ".other.csv.x1"):
        (tmp_path / name).write_text("")
    sweep(tmp_path / "rows.csv")
    assert sorted(os.listdir(tmp_path)) == [".other.csv.x1", "rows.csv"]


def test_nan_is_refused():
    """A NaN would be written as a word that JSON does not know."""
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical({"x": float("nan")})


def _one_line(error, *named):
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    for part in named:
        assert part in error


def test_a_read_only_folder_is_one_error(tmp_path, monkeypatch, capsys):
    """Told before anything is computed; exit status 2."""
    monkeypatch.setattr(tempfile, "TemporaryFile", _fail_with(errno.EROFS))
    assert cli.main([*CHEAP, "--out", str(tmp_path / "out")]) == 2
    _one_line(capsys.readouterr().err, "Read-only file system", "nothing stored before is lost")
    monkeypatch.undo()
    (tmp_path / "file").write_text("")
    assert cli.main([*CHEAP, "--out", str(tmp_path / "file")]) == 2
    _one_line(capsys.readouterr().err, "Not a directory")


LIMITED = """
import resource, sys
sys.dont_write_bytecode = True
limit = int(sys.argv.pop(1))
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
from grpo_checks.experiments.__main__ import main
sys.exit(main(sys.argv[1:]))
"""


def _verify(folder, claim, limit):
    """CHEAP and another claim, no file above ``limit`` bytes; programs are kept in ``folder``.

    JAX leaves half an entry where the disk is full, and Python half a module: no other test may
    meet them.
    """
    command = [*CHEAP, "--claim", claim, "--out", folder / "out"]
    env = {**os.environ, "JAX_COMPILATION_CACHE_DIR": str(folder / "compiled")}
    _, said, status = Forked(LIMITED, limit, *command, env=env).end()
    return said, status


def test_a_full_disk_is_one_error_and_loses_nothing(tmp_path):
    """A real limit of the system: no file above 2000 bytes, which one of two claims exceeds."""
    said, status = _verify(tmp_path, "T3.shift", 2000)
    assert status == 2
    _one_line(said, "File too large", "nothing stored before is lost")
    stored = {p: p.read_bytes() for p in tmp_path.glob("out/cells/*.json")}
    assert stored
    assert not list(tmp_path.rglob("*.csv"))
    assert cli.main([*CHEAP, "--claim", "T3.shift", "--out", str(tmp_path / "out")]) == 0
    assert all(path.read_bytes() == total for path, total in stored.items())
    hidden = {p.name for p in tmp_path.rglob(".*") if p.is_file()}
    assert hidden <= {".platform"}


def test_a_full_disk_that_keeps_no_compiled_program_is_told_too(tmp_path):
    """JAX warns of each program that it cannot keep; what it warns of is no failure of ours."""
    said, status = _verify(tmp_path, "L.convergence", 2000)
    assert status == 2
    assert "Traceback" not in said
    _one_line(said.splitlines(keepends=True)[-1], "File too large")
