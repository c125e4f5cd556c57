"""A kept program that is damaged is compiled once more, not for ever, and without a word."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
# Two shapes of one program, and another program; all is read from the folder twice.
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
    for n in (3, 4):
        jax.jit(double)(jax.device_put(jnp.arange(float(n))))
    print(counted.programs - counted.kept, counted.kept)
"""


def _run(folder):
    """Programs compiled, programs found kept, and both once more; what was said."""
    env = {**os.environ, "JAX_COMPILATION_CACHE_DIR": str(folder)}
    command = [sys.executable, "-c", PROGRAM]
    process = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, check=True)
    return *map(int, process.stdout.split()), process.stderr


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A folder of kept programs, whose path is part of their names, its copy, and how many."""
    folder, copy = tmp_path_factory.mktemp("kept"), tmp_path_factory.mktemp("copy")
    programs, found, *again = _run(folder)
    assert found == 0
    assert again == [0, programs, ""]
    return folder, shutil.copytree(folder, copy / "kept"), programs


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


@pytest.mark.parametrize("damage", [_truncate, _empty, _flip, _folder])
def test_a_damaged_program_is_written_anew(kept, damage):
    """That one alone: the program's other shapes stay; and once, then it is read again."""
    folder, copy, programs = kept
    shutil.rmtree(folder)
    shutil.copytree(copy, folder)
    first, *others = sorted(folder.glob("jit_double-*-cache"))
    assert len(others) == 1
    before = others[0].stat().st_mtime_ns
    damage(first)
    assert _run(folder) == (1, programs - 1, 0, programs, "")
    assert first.is_file()
    assert others[0].stat().st_mtime_ns == before


def test_other_warnings_are_shown(tmp_path):
    """As ever."""
    text = PROGRAM + "\nimport warnings\nwarnings.warn('something else')\n"
    env = {**os.environ, "JAX_COMPILATION_CACHE_DIR": str(tmp_path)}
    command = [sys.executable, "-c", text]
    process = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, check=True)
    assert process.stderr.count("something else") >= 1
