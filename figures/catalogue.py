"""All figures by name, and how one is drawn from a folder's rows, in a process of its own."""

import signal
from pathlib import Path

import pandas as pd

from grpo_checks.figures import advice, log, speed
from grpo_checks.figures.captions import save_caption
from grpo_checks.figures.rows import read_rows
from grpo_checks.figures.style import save
from grpo_checks.figures.theorems import (
    benefit,
    bias,
    cycles,
    literature,
    looseness,
    practice,
    theorem1,
    theorem2,
    theorem3,
    trainers,
    variance,
)
from grpo_checks.figures.theorems import transfer as theorem3_transfer

FIGURES = {
    "t1_rate": ("T1.rate", theorem1.rate),
    "t1_path": ("T1.path", theorem1.path),
    "t1_slope": ("T1.slope", theorem1.slope),
    "t1_waterfall": ("T1.rate", looseness.waterfall),
    "t1_g": ("T1.G", variance.by_group_size),
    "t1_k": ("T1.K", variance.by_components),
    "t1_budget": ("T1.budget", variance.by_budget),
    "t1_floor": ("T1.floor", bias.floor),
    "t1_bias": ("T1.bias", bias.bias),
    "t1_own": ("T1.own", cycles.orbits),
    "t2_gap": ("T2.kappa", theorem2.gap),
    "t2_phase": ("T2.benefit", benefit.phase),
    "t2_region": ("T2.potential", theorem2.region),
    "t3_coverage": ("T3.coverage", theorem3.coverage),
    "t3_tightness": ("T3.tightness", theorem3.tightness),
    "t3_ood": ("T3.ood", theorem3_transfer.ood),
    "t3_depth": ("T3.depth", theorem3_transfer.depth),
    "t3_shift": ("T3.shift", theorem3_transfer.shift),
    "t3_visual_arft": ("T3.visual_arft", theorem3_transfer.visual_arft),
    "l_amplification": ("L.amplification", literature.amplification),
    "l_convergence": ("L.convergence", literature.convergence),
    "l_correlation": ("L.correlation.law", literature.correlation),
    "l_groups": ("L.groups", literature.groups),
    "p_kl": ("P.kl", practice.kl),
    "looseness": ("T1.rate.sharp", looseness.looseness),
    "trainer_paths": ("conformance", trainers.paths),
    "advice": ("advice", advice.advice),
    "log": ("log", log.log),
    "cost": ("cost", speed.cost),
}
"""The claim whose rows a figure needs, and the figure."""


_rows = pd.DataFrame()


def load(table: Path) -> None:
    """What every process that draws reads once; an interrupt ends it without a word."""
    global _rows
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    _rows = read_rows(table)


def draw(name: str, folder: Path) -> list[str]:
    """The files of one figure; none where its rows are missing or show nothing.

    Raises ValueError for rows without a column.
    """
    claim, make = FIGURES[name]
    try:
        figure = make(_rows) if (_rows["claim"] == claim).any() else None
    except KeyError as error:
        raise ValueError(f"{name}: {error}: missing, expected the rows of verify") from None
    if figure is None:
        return []
    return [str(path) for path in (*save(figure, folder, name), save_caption(folder, name))]
