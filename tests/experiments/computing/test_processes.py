"""Rows do not depend on how many devices and processes compute them."""

import os
import signal
import socket
import subprocess
import sys
import time

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from grpo_checks.experiments.computing import processes
from grpo_checks.experiments.computing.devices import cores, over_devices, workers
from grpo_checks.experiments.computing.processes import start_together
from grpo_checks.experiments.computing.work import work_through
from grpo_checks.experiments.models.instances import named
from grpo_checks.experiments.models.settings import RunSettings
from grpo_checks.experiments.runs.verify import run_all
from grpo_checks.experiments.storage.store import Store

ITEMS = range(12)
HEAD = """
import sys, jax
from pathlib import Path
jax.config.update("jax_enable_x64", True)
import test_processes as test
"""
ON_DEVICES = (
    HEAD
    + """
assert jax.local_device_count() == int(sys.argv[1])
test.blocks_of_seeds().tofile(sys.argv[2])
"""
)
TRAINED = (
    HEAD
    + """
assert jax.local_device_count() == int(sys.argv[1])
test.run_all([test.RUN], test.Store(Path(sys.argv[2])))
"""
)
IN_PROCESSES = (
    HEAD
    + """
port, index, folder, deadly = sys.argv[1:]
test.processes.join(f"127.0.0.1:{port}", 2, int(index))
test.is_private(int(port))
try:
    print(test.share(Path(folder), deadly == "True"))
except ValueError as error:
    sys.exit(str(error))
"""
)
# As many blocks of seeds as the two devices of its test.
RUN = RunSettings(named("conflict", components=1), 2, 8, 256, step=0.1)


def blocks_of_seeds():
    """Softmax and products, which round otherwise for 16 rows than for 128: (1024, 12)."""
    rng = np.random.default_rng(0)
    a, starts = rng.normal(size=(12, 37)), rng.normal(size=(1024, 12))

    @jax.jit
    @jax.vmap
    def program(x):
        return jax.lax.fori_loop(0, 5, lambda _, x: jax.nn.softmax(x @ a) @ a.T, x)

    return np.concatenate(over_devices(program, np.split(starts, 8)))


def is_private(port):
    """The coordinator listens on the address that was named, and on no other one of the host."""
    with socket.socket() as there:
        assert there.connect_ex(("127.0.0.2", port)) != 0


def share(folder, deadly):
    """Work through ITEMS with the other process; how many were computed here.

    If ``deadly`` process 1 is killed in the middle of its first item, and process 0 begins then.
    """
    start_together(folder)
    store = Store(folder)

    while deadly and jax.process_index() == 0 and not list(folder.glob("*.lock")):
        time.sleep(0.01)

    def compute(item):
        if deadly and jax.process_index() == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        return [float(jnp.sqrt(item))]

    def work(item, wait):
        store.get(item, lambda: compute(item), wait)

    work_through([[i, i + 1] for i in ITEMS[::2]], work, lambda _: 1, "items")
    return len(store.computed)


def _start(program, *arguments, devices=1):
    # Besides the devices the flags of this process: others would be part of an address.
    flags = f"{os.environ['XLA_FLAGS']} --xla_force_host_platform_device_count={devices}"
    paths = [".", os.path.dirname(__file__)]
    return subprocess.Popen(
        [sys.executable, "-c", program, *map(str, arguments)],
        env={**os.environ, "XLA_FLAGS": flags, "PYTHONPATH": os.pathsep.join(paths)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _end(process, status=0):
    out, err = process.communicate(timeout=120)
    assert process.returncode == status, err
    return out if status == 0 else err


def _cells(folder):
    return {path.name: path.read_bytes() for path in folder.glob("*.json")}


def test_seeds_on_eight_devices(tmp_path):
    """Equal to the bit: each device runs the program of one."""
    _end(_start(ON_DEVICES, 8, tmp_path / "found", devices=8))
    assert (tmp_path / "found").read_bytes() == blocks_of_seeds().tobytes()


def test_a_training_run_on_two_devices(tmp_path):
    """Stored to the byte as on one."""
    spread = _start(TRAINED, 2, tmp_path / "two", devices=2)
    run_all([RUN], Store(tmp_path / "one"))
    _end(spread)
    assert _cells(tmp_path / "two") == _cells(tmp_path / "one")


def _two_processes(folders, deadly=False):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    return [_start(IN_PROCESSES, port, i, folders[i], deadly) for i in range(2)]


def test_two_processes_share_the_work(tmp_path):
    """Each item is computed once, and all are there for both."""
    computed = [int(_end(p).split()[-1]) for p in _two_processes([tmp_path, tmp_path])]
    assert sum(computed) == len(ITEMS)
    alone = Store(tmp_path)
    assert [alone.find(i) for i in ITEMS] == [[float(np.sqrt(i))] for i in ITEMS]
    assert len(os.listdir(tmp_path)) == len(ITEMS)


def test_the_share_of_a_dead_process_is_done_by_the_other(tmp_path):
    """It dies holding a lock; the other comes to its end as if nothing had been."""
    alive, dead = _two_processes([tmp_path, tmp_path], deadly=True)
    _end(dead, status=-signal.SIGKILL)
    _end(alive)
    assert [Store(tmp_path).find(i) for i in ITEMS] == [[float(np.sqrt(i))] for i in ITEMS]
    assert len(os.listdir(tmp_path)) == len(ITEMS)


def test_processes_on_different_folders_are_told(tmp_path):
    """Two hosts without a shared disk would each do everything; better say so."""
    folders = [tmp_path / "0", tmp_path / "1"]
    for folder in folders:
        folder.mkdir()
    for process in _two_processes(folders):
        assert "expected one folder that all processes share" in _end(process, status=1)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_every_process_begins_with_its_share(monkeypatch, count):
    """And does the others' if nobody else has."""
    monkeypatch.setattr(jax, "process_count", lambda: count)
    first = []
    for index in range(count):
        monkeypatch.setattr(jax, "process_index", lambda i=index: i)
        order = processes.in_turn(range(7))
        assert sorted(order) == list(range(7))
        first += order[: len(range(index, 7, count))]
    assert sorted(first) == list(range(7))


def test_cores_are_those_that_this_process_may_use():
    """A batch system's limit counts, not the machine."""
    assert 1 <= cores() <= (os.cpu_count() or 1)
    assert workers() >= cores()
