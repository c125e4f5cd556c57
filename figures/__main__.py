"""Draw all figures of a folder of results.

Exit status: 0; 2: the folder holds no rows of `verify`; 3: interrupted; 70: a fault of the program.
"""

import argparse
import os
import sys
import traceback
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import TextIO

from grpo_checks.figures.catalogue import FIGURES, draw, load
from grpo_checks.figures.rows import read_rows


def main(argv: Sequence[str] | None = None, program: str = "python -m figures") -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(prog=program, description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=Path("results/quick"))
    folder = parser.parse_args(argv).folder
    table = folder / "rows.csv"
    if not table.is_file():
        return _refused(f"{table}: no such table; verify writes one")
    try:
        read_rows(table)
        _draw(table, folder / "figures")
    except (ValueError, OSError) as error:
        return _refused(f"{table}: {error}")
    except KeyboardInterrupt:
        print("interrupted; the same command draws all figures again", file=sys.stderr)
        sys.stderr.flush()
        os._exit(3)
    except Exception:
        traceback.print_exc()
        return 70
    return 0


def _refused(why: str) -> int:
    _say(sys.stderr, f"error: {why}")
    return 2


def _say(stream: TextIO, line: str) -> None:
    """As one line, whatever a path may hold; nobody need read it."""
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in line)
    encoding = stream.encoding or "utf-8"
    try:
        print(shown.encode(encoding, "backslashreplace").decode(encoding), file=stream, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _draw(table: Path, folder: Path) -> None:
    # Fresh processes: drawing is all Python, and one core would be idle.
    with ProcessPoolExecutor(
        mp_context=get_context("spawn"), initializer=load, initargs=(table,)
    ) as pool:
        for paths in pool.map(draw, FIGURES, [folder] * len(FIGURES)):
            for path in paths:
                _say(sys.stdout, path)


if __name__ == "__main__":
    sys.exit(main())
