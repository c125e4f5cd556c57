"""What changes numbers is part of the address, what does not is not; another platform is told."""

import jax
import pytest

from grpo_checks.experiments import __main__ as cli
from grpo_checks.experiments.claims.catalogue import find
from grpo_checks.experiments.models.instances import named
from grpo_checks.experiments.models.settings import RunSettings
from grpo_checks.experiments.origin import environment as here
from grpo_checks.experiments.origin.environment import begun_elsewhere, environment
from grpo_checks.experiments.protocol.claim import Scope
from grpo_checks.experiments.runs import training as runs
from grpo_checks.experiments.runs.stored_cells import cell_settings
from grpo_checks.experiments.storage.files import canonical

CHANGING = {
    "jax_default_prng_impl": "rbg",
    "jax_default_matmul_precision": "bfloat16",
    "jax_threefry_partitionable": False,
    "jax_random_seed_offset": 1,
    "jax_disable_jit": True,
    "jax_debug_nans": True,
    "jax_softmax_custom_jvp": True,
    "jax_enable_x64": False,
}
HARMLESS = {"jax_compilation_cache_dir": "elsewhere", "jax_numpy_rank_promotion": "allow"}


@pytest.fixture
def option():
    """Sets an option of JAX for the test."""
    before = {}

    def update(name, value):
        before.setdefault(name, getattr(jax.config, name))
        jax.config.update(name, value)

    yield update
    for name, value in before.items():
        jax.config.update(name, value)


def _addresses():
    """Of a cell, which has no runs of its own, and of a training run."""
    run = RunSettings(named("conflict", components=1), 2, 8, 128, step=0.1)
    observed = cell_settings(find("T3.klorder"), Scope("quick")), runs._address(run)
    return [canonical(address) for address in observed]


@pytest.mark.parametrize("name", CHANGING)
def test_options_that_change_numbers(name, option):
    """Other random numbers, other sums, other rows."""
    before = _addresses()
    option(name, CHANGING[name])
    assert all(x != y for x, y in zip(before, _addresses(), strict=True))


@pytest.mark.parametrize("name", HARMLESS)
def test_options_that_change_none(name, option):
    """Where things are, and what is refused."""
    before = _addresses()
    option(name, HARMLESS[name])
    assert _addresses() == before


@pytest.mark.parametrize(
    ("name", "value", "same"),
    [
        ("XLA_FLAGS", "--xla_cpu_enable_fast_math=true", False),
        ("XLA_FLAGS", "--xla_force_host_platform_device_count=8 --xla_dump_to=x", True),
        ("NVIDIA_TF32_OVERRIDE", "1", False),
        ("OPENBLAS_CORETYPE", "Prescott", False),
        ("PATH", "x", True),
    ],
)
def test_variables(name, value, same, monkeypatch):
    """The number of devices changes no row (test_processes), which flags of arithmetic may."""
    monkeypatch.setenv("XLA_FLAGS", "")
    before = _addresses()
    monkeypatch.setenv(name, value)
    assert [x == y for x, y in zip(before, _addresses(), strict=True)] == [same] * 2


def test_a_file_of_flags(monkeypatch, tmp_path):
    """XLA takes one too: what it says counts, not where it lies."""
    monkeypatch.setenv("XLA_FLAGS", "--xla_cpu_enable_fast_math=true")
    expected = environment()
    (tmp_path / "flags").write_text("--xla_cpu_enable_fast_math=true\n")
    monkeypatch.setenv("XLA_FLAGS", str(tmp_path / "flags"))
    assert environment() == expected


def test_another_platform_is_told(monkeypatch, tmp_path, capsys):
    """In one line; both have their results there, and neither takes the other's."""
    command = ["verify", "--claim", "T3.klorder", "--out", str(tmp_path)]
    assert cli.main(command) == 0
    first = {p: p.read_bytes() for p in tmp_path.glob("cells/*.json")}
    assert "begun on" not in capsys.readouterr().out
    monkeypatch.setattr(here, "platform_name", lambda: "abacus (wood), Rome I")
    assert cli.main(command) == 0
    message = [line for line in capsys.readouterr().out.splitlines() if "was begun on" in line]
    assert len(message) == 1
    assert "abacus (wood), Rome I" in message[0]
    assert {p: p.read_bytes() for p in first} == first
    assert len(list(tmp_path.glob("cells/*.json"))) == 2
    monkeypatch.undo()
    assert cli.main(command) == 0
    assert "begun on" not in capsys.readouterr().out


def test_a_mark_that_cannot_be_read(tmp_path):
    """No reason to stop."""
    (tmp_path / ".platform").mkdir()
    assert begun_elsewhere(tmp_path) is None
