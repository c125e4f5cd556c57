"""Where compiled programs are kept, and that a second process finds them."""

import os
import pwd
from pathlib import Path

import jax
import pytest
from helpers.processes.forked import Forked

from grpo_checks.experiments.computing.compilation import keep_compiled
from grpo_checks.experiments.computing.resources import peak_memory

PROGRAM = """
import jax
from grpo_checks.experiments.computing.compilation import Compilations, keep_compiled
print(keep_compiled())
counted = Compilations()
jax.jit(lambda x: x * 2 + 1)(3.0)
print(counted.programs - counted.kept, counted.kept)
"""


def _second(**environment):
    env = {k: v for k, v in os.environ.items() if not k.startswith(("JAX_", "XDG_"))}
    printed, said, status = Forked(PROGRAM, env={**env, **environment}).end()
    assert status == 0, said
    folder, counts = printed.splitlines()[-2:]
    return Path(folder), [int(x) for x in counts.split()]


def test_a_second_process_compiles_nothing(tmp_path):
    """The first one compiles; the user's cache folder is respected."""
    folder, (compiled, kept) = _second(XDG_CACHE_HOME=str(tmp_path))
    assert tmp_path in folder.parents
    assert compiled > 0
    assert kept == 0
    again, (compiled_again, kept_again) = _second(XDG_CACHE_HOME=str(tmp_path))
    assert again == folder
    assert (compiled_again, kept_again) == (0, compiled)


@pytest.fixture
def _config():
    names = (
        "jax_compilation_cache_dir",
        "jax_persistent_cache_min_compile_time_secs",
        "jax_persistent_cache_min_entry_size_bytes",
    )
    before = {name: getattr(jax.config, name) for name in names}
    yield
    for name, value in before.items():
        jax.config.update(name, value)


@pytest.mark.usefixtures("_config")
def test_a_named_folder_is_used_and_a_bad_one_does_no_harm(tmp_path, monkeypatch):
    """JAX's own variable comes first; a folder that cannot be made is done without."""
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", str(tmp_path / "named"))
    assert keep_compiled() == tmp_path / "named"
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", str(tmp_path / "file" / "under"))
    assert keep_compiled() is None


def test_without_a_home_nothing_is_kept(monkeypatch):
    """A user of a container may have neither HOME nor a line in the list of users."""

    def unknown(*_):
        raise KeyError("uid not found")

    for name in ("HOME", "XDG_CACHE_HOME", "JAX_COMPILATION_CACHE_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", unknown)
    assert keep_compiled() is None


def test_memory_is_in_bytes():
    """Numbers a process can have: more than 50 MB, less than the machine."""
    everything = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert 50e6 < peak_memory() < everything
