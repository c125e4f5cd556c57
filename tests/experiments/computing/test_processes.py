"""Rows do not depend on how many devices and processes compute them."""

import os
import signal
import socket
import time

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers.processes.forked import Forked

from grpo_checks.experiments.computing import processes
from grpo_checks.experiments.computing.devices import cores, over_devices, workers
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
assert jax.local_device_count() == 8
folder = Path(sys.argv[1])
test.blocks_of_seeds().tofile(folder / "blocks")
test.run_all([test.RUN], test.Store(folder / "eight"))
"""
)
IN_PROCESSES = (
    HEAD
    + """
port, index, folder = sys.argv[1:]
test.processes.join(f"127.0.0.1:{port}", 2, int(index))
test.is_private(int(port))
try:
    test.processes.start_together(Path(folder) / index)
except ValueError as error:
    print(error)
test.processes.start_together(Path(folder) / "shared")
print(test.share(Path(folder) / "shared"))
print(test.share(Path(folder) / "deadly", deadly=True))
"""
)
# Two blocks of seeds.
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


def share(folder, deadly=False):
    """Work through ITEMS with the other process; how many were computed here.

    If ``deadly`` process 1 is killed in the middle of its first item, and process 0 begins then.
    """
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
    return Forked(program, *arguments, env={**os.environ, "XLA_FLAGS": flags})


def _end(process, status=0):
    out, err, ended = process.end()
    assert ended == status, err
    return out


def _cells(folder):
    return {path.name: path.read_bytes() for path in folder.glob("*.json")}


def test_seeds_on_eight_devices(tmp_path):
    """Equal to the bit: each device runs the program of one. And a run is stored to the byte."""
    spread = _start(ON_DEVICES, tmp_path, devices=8)
    run_all([RUN], Store(tmp_path / "one"))
    _end(spread)
    assert (tmp_path / "blocks").read_bytes() == blocks_of_seeds().tobytes()
    assert _cells(tmp_path / "eight") == _cells(tmp_path / "one")


@pytest.fixture(scope="module")
def together(tmp_path_factory):
    """Two processes that begin in folders of their own, then share one, then one of them dies: the
    folder, and what both printed."""
    folder = tmp_path_factory.mktemp("together")
    for name in ("0", "1", "shared", "deadly"):
        (folder / name).mkdir()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    alive, dead = (_start(IN_PROCESSES, port, index, folder) for index in range(2))
    printed = [_end(dead, -signal.SIGKILL), _end(alive)]
    # Besides what its library says of the connection.
    told = [[x for x in text.splitlines() if "Gloo" not in x] for text in reversed(printed)]
    return folder, told


def test_processes_on_different_folders_are_told(together):
    """Two hosts without a shared disk would each do everything; better say so."""
    for told, *_ in together[1]:
        assert "expected one folder that all processes share" in told


def _is_complete(folder):
    assert [Store(folder).find(i) for i in ITEMS] == [[float(np.sqrt(i))] for i in ITEMS]
    assert len(os.listdir(folder)) == len(ITEMS)


def test_two_processes_share_the_work(together):
    """Each item is computed once, and all are there for both."""
    folder, printed = together
    assert sum(int(computed) for _, computed, *_ in printed) == len(ITEMS)
    _is_complete(folder / "shared")


def test_the_share_of_a_dead_process_is_done_by_the_other(together):
    """It dies holding a lock; the other comes to its end as if nothing had been."""
    folder, (alive, dead) = together
    assert (len(alive), len(dead)) == (3, 2)
    _is_complete(folder / "deadly")


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
