"""Several processes, on one or many hosts, that share one output folder."""

import os
import re
import secrets
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import jax
import numpy as np
from jax.experimental import multihost_utils

from grpo_checks.experiments.storage.fresh import Pass, marks, unfinished

Item = TypeVar("Item")
AUTO = "auto"
MAX_PROCESSES = 10**5
PLACE = re.compile(r"(?:[\w.-]+|\[[0-9a-fA-F:.]+\]):([0-9]{1,5})")
"""HOST:PORT; an IPv6 address stands in brackets."""


def join(coordinator: str | None, processes: int | None, process: int | None) -> None:
    """Meet the other processes; before anything is computed. Raises ValueError.

    ``coordinator`` is HOST:PORT of process 0, which listens on HOST alone, unless the environment
    says otherwise (JAX_COORDINATOR_BIND_ADDRESS); or "auto": then JAX's own detection (SLURM, TPU
    pods, ...) says where it is, how many there are, and which one this is.
    """
    if coordinator is None:
        for field, value in (("processes", processes), ("process", process)):
            if value is not None:
                raise ValueError(f"{field} = {value}: expected a --coordinator with it")
        return
    address = None if coordinator == AUTO else coordinator
    if address is not None:
        _check(address, processes, process)
    # JAX's own default are all addresses of the host, and its service asks nobody who they are.
    listening = os.environ.get("JAX_COORDINATOR_BIND_ADDRESS", address)
    try:
        jax.distributed.initialize(address, processes, process, coordinator_bind_address=listening)
    except (ValueError, RuntimeError) as error:
        why = str(error).splitlines()[0]
        expected = "a cluster that JAX detects" if coordinator == AUTO else "a reachable HOST:PORT"
        raise ValueError(f"coordinator = {coordinator!r}: expected {expected} ({why})") from None


def _check(coordinator: str, processes: int | None, process: int | None) -> None:
    match = PLACE.fullmatch(coordinator)
    if match is None or not 1 <= int(match[1]) < 2**16:
        raise ValueError(f"coordinator = {coordinator!r}: expected HOST:PORT or {AUTO!r}")
    if processes is None or not 1 <= processes <= MAX_PROCESSES:
        raise ValueError(f"processes = {processes}: expected 1..{MAX_PROCESSES}")
    if process is None or not 0 <= process < processes:
        raise ValueError(f"process = {process}: expected 0..{processes - 1}")


def is_first() -> bool:
    """Whether this process prints and writes the tables."""
    return jax.process_index() == 0


def in_turn(items: Sequence[Item]) -> list[Item]:
    """All items, this process's own share first: every process has another one."""
    process, processes = jax.process_index(), jax.process_count()
    return [
        item
        for turn in range(processes)
        for item in items[(process + turn) % processes :: processes]
    ]


def start_together(folder: Path, request: str | None = None) -> Pass | None:
    """The pass of --fresh that a command known by its ``request`` begins, or goes on with.

    The same for all processes, which from here on meet in the folder only: should one die, the
    others do its share. None if nothing is asked for afresh. Raises ValueError where they do not
    see one folder.
    """
    several = jax.process_count() > 1
    if request is None and not several:
        return None
    token = unfinished(folder, request) if request is not None else None
    token = secrets.randbits(62) if token is None else token
    if several:
        token = int(multihost_utils.broadcast_one_to_all(np.int64(token)))
    mark = marks(folder, request or "none", token)
    if is_first():
        mark.mkdir(exist_ok=True)
    if several:
        _meet(folder, mark)
    if request is None:
        if is_first():
            mark.rmdir()
        return None
    return Pass(mark)


def _meet(folder: Path, mark: Path) -> None:
    """Wait until all see the mark; then leave the coordinator."""
    multihost_utils.sync_global_devices("marked")
    if not multihost_utils.process_allgather(np.int64(mark.is_dir())).all():
        # A pass to go on with stays.
        with suppress(OSError):
            mark.rmdir()
        raise ValueError(f"out = {folder}: expected one folder that all processes share")
    # The service would end every process some minutes after the death of one.
    jax.distributed.shutdown()
