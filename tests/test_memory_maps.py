"""A worker that compiles thousands of programs must not run out of pieces of memory."""

import gc
import sys

import conftest
import jax
import pytest

PROGRAMS = 30


@pytest.mark.skipif(sys.platform != "linux", reason="counted where Linux tells them")
def test_programs_give_their_memory_back():
    """XLA dies without a word at 65,530: each program takes some, and a cleared cache none."""
    count = lambda: conftest.MAPS.read_bytes().count(b"\n")  # noqa: E731
    compiled, before = jax.jit(lambda x, n: x + n, static_argnums=1), count()
    for n in range(PROGRAMS):
        compiled(1.0, n)
    used = count()
    assert used >= before + PROGRAMS
    gc.freeze()
    compiled.clear_cache()
    assert count() <= used - PROGRAMS


@pytest.mark.skipif(sys.platform != "linux", reason="counted where Linux tells them")
def test_crowded_is_told_in_time(monkeypatch, tmp_path):
    """At half of what the system grants; elsewhere than on Linux nothing is known."""
    granted = tmp_path / "max_map_count"
    monkeypatch.setattr(conftest, "MOST_MAPS", granted)
    assert not conftest.crowded()
    used = conftest.MAPS.read_bytes().count(b"\n")
    for most, expected in ((4 * used, False), (used, True)):
        granted.write_text(f"{most}\n")
        assert conftest.crowded() is expected
