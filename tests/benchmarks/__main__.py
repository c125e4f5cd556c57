"""Every benchmark beside a peer on the same work, in one table: make bench [ONLY=name].

On one core, but for the quick profile as a whole.
"""

import os

os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import importlib
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pandas as pd

from grpo_checks.experiments.storage.files import write_atomic

jax.config.update("jax_enable_x64", True)
HERE = Path(__file__).resolve().parent
RESULTS = HERE.parents[1] / "results"
FIRST = ["claim", "ratio", "benchmark", "ours_seconds", "peer", "peer_seconds", "note"]
ALL_CORES = "bench_profile"


def _processor() -> str:
    """As the system names it."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def _facts() -> dict[str, Any]:
    """What the numbers depend on."""
    return {
        "machine": platform.machine(),
        "processor": _processor(),
        "system": platform.system(),
        "python": platform.python_version(),
        "jax": jax.__version__,
        "numpy": np.__version__,
    }


@contextmanager
def _one_core() -> Iterator[None]:
    """Hold this process to one core where the system can."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _rows(name: str) -> list[dict[str, Any]]:
    if name == ALL_CORES:
        return importlib.import_module(name).rows()
    with _one_core():
        return [{"cores": 1, **row} for row in importlib.import_module(name).rows()]


def place(only: list[str]) -> Path:
    """Where the table goes: that of some benchmarks must not replace the committed one of all."""
    return RESULTS / ("part/bench" if only else "bench") / "rows.csv"


def main(only: list[str]) -> None:
    """Run each file beside this one that has ``rows()``; print the table and store it."""
    known = tuple(sorted(p.stem.removeprefix("bench_") for p in HERE.glob("bench_*.py")))
    if not set(only) <= set(known):
        raise SystemExit(f"error: only = {only}: expected some of {known}")
    chosen, out = [f"bench_{n}" for n in known if not only or n in only], place(only)
    load = os.getloadavg()[0]
    table = pd.DataFrame([row for name in chosen for row in _rows(name)])
    # The figures take a table of claims: costs are drawn, the rest is a table.
    table["claim"] = np.where(table.get("swept", pd.Series(index=table.index)).notna(), "cost", "")
    table["claim"] = table["claim"].replace("", "speed")
    rest = [c for c in table if c not in FIRST]
    table = table.reindex(columns=[*FIRST, *rest]).assign(load_before=load, **_facts())
    with pd.option_context("display.width", 250, "display.max_colwidth", 110):
        for _, part in sorted(table.groupby("claim"), reverse=True):
            shown = part.dropna(axis=1, how="all").drop(columns=["claim", "load_before", *_facts()])
            print(shown.to_string(index=False, float_format="{:.3g}".format))
    write_atomic(out, table.to_csv(index=False))
    print(", ".join(f"{k} {v}" for k, v in _facts().items()) + f", load {load:.1f}; table: {out}")


if __name__ == "__main__":
    main(sys.argv[1:])
