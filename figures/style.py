"""One look for all figures: paper width, colours safe for colour-blind readers, and never alone.

Every distinction that a colour makes is also made by a marker, a line style or a hatch.
"""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from matplotlib import rc_context
from matplotlib.figure import Figure

PAGE_WIDTH = 6.9
"""Inches: the text width of a two-column paper."""

RC: Mapping[str, object] = MappingProxyType(
    {
        "font.size": 8,
        "axes.titlesize": 8,
        "axes.labelsize": 8,
        "legend.fontsize": 8,
        "xtick.labelsize": 7,
        "ytick.labelsize": 7,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "lines.linewidth": 1.2,
        "lines.markersize": 4,
        "pdf.fonttype": 42,
        "savefig.dpi": 200,
        "hatch.linewidth": 0.6,
    }
)

# Okabe and Ito's palette.
OBSERVED, BOUND, REFERENCE = "#0072B2", "#D55E00", "#555555"
TERMS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "optimisation": ("#56B4E9", ""),
        "bias": ("#009E73", "xxxx"),
        "variance": ("#E69F00", "////"),
    }
)


def save(figure: Figure, folder: Path, name: str) -> list[Path]:
    """Write PDF and PNG, each whole or not at all, without dates: equal rows, equal files."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for suffix, metadata in ((".pdf", {"CreationDate": None}), (".png", {"Software": None})):
        path = folder / f"{name}{suffix}"
        partial = path.with_name(f".{name}.partial{suffix}")
        with rc_context(dict(RC)):  # type: ignore[arg-type]
            figure.savefig(partial, metadata=metadata, bbox_inches="tight")
        partial.replace(path)
        written.append(path)
    return written
