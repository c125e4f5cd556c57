"""A process that compiles thousands of programs must not run out of pieces of memory."""

import gc
import sys

import jax
import pytest

from grpo_checks.experiments.computing import resources
from grpo_checks.experiments.computing.work import work_through

PROGRAMS = 12


@pytest.mark.skipif(sys.platform != "linux", reason="counted where Linux tells them")
def test_programs_give_their_memory_back():
    """XLA dies without a word at 65,530: each program takes some, and a cleared cache none."""
    count = lambda: resources.MAPS.read_bytes().count(b"\n")  # noqa: E731
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
    monkeypatch.setattr(resources, "MOST_MAPS", granted)
    assert not resources.crowded()
    used = resources.MAPS.read_bytes().count(b"\n")
    for most, expected in ((4 * used, False), (used, True)):
        granted.write_text(f"{most}\n")
        assert resources.crowded() is expected


def test_work_makes_room(monkeypatch):
    """After each piece, or `make paper` from nothing aborts at its last claims.

    Of the caches that JAX would clear, one: other tests are still to use theirs.
    """
    compiled, held = jax.jit(lambda x, n: x + n, static_argnums=1), []
    monkeypatch.setattr(resources, "crowded", lambda: True)
    monkeypatch.setattr(jax, "clear_caches", compiled.clear_cache)

    def work(item, wait):
        compiled(1.0, item)
        held.append(compiled._cache_size())

    work_through([[1, 2, 3]], work, lambda item: 1, "programs")
    assert held == [1, 1, 1]


def test_room_is_looked_at_where_a_program_has_come(monkeypatch):
    """Kept ones too. Without one the pieces of memory are those of the last look."""
    compiled, looks = jax.jit(lambda x, n: x + n, static_argnums=1), []
    monkeypatch.setattr(resources, "crowded", lambda: bool(looks.append(None)))
    resources.make_room()
    looks.clear()
    for n, expected in ((4, 1), (4, 1), (5, 2), (5, 2)):
        compiled(1.0, n)
        resources.make_room()
        assert len(looks) == expected
