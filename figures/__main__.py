"""Draw all figures of a folder of results: python -m figures [FOLDER]."""

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from figures.catalogue import FIGURES, draw, load


def main() -> int:
    """0, or 2 when the folder holds no rows."""
    parser = argparse.ArgumentParser(prog="python -m figures", description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=Path("results/quick"))
    folder = parser.parse_args().folder
    table = folder / "rows.csv"
    if not table.is_file():
        print(f"error: {table}: no such table; run python -m experiments verify", file=sys.stderr)
        return 2
    # Fresh processes: drawing is all Python, and one core would be idle.
    with ProcessPoolExecutor(
        mp_context=get_context("spawn"), initializer=load, initargs=(table,)
    ) as pool:
        for paths in pool.map(draw, FIGURES, [folder / "figures"] * len(FIGURES)):
            print("\n".join(paths), end="\n" if paths else "")
    return 0


if __name__ == "__main__":
    sys.exit(main())
