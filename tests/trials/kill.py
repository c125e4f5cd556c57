"""kill -9 at random moments of ``verify``, each followed by a resume; not part of the test run.

    PYTHONPATH=. python tests/trials/kill.py 100 [--claim NAME ...] [--longest SECONDS] [--seed N]

After every kill each stored file must be sound, and all that were stored before must be there and
untouched: the same file, not one computed again. When a run comes to its end its tables must equal
those of an uninterrupted one; then a new folder is begun. Exit status 1 at the first difference.
"""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tqdm import tqdm

from grpo_checks.experiments.origin.environment import MARK
from grpo_checks.experiments.storage.files import digest

Stored = dict[str, tuple[int, int]]


def _command(claims: list[str], out: Path) -> list[str]:
    options = [part for name in claims for part in ("--claim", name)]
    return [sys.executable, "-m", "experiments", "verify", "--out", str(out), *options]


def _tables(out: Path) -> dict[str, bytes]:
    """What is the same for every run; provenance.json also says how long this one took."""
    return {p.name: p.read_bytes() for p in out.rglob("*.csv")}


def _stored(cells: Path) -> Stored:
    """Inode and time of every stored file; raises ValueError for one that is not sound."""
    observed = {}
    for path in cells.glob("*.json"):
        stored = json.loads(path.read_bytes())
        body = {key: stored[key] for key in ("settings", "result")}
        if stored["sha256"] != digest(body):
            raise ValueError(f"{path}: the checksum does not match")
        facts = path.stat()
        observed[path.name] = (facts.st_ino, facts.st_mtime_ns)
    return observed


def _check_kept(before: Stored, after: Stored) -> None:
    for name, facts in before.items():
        if after.get(name) != facts:
            what = "computed again" if name in after else "lost"
            raise ValueError(f"{name}: stored before the kill, {what} after it")


def _killed(command: list[str], after: float) -> bool:
    """Whether the command was killed before it came to its end."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        status = process.wait(after)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait()
        return True
    if status != 0:
        raise ValueError(f"exit status {status}: expected 0")
    return False


def _check_end(out: Path, expected: dict[str, bytes]) -> None:
    if _tables(out) != expected:
        raise ValueError(f"{out}: tables differ from those of an uninterrupted run")
    # Locks of results that are stored may stay: nobody comes for them again.
    usual = (".csv", ".json", ".xml", ".lock")
    files = [p for p in out.rglob("*") if p.is_file() and p.name != MARK]
    left = [p for p in files if p.suffix not in usual]
    if left:
        raise ValueError(f"left behind: {left}")


def trial(kills: int, claims: list[str], longest: float, root: Path) -> dict[str, int]:
    """Counts of what was seen. Raises ValueError at the first thing that should not be."""
    total = root / "whole"
    subprocess.run(_command(claims, total), stdout=subprocess.DEVNULL, check=True)
    expected, out, before = _tables(total), root / "killed", Stored()
    seen = {"kills": 0, "runs brought to their end": 0, "results stored": 0}
    with tqdm(total=kills, disable=None) as bar:
        while True:
            last = seen["kills"] == kills
            killed = _killed(_command(claims, out), 3600 if last else random.uniform(0, longest))
            after = _stored(out / "cells")
            _check_kept(before, after)
            seen["results stored"] += len(after) - len(before)
            before = after
            seen["kills"] += killed
            bar.update(killed)
            if not killed:
                _check_end(out, expected)
                seen["runs brought to their end"] += 1
                if last:
                    return seen
                shutil.rmtree(out)
                before = Stored()


def main() -> None:
    """Parse, try, print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("kills", type=int)
    parser.add_argument("--claim", action="append", default=[])
    parser.add_argument("--longest", type=float, default=20.0)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 10**6)
    given = parser.parse_args()
    random.seed(given.seed)
    print(f"seed {given.seed}, process {os.getpid()}")
    with tempfile.TemporaryDirectory() as root:
        print(trial(given.kills, given.claim, given.longest, Path(root)))


if __name__ == "__main__":
    try:
        main()
    except ValueError as error:
        sys.exit(f"failed: {error}")
