"""A kept program that is damaged is compiled once more, not for ever, and without a word."""

import os

from helpers.processes.forked import Forked

# Five shapes of one program, and other programs; all is read from the folder twice.
PROGRAM = """
import jax, jax.numpy as jnp
from grpo_checks.experiments.computing.compilation import Compilations, keep_compiled
keep_compiled()
keep_compiled()
def double(x):
    return x * 2 + 1
for _ in range(2):
    jax.clear_caches()
    counted = Compilations()
    for n in range(3, 8):
        jax.jit(double)(jax.device_put(jnp.arange(float(n))))
    print(counted.programs - counted.kept, counted.kept)
"""
WARNING = "import warnings; warnings.warn('something else')"


def _run(folder, more=""):
    """Programs compiled, programs found kept, and both once more; what was said."""
    env = {**os.environ, "JAX_COMPILATION_CACHE_DIR": str(folder)}
    printed, said, status = Forked(PROGRAM + more, env=env).end()
    assert status == 0, said
    return *map(int, printed.split()), said


def _truncate(path):
    path.write_bytes(path.read_bytes()[:-100])


def _empty(path):
    path.write_bytes(b"")


def _flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def _folder(path):
    path.unlink()
    path.mkdir()
    (path / "something").touch()


def test_a_damaged_program_is_written_anew(tmp_path):
    """Whatever the damage; those alone: another shape stays; and once, then they are read again."""
    programs, found, *again = _run(tmp_path)
    assert [found, *again] == [0, 0, programs, ""]
    *damaged, other = sorted(tmp_path.glob("jit_double-*-cache"))
    before = other.stat().st_mtime_ns
    for damage, path in zip((_truncate, _empty, _flip, _folder), damaged, strict=True):
        damage(path)
    *counts, said = _run(tmp_path, WARNING)
    assert counts == [4, programs - 4, 0, programs]
    assert all(path.is_file() for path in damaged)
    assert other.stat().st_mtime_ns == before
    # What others warn of is shown as ever, and nothing else is.
    assert "something else" in said
    assert said.count("Warning") == 1
