"""Tables in Markdown."""

import pandas as pd


def markdown(table: pd.DataFrame) -> str:
    """The table's cells as they print, bars escaped."""
    rows = [list(table.columns), ["---"] * len(table.columns), *table.astype(str).to_numpy()]
    lines = [" | ".join(str(cell).replace("|", "\\|") for cell in row) for row in rows]
    return "\n".join(f"| {line} |" for line in lines)


def span(values: pd.Series) -> str:
    """The range of some numbers, to three figures."""
    return f"{values.min():.3g} to {values.max():.3g}"
