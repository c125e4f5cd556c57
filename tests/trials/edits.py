"""Small edits of the code that judges, each of which a test must notice; not part of the test run.

    PYTHONPATH=. python tests/trials/edits.py [NAME ...] [--list] [--deselect TEST ...]

Each edit of ``edits.json`` is made alone in a copy of the checkout, and the tests that it names,
which must pass without it, are run there until the first failure. An edit that no test notices has
*survived*; one whose text is not there exactly once is *stale*. Exit status 1 unless all are
*killed*.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from tqdm import tqdm

ROOT = Path(__file__).resolve().parents[2]
OUTCOMES = {0: "survived", 1: "killed"}
"""By pytest's exit status; all others mean that it could not run."""

LONGEST = 900
"""Seconds for one edit: some make a test wait for ever, which is no way to notice them."""


class Edit(NamedTuple):
    """One change of one file, and the test files that should notice it."""

    name: str
    path: str
    old: str
    new: str
    tests: list[str]


def load() -> list[Edit]:
    """All edits, in the order of the file."""
    stored = json.loads(Path(__file__).with_name("edits.json").read_text(encoding="utf-8"))
    return [Edit(**edit) for edit in stored]


class Checkout:
    """A copy of the files that git knows, as they are now, in which tests are run."""

    def __init__(self, tree: Path, options: list[str]) -> None:
        self.tree, self.options = tree, options
        self._sound: dict[str, bool] = {}
        listed = subprocess.run(
            ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True
        )
        for name in filter(None, listed.stdout.split("\0")):
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, tree / name, follow_symlinks=False)

    def outcome(self, tests: list[str]) -> str:
        """Of a run of these tests, up to the first that fails."""
        command = [sys.executable, "-m", "pytest", "-x", "-p", "no:cacheprovider", *self.options]
        environment = {**os.environ, "PYTHONPATH": str(self.tree)}
        try:
            run = subprocess.run(
                [*command, *tests], cwd=self.tree, env=environment, capture_output=True, text=True,
                timeout=LONGEST,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return f"hung: no outcome within {LONGEST} s"
        return OUTCOMES.get(run.returncode, f"not run: {run.stdout[-300:]}")

    def fails(self, tests: list[str]) -> list[str]:
        """Those that fail as they are, each asked once: what they say of an edit is nothing."""
        for test in tests:
            if test not in self._sound:
                self._sound[test] = self.outcome([test]) == "survived"
        return [test for test in tests if not self._sound[test]]

    def trial(self, edit: Edit) -> str:
        """ "killed", "survived", or why the edit could not be tried."""
        target = self.tree / edit.path
        source = target.read_text(encoding="utf-8")
        if source.count(edit.old) != 1:
            return f"stale: found {source.count(edit.old)} times"
        if failed := self.fails(edit.tests):
            return f"not tried: {', '.join(failed)} fails without it"
        target.write_text(source.replace(edit.old, edit.new), encoding="utf-8")
        try:
            return self.outcome(edit.tests)
        finally:
            target.write_text(source, encoding="utf-8")


def main() -> int:
    """0 where every edit is killed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", nargs="*", help="only these edits")
    parser.add_argument("--list", action="store_true", help="print them and stop")
    parser.add_argument("--deselect", action="append", default=[], help="a test to leave out")
    arguments = parser.parse_args()
    edits = [e for e in load() if not arguments.name or e.name in arguments.name]
    if arguments.list:
        print("\n".join(f"{e.name}: {e.path}: {e.old!r} -> {e.new!r}" for e in edits))
        return 0
    killed = 0
    with tempfile.TemporaryDirectory() as folder:
        checkout = Checkout(Path(folder), [f"--deselect={test}" for test in arguments.deselect])
        for edit in tqdm(edits, disable=None):
            outcome = checkout.trial(edit)
            killed += outcome == "killed"
            tqdm.write(f"{edit.name}: {outcome}")
    print(f"{killed} of {len(edits)} killed")
    return 0 if edits and killed == len(edits) else 1


if __name__ == "__main__":
    sys.exit(main())
