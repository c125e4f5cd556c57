"""One look for all figures: paper width, colours safe for colour-blind readers, and never alone.

Every distinction that a colour makes is also made by a marker, a line style or a hatch.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from pathlib import Path
from types import MappingProxyType
from typing import Any, ParamSpec, TypeVar

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

PAGE_WIDTH = 6.9
"""Inches: the text width of a two-column paper."""
COLUMN_WIDTH = PAGE_WIDTH / 2
"""Inches: one of its columns, the gap between them included. Nothing is ever scaled to fit."""

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
    {"optimisation": ("#56B4E9", ""), "bias": ("#009E73", "xxxx"), "variance": ("#E69F00", "////")}
)

SERIES: Sequence[Mapping[str, Any]] = tuple(
    MappingProxyType({"color": color, "marker": marker, "linestyle": line})
    for color, marker, line in (
        ("#0072B2", "o", "-"),
        ("#D55E00", "s", "--"),
        ("#009E73", "^", "-."),
        ("#CC79A7", "D", ":"),
        ("#E69F00", "v", "-"),
        ("#56B4E9", "P", "--"),
        ("#000000", "X", "-."),
    )
)
"""Looks of curves that are compared: each differs by marker and line style too."""

ESTIMATORS: Mapping[str, str] = MappingProxyType(
    {
        "leave_one_out": "RLOO",
        "mean_baseline": "Dr. GRPO",
        "group_normalized": "GRPO",
        "group_normalized, filtered": "DAPO",
        "componentwise_normalized": "GDPO",
    }
)
"""What practitioners call the estimators."""


Given = ParamSpec("Given")
Drawn = TypeVar("Drawn")


def styled(draw: Callable[Given, Drawn]) -> Callable[Given, Drawn]:
    """A function whose figures look as all of them do."""

    @wraps(draw)
    def in_style(*given: Given.args, **named: Given.kwargs) -> Drawn:
        with rc_context(dict(RC)):  # type: ignore[arg-type]
            return draw(*given, **named)

    return in_style


def series(row: pd.Series, prefix: str) -> tuple[np.ndarray, np.ndarray]:
    """The columns ``prefix``number of a row, in the order of the numbers: abscissas, values."""
    names = [c for c in row.index if c.startswith(prefix) and pd.notna(row[c])]
    points = sorted((float(c[len(prefix) :]), float(row[c])) for c in names)
    return np.array([x for x, _ in points]), np.array([y for _, y in points])


GROUP_SIZE = "group size $G$"


def doubling(axes: Axes, label: str = GROUP_SIZE) -> None:
    """Abscissas that double, as numbers."""
    axes.set_xscale("log", base=2)
    axes.set_xlabel(label)
    axes.xaxis.set_major_formatter("{x:g}")


def stacked(
    axes: Axes, places: Sequence[Any], parts: Mapping[str, tuple[Any, tuple[str, str]]]
) -> None:
    """Lying bars of shares, the first on top; ``parts``: by label, lengths and (colour, hatch)."""
    left = np.zeros(len(places))
    for label, (share, (colour, hatch)) in parts.items():
        axes.barh(
            places, share, left=left, color=colour, hatch=hatch, edgecolor="white", label=label
        )
        left += share
    axes.invert_yaxis()
    axes.set_xlim(0, 1)


def simplex(axes: Axes) -> None:
    """The triangle of policies over three actions, with no other axes."""
    axes.plot([0, 1, 0.5, 0], [0, 0, np.sqrt(3) / 2, 0], color=REFERENCE, lw=0.8)
    axes.set_aspect("equal")
    axes.axis("off")


def shared_legend(
    figure: Figure | SubFigure, axes: Axes, columns: int = 4, title: str | None = None
) -> None:
    """One legend above all panels, from the handles of one of them."""
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(
        handles,
        labels,
        loc="outside upper center",
        ncols=columns,
        frameon=False,
        title=title,
        title_fontsize=8,
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
