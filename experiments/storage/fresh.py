"""A pass of --fresh: what it has computed again, as marks in a folder; clocks are not asked.

A pass that was killed leaves its marks, and the same command goes on with it.
"""

import shutil
from contextlib import suppress
from pathlib import Path


class Pass:
    """The marks of one pass, in a folder of their own, which is removed when all is done."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def has(self, name: str) -> bool:
        """Whether this result is of the pass. All are when it has ended, for another process."""
        return (self.folder / name).exists() or not self.folder.exists()

    def mark(self, name: str) -> None:
        """This result is of the pass."""
        with suppress(FileNotFoundError):
            (self.folder / name).touch()

    def marked(self) -> int:
        """How many results are there."""
        return len(list(self.folder.glob("*")))

    def end(self) -> None:
        """Everything asked for is of the pass: the next one begins anew."""
        shutil.rmtree(self.folder, ignore_errors=True)


def unfinished(folder: Path, request: str) -> int | None:
    """The token of a pass of the same command that was killed; None if there is none."""
    left = [path.name for path in folder.glob(f".fresh-{request}-*") if path.is_dir()]
    return int(min(left).rpartition("-")[2], 16) if left else None


def marks(folder: Path, request: str, token: int) -> Path:
    """Where the marks are of the pass with this token, of a command known by what it asks."""
    return folder / f".fresh-{request}-{token:x}"
