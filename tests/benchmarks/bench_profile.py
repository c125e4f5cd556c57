"""The quick profile as a whole, on all cores: cold, with programs kept, and with runs kept too.

Each in a process of its own, as a user starts it, with a cache and a results folder of its own.
"""

import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
RUNS = 3
LAST = re.compile(r"(\d+) programs compiled, (\d+) kept ones used.*peak memory ([\d.]+) GiB")


def _verify(cache: Path, out: Path) -> tuple[float, str]:
    """Seconds, and what the command says it needed. Raises if it does not end as expected."""
    env = {k: v for k, v in os.environ.items() if k not in ("XLA_FLAGS", "OMP_NUM_THREADS")}
    env |= {"JAX_COMPILATION_CACHE_DIR": str(cache), "JAX_ENABLE_COMPILATION_CACHE": "true"}
    command = [sys.executable, "-m", "experiments", "verify", "--out", str(out)]
    start = time.perf_counter()
    process = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, check=True)
    taken = time.perf_counter() - start
    match = LAST.search(process.stdout)
    if match is None:
        raise ValueError(f"output = {process.stdout[-200:]!r}: expected the number of programs")
    return taken, f"{match[1]} programs compiled, {match[2]} kept; peak memory {match[3]} GiB"


def rows(runs: int = RUNS) -> list[dict[str, Any]]:
    """Medians; the peer of each is the cold one."""
    times: dict[str, list[float]] = {"cold": [], "programs kept": [], "runs kept too": []}
    notes = {}
    for _ in range(runs):
        with tempfile.TemporaryDirectory() as folder:
            cache, first, second = (Path(folder) / name for name in ("cache", "a", "b"))
            for name, out in zip(times, (first, second, second), strict=True):
                taken, notes[name] = _verify(cache, out)
                times[name].append(taken)
    cold, cores = statistics.median(times["cold"]), os.cpu_count()
    aims = {"cold": "; aim 90 s", "programs kept": "; aim 45 s", "runs kept too": ""}
    return [
        {
            "ratio": cold / statistics.median(seconds),
            "benchmark": f"quick profile, {name}",
            "ours_seconds": statistics.median(seconds),
            "peer": "quick profile, cold",
            "peer_seconds": cold,
            "cores": cores,
            "note": f"{notes[name]}; median of {runs}{aims[name]}",
        }
        for name, seconds in times.items()
    ]
