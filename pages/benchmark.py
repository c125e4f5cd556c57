"""Speed, from the rows of the last benchmark; conformance of trainers, where it is stored."""

from pathlib import Path

from grpo_checks.experiments.storage.table_file import read_table
from grpo_checks.experiments.storage.text import markdown, shown

LARGE = 1e6


def benchmark(folder: Path) -> str:
    """benchmark.md. Raises OSError where the table is missing."""
    rows = read_table(folder / "rows.csv")
    speed = rows[rows["claim"] == "speed"]
    lines = speed[["benchmark", "ours_seconds", "peer", "peer_seconds", "ratio", "note"]]
    ratio = lines["ratio"].map(lambda x: f"{x:.0e}" if x > LARGE else shown(x, 3))
    table = lines.assign(ratio=ratio).rename(
        columns={"ours_seconds": "seconds", "peer_seconds": "seconds of the peer"}
    )
    first = rows.iloc[0]
    return (
        "# Speed\n\nEach row is the suite beside a peer, in the same run, on one core: "
        f"{first['processor']}, {first['system']} {first['machine']}, Python {first['python']}, "
        f"jax {first['jax']}. *ratio*: how many times as long the peer takes; of exact sums beside "
        "Monte Carlo, to an error of 1e-06, extrapolated.\n\n"
        f"{markdown(table, 3)}\n\n```sh\nmake bench\n```\n\n"
        "![Seconds of a recorded training run against each size](figures/cost.png)\n"
    )


def conformance(folder: Path, explained: bool) -> str:
    """conformance.md: stored tables, one after the other; ``explained``: a guide is on them."""
    tables = sorted(folder.glob("*.csv")) if folder.is_dir() else []
    guide = "How it is done: [the guide](guides/conformance.md).\n\n" if explained else ""
    parts = [f"## {path.stem.replace('_', ' ')}\n\n{_table(path)}\n" for path in tables]
    stored = "\n".join(parts) or "No run of a trainer is stored.\n"
    opening = (
        "Whether code that says it runs GRPO does, update by update, and which faults it shows."
    )
    return f"# Trainers: conformance\n\n{opening}\n\n{guide}{stored}"


def _table(path: Path) -> str:
    return markdown(read_table(path), 3)
