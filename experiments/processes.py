"""Several processes, on one or many hosts, that share one output folder."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import jax
import numpy as np
from jax.experimental import multihost_utils

Item = TypeVar("Item")
AUTO = "auto"
MAX_PROCESSES = 10**5


def join(coordinator: str | None, processes: int | None, process: int | None) -> None:
    """Meet the other processes; before anything is computed. Raises ValueError.

    ``coordinator`` is HOST:PORT of process 0, or "auto": then JAX's own detection (SLURM, TPU pods,
    ...) says where it is, how many there are, and which one this is.
    """
    if coordinator is None:
        for field, value in (("processes", processes), ("process", process)):
            if value is not None:
                raise ValueError(f"{field} = {value}: expected a --coordinator with it")
        return
    if coordinator != AUTO:
        _check(coordinator, processes, process)
    try:
        jax.distributed.initialize(None if coordinator == AUTO else coordinator, processes, process)
    except (ValueError, RuntimeError) as error:
        why = str(error).splitlines()[0]
        expected = "a cluster that JAX detects" if coordinator == AUTO else "a reachable HOST:PORT"
        raise ValueError(f"coordinator = {coordinator!r}: expected {expected} ({why})") from None


def _check(coordinator: str, processes: int | None, process: int | None) -> None:
    host, _, port = coordinator.rpartition(":")
    if not host or not port.isdecimal() or not 1 <= int(port) < 2**16:
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
    own, of = jax.process_index(), jax.process_count()
    return [item for turn in range(of) for item in items[(own + turn) % of :: of]]


def start_together(folder: Path, fresh: bool) -> int:
    """Since when stored results count, in ns on the folder's clock: always, or now if ``fresh``.

    The same for all processes, which from here on meet in the folder only: should one die, the
    others do its share. Raises ValueError where they do not see one folder.
    """
    token, several = time.time_ns(), jax.process_count() > 1
    if not (fresh or several):
        return 0
    if several:
        token = int(multihost_utils.broadcast_one_to_all(np.int64(token)))
    mark = folder / f".started-{token}"
    if is_first():
        mark.touch()
    if several:
        multihost_utils.sync_global_devices("marked")
    found = mark.stat().st_mtime_ns if mark.exists() else -1
    if several and not (multihost_utils.process_allgather(np.int64(found)) == found).all():
        mark.unlink(missing_ok=True)
        raise ValueError(f"out = {folder}: expected one folder that all processes share")
    if is_first():
        mark.unlink()
    if several:
        # The service would end every process some minutes after the death of one.
        jax.distributed.shutdown()
    return found if fresh else 0
