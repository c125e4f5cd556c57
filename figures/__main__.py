"""Draw all figures of a folder of results: python -m figures [FOLDER].

Exit status: 0; 2 where the folder holds no rows; 3 interrupted; 70 a fault of the program.
"""

import argparse
import os
import sys
import traceback
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from figures.catalogue import FIGURES, draw, load


def main() -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(prog="python -m figures", description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=Path("results/quick"))
    folder = parser.parse_args().folder
    table = folder / "rows.csv"
    if not table.is_file():
        print(f"error: {table}: no such table; run python -m experiments verify", file=sys.stderr)
        return 2
    try:
        _draw(table, folder / "figures")
    except KeyboardInterrupt:
        print("interrupted; the same command draws all figures again", file=sys.stderr)
        sys.stderr.flush()
        os._exit(3)
    except Exception:
        traceback.print_exc()
        return 70
    return 0


def _draw(table: Path, folder: Path) -> None:
    # Fresh processes: drawing is all Python, and one core would be idle.
    with ProcessPoolExecutor(
        mp_context=get_context("spawn"), initializer=load, initargs=(table,)
    ) as pool:
        for paths in pool.map(draw, FIGURES, [folder] * len(FIGURES)):
            print("\n".join(paths), end="\n" if paths else "")


if __name__ == "__main__":
    sys.exit(main())
