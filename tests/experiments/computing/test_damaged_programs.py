"""A kept program that is damaged is compiled once more, not for ever, and without a word."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
# Two shapes of one program, and another program.
PROGRAM = """
import jax, jax.numpy as jnp
from grpo_checks.experiments.computing.compilation import Compilations, keep_compiled
keep_compiled()
keep_compiled()
counted = Compilations()
def double(x):
    return x * 2 + 1
for n in (3, 4):
    jax.jit(double)(jax.device_put(jnp.arange(float(n))))
print(counted.programs - counted.kept, counted.kept)
"""


def _run(folder):
    """Programs compiled, programs found kept; what was said."""
    env = {**os.environ, "JAX_COMPILATION_CACHE_DIR": str(folder)}
    command = [sys.executable, "-c", PROGRAM]
    process = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, check=True)
    compiled, kept = map(int, process.stdout.split())
    return compiled, kept, process.stderr


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
def test_a_damaged_program_is_written_anew(tmp_path, damage):
    """That one alone: the program's other shapes stay."""
    programs, kept, _ = _run(tmp_path)
    assert kept == 0
    first, *others = sorted(tmp_path.glob("jit_double-*-cache"))
    assert len(others) == 1
    before = others[0].stat().st_mtime_ns
    damage(first)
    assert _run(tmp_path) == (1, programs - 1, "")
    assert first.is_file()
    assert others[0].stat().st_mtime_ns == before
    assert _run(tmp_path) == (0, programs, "")


def test_other_warnings_are_shown(tmp_path):
    """As ever."""
    text = PROGRAM + "\nimport warnings\nwarnings.warn('something else')\n"
    env = {**os.environ, "JAX_COMPILATION_CACHE_DIR": str(tmp_path)}
    command = [sys.executable, "-c", text]
    process = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, check=True)
    assert process.stderr.count("something else") >= 1
