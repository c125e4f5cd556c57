"""Every benchmark beside a peer on the same work, one core, in one table: make bench."""

import os

os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import importlib
import platform
from pathlib import Path

import jax
import pandas as pd

from experiments.files import write_atomic

jax.config.update("jax_enable_x64", True)
HERE = Path(__file__).resolve().parent
OUT = HERE.parents[1] / "results" / "bench" / "rows.csv"


def main() -> None:
    """Run each file beside this one that has ``rows()``; print the table and store it."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    names = sorted(p.stem for p in HERE.glob("bench_*.py"))
    rows = [row for name in names for row in importlib.import_module(name).rows()]
    table = pd.DataFrame(rows).assign(
        machine=platform.machine(), cores=1, python=platform.python_version(), jax=jax.__version__
    )
    with pd.option_context("display.width", 250, "display.max_colwidth", 90):
        print(table.drop(columns=["machine", "cores", "python", "jax"]).to_string(index=False))
    write_atomic(OUT, table.to_csv(index=False))
    print(f"{platform.processor() or platform.machine()}, one core; table: {OUT}")


if __name__ == "__main__":
    main()
