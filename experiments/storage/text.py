"""Numbers and tables as readers see them: no more digits than say something."""

import re
import textwrap
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

import numpy as np
import pandas as pd

from grpo_checks.experiments.storage.terminal import escaped

WIDTH = 100
HTML = re.compile(r"(`[^`]*`)|<(?=[A-Za-z/!?])")
"""A code span, or the beginning of a tag."""
DIGITS = 6
"""Of the numbers in a table."""


def markdown(table: pd.DataFrame, digits: int = DIGITS) -> str:
    """The table with floats to ``digits`` significant digits, nothing where they are missing, and
    each cell inside its bars: a text that somebody else wrote ends neither a cell nor a line."""
    rows = [list(table.columns), ["---"] * len(table.columns)]
    rows += [[shown(cell, digits) for cell in row] for row in table.astype(object).to_numpy()]
    lines = [" | ".join(literal(str(cell)).replace("|", "\\|") for cell in row) for row in rows]
    return "\n".join(f"| {line} |" for line in lines)


def literal(text: str) -> str:
    """A text as Markdown shows it: in `code` as it is, else no HTML and no half of a code span."""
    plain = escaped(text)
    if plain.count("`") % 2:
        plain = plain.replace("`", "\\`")
    return HTML.sub(lambda match: match[1] or f"\\{match[0]}", plain)


def shown(cell: Any, digits: int = DIGITS) -> str:
    """One number or text; a float that is whole has no point."""
    if isinstance(cell, float | np.floating):
        return "" if np.isnan(cell) else f"{cell + 0.0:.{digits}g}"
    return str(cell)


def counted(count: int, one: str, many: str = "") -> str:
    """ "1 row", "2 rows", "1,000 entries": ``many`` is the plural where it is not ``one`` and s."""
    return f"{count:,} {one if count == 1 else many or f'{one}s'}"


def meant(value: str, known: Iterable[str]) -> str:
    """ "did you mean 'x'? " of the nearest name that is known, nothing where none is near."""
    near = get_close_matches(value, list(known), n=1)
    return f"did you mean {near[0]!r}? " if near else ""


def span(values: pd.Series, digits: int = 3) -> str:
    """The range of some numbers; one number where both ends print alike, "none" of none."""
    return "none" if values.empty else enclosed(values.min(), values.max(), digits)


def counts(values: pd.Series) -> str:
    """The same for whole numbers, in full."""
    if values.empty:
        return "none"
    low, high = (f"{int(x):,}" for x in (values.min(), values.max()))
    return low if low == high else f"{low} to {high}"


def enclosed(low: float, high: float, digits: int = 3) -> str:
    """A number that is known to lie in between, or the ends if they differ in the digits shown."""
    ends = [f"{x + 0.0:.{digits}g}" for x in (low, high)]
    return ends[0] if ends[0] == ends[1] else " to ".join(ends)


def instances(data: pd.DataFrame) -> str:
    """The names of the models that some rows are about."""
    names = (escaped(name).replace("`", "'") for name in sorted(data["instance"].unique()))
    return ", ".join(f"`{name}`" for name in names)


def wrapped(text: str) -> str:
    """The paragraphs of prose in lines of at most WIDTH; tables, headings and pictures as they are.

    An operator never begins a line, where Markdown would take it for a list or a quotation.
    """
    return re.sub(r"(?m)^(?![|#!\s]).+(?:\n(?!\| |\s*$).+)*", lambda m: _filled(m[0]), text)


def _filled(paragraph: str) -> str:
    glued = re.sub(r"\s+(?=([-+*<>=]+|\d+\.)\s)", "\0", paragraph)
    lines = textwrap.fill(glued, WIDTH, break_long_words=False, break_on_hyphens=False)
    return lines.replace("\0", " ")
