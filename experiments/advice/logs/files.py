"""Files of a log, a table in pieces: parquet, JSON lines, CSV; no file is held in memory."""

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import pandas as pd

PIECE = 100_000
"""Rows."""
PEEKED = 100
"""Rows that say which columns there are, where no header does."""
PARQUET, LINES, CSV = (".parquet",), (".jsonl", ".ndjson", ".json"), (".csv",)
EXTRA = "pip install 'grpo-theory-checks[logs]'"


def log_files(paths: Sequence[Path]) -> list[Path]:
    """The files named, and those of known endings in the folders named, each once.

    In the order of the numbers in their names. Raises ValueError for none, or another ending.
    """
    files: dict[Path, Path] = {}
    for path in paths:
        known = path.iterdir() if path.is_dir() else [path]
        for file in known:
            if file.is_file() and (file.suffix in (*PARQUET, *LINES, *CSV) or not path.is_dir()):
                files.setdefault(file.resolve(), file)
        if not path.exists():
            raise ValueError(f"{path}: no such file or folder: expected the log of a run")
    if not files:
        raise ValueError(f"{paths[0]}: expected files that end in .parquet, .jsonl, .json or .csv")
    return sorted(files.values(), key=lambda file: (file.parent, _number(file), file.name))


def _number(path: Path) -> int:
    digits = "".join(c if c.isdigit() else " " for c in path.stem).split()
    return int(digits[-1]) if digits and len(digits[-1]) < 18 else -1


def step_of(path: Path) -> int:
    """verl names a file by its step; 0 for another name."""
    return max(0, _number(path))


def peek(path: Path) -> pd.DataFrame:
    """The first rows, with all columns. Raises ValueError that names the file."""
    rows = next(pieces(path, None, PEEKED), None)
    return pd.DataFrame() if rows is None else rows


def pieces(path: Path, columns: Sequence[str] | None, size: int = PIECE) -> Iterator[pd.DataFrame]:
    """Tables of up to ``size`` rows. Raises ValueError that names the file, and what it needs."""
    if not path.is_file():
        raise ValueError(f"{path}: not a regular file: expected .parquet, .jsonl, .json or .csv")
    try:
        if path.suffix in PARQUET:
            yield from _parquet(path, columns, size)
        elif path.suffix in LINES:
            yield from _lines(path, columns, size)
        elif path.suffix in CSV:
            yield from pd.read_csv(
                path, usecols=None if columns is None else [*columns], chunksize=size,
                low_memory=False,
            )  # fmt: skip
        else:
            raise ValueError("expected a name that ends in .parquet, .jsonl, .json or .csv")
    except (ValueError, OSError) as error:
        why = str(error).partition("\n")[0].removeprefix(f"{path}: ")
        raise ValueError(f"{path}: {why}") from None


def _parquet(path: Path, columns: Sequence[str] | None, size: int) -> Iterator[pd.DataFrame]:
    try:
        from pyarrow import parquet
    except ImportError:
        raise ValueError(f"parquet is read by pyarrow, which is missing: {EXTRA}") from None
    with parquet.ParquetFile(path) as file:
        wanted = None if columns is None else list(columns)
        for batch in file.iter_batches(batch_size=size, columns=wanted):
            yield batch.to_pandas()


def _lines(path: Path, columns: Sequence[str] | None, size: int) -> Iterator[pd.DataFrame]:
    with open(path, encoding="utf-8") as file:
        parsed = _documents(enumerate(file, 1))
        while rows := [*islice(parsed, size)]:
            if columns is None:
                yield pd.DataFrame(rows)
            else:
                yield pd.DataFrame({c: [row.get(c) for row in rows] for c in columns})


def _documents(lines: Iterable[tuple[int, str]]) -> Iterator[dict[str, Any]]:
    for number, line in lines:
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            row = None
        if not isinstance(row, dict):
            raise ValueError(f"line {number}: expected a JSON object")
        yield row
