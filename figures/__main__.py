"""Draw all figures of a folder of results: python -m figures [FOLDER]."""

import argparse
import sys
from pathlib import Path

import pandas as pd

from figures import theorem1, theorem2
from figures.style import save

FIGURES = {
    "t1_rate": theorem1.rate,
    "t1_path": theorem1.path,
    "t1_slope": theorem1.slope,
    "t2_gap": theorem2.gap,
    "t2_phase": theorem2.phase,
    "t2_region": theorem2.region,
}


def main() -> int:
    """0, or 2 when the folder holds no rows."""
    parser = argparse.ArgumentParser(prog="python -m figures", description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=Path("results/quick"))
    folder = parser.parse_args().folder
    table = folder / "rows.csv"
    if not table.is_file():
        print(f"error: {table}: no such table; run python -m experiments verify", file=sys.stderr)
        return 2
    rows = pd.read_csv(table)
    for name, draw in FIGURES.items():
        figure = draw(rows)
        if figure is not None:
            for path in save(figure, folder / "figures", name):
                print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
