"""Devices, processes and cores: the same rows from each, and what a second core gives.

    PYTHONPATH=. python tests/trials/scale.py [--claim NAME ...] [what else verify takes]

Every variant computes the claims (by default those of the training sweep) in an empty folder with
no compiled programs, the first two once more with their own; tables must be equal to the byte.
Efficiency is time on one core / (2 x time on two): it means something on an idle machine only. Exit
status 1 if tables differ.
"""

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

SWEEP = ("T1.rate", "T1.path", "T1.slope", "T1.floor", "T1.surrogate")
PINNED = """
import os, sys
os.sched_setaffinity(0, set(sorted(os.sched_getaffinity(0))[: int(sys.argv.pop(1))]))
from grpo_checks.experiments.__main__ import main
sys.exit(main(sys.argv[1:]))
"""


def _start(
    options: Sequence[str], cache: Path, cores: int, devices: int = 1
) -> subprocess.Popen[bytes]:
    flags = f"--xla_force_host_platform_device_count={devices}"
    command = [sys.executable, "-c", PINNED, str(cores), "verify", *options]
    env = {**os.environ, "XLA_FLAGS": flags, "JAX_COMPILATION_CACHE_DIR": str(cache)}
    return subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL)


def _seconds(out: Path) -> float:
    """Of the command alone, without the start of Python."""
    (facts,) = out.rglob("provenance.json")
    return float(json.loads(facts.read_text())["wall_seconds"])


def _tables(out: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in out.rglob("*.csv")}


def _port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _variants(options: Sequence[str], root: Path) -> dict[str, Path]:
    """Where each variant left its tables."""
    at = f"127.0.0.1:{_port()}"
    places = [("--coordinator", at, "--processes", "2", "--process", str(i)) for i in range(2)]
    plans: dict[str, list[tuple[tuple[str, ...], int, int]]] = {
        "1 core": [((), 1, 1)],
        "2 cores": [((), 2, 1)],
        "8 devices": [((), 2, 8)],
        "2 processes": [(place, 2, 1) for place in places],
        "1 core, programs kept": [((), 1, 1)],
        "2 cores, programs kept": [((), 2, 1)],
    }
    folders = {}
    for name, plan in plans.items():
        folders[name] = out = root / name
        cache = root / f"cache of {name.split(',')[0]}"
        started = [
            _start([*options, *more, "--out", str(out)], cache, cores, devices)
            for more, cores, devices in plan
        ]
        statuses = {process.wait() for process in started}
        print(f"{name}: exit status {statuses}, {_seconds(out):.1f} s", flush=True)
    return folders


def main() -> int:
    """Parse, run, compare."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--claim", action="append")
    given, more = parser.parse_known_args()
    options = [part for name in given.claim or SWEEP for part in ("--claim", name)] + more
    with tempfile.TemporaryDirectory() as root:
        folders = _variants(options, Path(root))
        expected = _tables(folders["1 core"])
        differ = [name for name, out in folders.items() if _tables(out) != expected]
        for how in ("", ", programs kept"):
            one, two = (_seconds(folders[name + how]) for name in ("1 core", "2 cores"))
            print(f"efficiency on 2 cores{how}: {one / (2 * two):.2f}")
    print(f"tables differ: {differ}" if differ else "the same tables from each")
    return 1 if differ else 0


if __name__ == "__main__":
    sys.exit(main())
