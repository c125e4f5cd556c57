"""What each figure says, in a sentence or two: stored beside it, for the ledger and the site."""

import tomllib
from functools import lru_cache
from pathlib import Path

CAPTIONS = Path(__file__).with_name("captions.toml")


@lru_cache(maxsize=1)
def captions() -> dict[str, str]:
    """By the figure's name."""
    known: dict[str, str] = tomllib.loads(CAPTIONS.read_text(encoding="utf-8"))
    return known


def save_caption(folder: Path, name: str) -> Path:
    """Write NAME.txt beside a figure, whole or not at all. Raises KeyError for a figure that has
    none."""
    path = folder / f"{name}.txt"
    partial = path.with_name(f".{name}.partial.txt")
    partial.write_text(captions()[name] + "\n", encoding="utf-8")
    partial.replace(path)
    return path
