"""Draw all figures of a folder of results: python -m figures [FOLDER]."""

import argparse
import sys
from pathlib import Path

import pandas as pd

from figures import (
    advice,
    bias,
    literature,
    speed,
    theorem1,
    theorem2,
    theorem3,
    theorem3_transfer,
    variance,
    waterfall,
)
from figures.style import save

FIGURES = {
    "t1_rate": ("T1.rate", theorem1.rate),
    "t1_path": ("T1.path", theorem1.path),
    "t1_slope": ("T1.slope", theorem1.slope),
    "t1_waterfall": ("T1.rate", waterfall.waterfall),
    "t1_g": ("T1.G", variance.by_group_size),
    "t1_k": ("T1.K", variance.by_components),
    "t1_budget": ("T1.budget", variance.by_budget),
    "t1_floor": ("T1.floor", bias.floor),
    "t1_bias": ("T1.bias", bias.bias),
    "t2_gap": ("T2.kappa", theorem2.gap),
    "t2_phase": ("T2.benefit", theorem2.phase),
    "t2_region": ("T2.potential", theorem2.region),
    "t3_coverage": ("T3.coverage", theorem3.coverage),
    "t3_tightness": ("T3.tightness", theorem3.tightness),
    "t3_ood": ("T3.ood", theorem3_transfer.ood),
    "t3_depth": ("T3.depth", theorem3_transfer.depth),
    "t3_shift": ("T3.shift", theorem3_transfer.shift),
    "t3_visual_arft": ("T3.visual_arft", theorem3_transfer.visual_arft),
    "literature": ("L.amplification", literature.overview),
    "advice": ("advice", advice.advice),
    "cost": ("cost", speed.cost),
}
"""The claim whose rows a figure needs, and the figure."""


def main() -> int:
    """0, or 2 when the folder holds no rows."""
    parser = argparse.ArgumentParser(prog="python -m figures", description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=Path("results/quick"))
    folder = parser.parse_args().folder
    table = folder / "rows.csv"
    if not table.is_file():
        print(f"error: {table}: no such table; run python -m experiments verify", file=sys.stderr)
        return 2
    rows = pd.read_csv(table, low_memory=False)
    known = set(rows["claim"])
    for name, (claim, draw) in FIGURES.items():
        figure = draw(rows) if claim in known else None
        if figure is not None:
            for path in save(figure, folder / "figures", name):
                print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
