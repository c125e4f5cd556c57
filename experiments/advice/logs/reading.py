"""Rows of a log as numbers: texts become lengths and hashes as they are read, and are let go."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from grpo_checks.experiments.advice.logs.columns import OTHERS, Columns, resolve, text_among_numbers
from grpo_checks.experiments.advice.logs.files import log_files, peek, pieces, step_of
from grpo_checks.experiments.advice.logs.gaps import Gap, gap_lines, gaps
from grpo_checks.experiments.storage.text import counted

Floats = NDArray[np.float64]


class LogRows(NamedTuple):
    """N rows in the order of the files, 4 K + 32 bytes each."""

    step: NDArray[np.int32]
    prompt: NDArray[np.uint64]
    """A hash of it, or of the column ``group`` where there is one."""
    text: NDArray[np.uint64]
    """A hash of prompt, completion and rewards: rows that are the same."""
    length: NDArray[np.float32]
    """NaN where unknown."""
    advantage: Floats
    """NaN where unknown."""
    rewards: NDArray[np.float32]
    """(N, K), NaN where missing; as trainers compute them."""


class Log(NamedTuple):
    """What was read, and what was noticed on the way."""

    rows: LogRows
    columns: Columns
    notes: tuple[str, ...]
    """One line each, with counts."""
    gaps: tuple[str, ...]
    """Rewards that are no number: a line for each column."""


def read_log(
    paths: Sequence[Path],
    given: dict[str, str],
    rewards: Sequence[str] | None = None,
    watch: Callable[[Sequence[Path]], Iterator[Path]] = iter,
) -> Log:
    """The whole log; ``watch`` sees the files go by. Raises ValueError, naming file and column."""
    files = log_files(paths)
    filled = ((file, sample) for file in files if not (sample := peek(file)).empty)
    file, sample = next(filled, (files[0], pd.DataFrame()))
    if sample.empty:
        raise ValueError(f"{file}: no rows: expected the log of a run")
    try:
        columns = resolve(sample, given, rewards)
    except ValueError as error:
        raise ValueError(f"{file}: {error}") from None
    odd = text_among_numbers(sample, [c for c in columns.ignored if c not in OTHERS])
    mixed = [f"{file}: no reward: {text}, or --rewards to read it all the same" for text in odd]
    missing: list[Gap] = []
    parts = [part for file in watch(files) for part in _file_parts(file, columns, missing)]
    # A field at a time, whose pieces are then let go: all of them twice would be twice the memory.
    fields = [list(field) for field in zip(*parts, strict=True)]
    del parts
    for i, pieces_of in enumerate(fields):
        fields[i] = np.concatenate(pieces_of)  # type: ignore[call-overload]
    rows = LogRows._make(fields)
    kept, notes = _cleaned(rows)
    return Log(
        kept, columns, (*_column_notes(files, columns), *notes), (*mixed, *gap_lines(missing))
    )


def _file_parts(file: Path, columns: Columns, gaps_seen: list[Gap]) -> Iterator[LogRows]:
    names, wanted = set(map(str, peek(file).columns)), columns.needed
    if not names:
        return
    essential = [columns.roles[x] for x in ("prompt", "group") if x in columns.roles]
    missing = [c for c in (*columns.rewards, *essential) if c not in names]
    if missing:
        raise ValueError(
            f"{file}: column {missing[0]!r} is missing: expected the columns of the first file"
        )
    for piece in pieces(file, [c for c in wanted if c in names]):
        rows = _numbers(piece, columns, step_of(file))
        if np.isnan(rows.rewards).any():
            gaps_seen += gaps(file, piece, columns, rows.rewards)
        yield rows


def _numbers(piece: pd.DataFrame, columns: Columns, step: int) -> LogRows:
    roles, n = columns.roles, len(piece)

    def column(role: str) -> pd.Series | None:
        return piece[roles[role]] if roles.get(role) in piece else None

    def number(role: str, missing: float) -> NDArray[np.float64]:
        values = column(role)
        return np.full(n, missing) if values is None else _numeric(values)

    completion, group = column("completion"), column("group")
    prompt = column("prompt") if group is None else group
    length = number("length", np.nan)
    if "length" not in roles and completion is not None:
        length = np.asarray(completion.astype(str).str.len(), float)
    rewards: NDArray[np.float64] = np.stack([_numeric(piece[c]) for c in columns.rewards], 1)
    key = _hash(prompt, n)
    same: NDArray[np.uint64] = key * np.uint64(3) + _hash(completion, n)
    for values in rewards.T:
        same = same * np.uint64(5) + np.asarray(pd.util.hash_array(values), np.uint64)
    step_number = number("step", step)
    known = np.isfinite(step_number)
    known &= (step_number >= 0) & (step_number < 2**31)
    number_of = np.where(known, step_number, -1).astype(np.int32)
    advantage, single = number("advantage", np.nan), np.float32
    return LogRows(number_of, key, same, length.astype(single), advantage, rewards.astype(single))


def _numeric(values: pd.Series) -> NDArray[np.float64]:
    """NaN for what is no finite number."""
    numbers = pd.to_numeric(values, errors="coerce").to_numpy(float, na_value=np.nan)
    return np.where(np.isfinite(numbers), numbers, np.nan)


def _hash(values: pd.Series | None, n: int) -> NDArray[np.uint64]:
    if values is None:
        return np.zeros(n, np.uint64)
    texts = values.astype(str).to_numpy(object)
    return np.asarray(pd.util.hash_array(texts), np.uint64)


def _column_notes(files: Sequence[Path], columns: Columns) -> Iterator[str]:
    roles = ", ".join(f"{role} = {name}" for role, name in columns.roles.items())
    yield f"{counted(len(files), 'file')}; rewards: {', '.join(columns.rewards)}; {roles}"
    if columns.ignored:
        yield f"columns not used: {', '.join(columns.ignored)}"
    if "step" not in columns.roles:
        yield "no column of steps: a file is one step, numbered by its name"
    if "length" not in columns.roles and "completion" in columns.roles:
        yield "lengths are characters of the completion: no column counts tokens"


def _cleaned(rows: LogRows) -> tuple[LogRows, list[str]]:
    """Without rows that say nothing, and steps that were logged again."""
    silent = np.asarray(np.isnan(rows.rewards).all(1))
    lost = np.asarray(rows.step < 0)
    again = _repeated_steps(rows)
    notes = [
        f"{counted(count, 'row')} left out: {why}"
        for chosen, why in (
            (lost & ~silent, "no step"),
            (again & ~lost & ~silent, "their step is the one before it, logged again"),
        )
        if (count := int(chosen.sum()))
    ]
    kept = ~(silent | lost | again)
    if not kept.any():
        raise ValueError(f"rewards = none in {len(silent):,} rows: expected numbers")
    if not kept.all():
        rows = LogRows._make(field[kept] for field in rows)
    return rows, notes


def _repeated_steps(rows: LogRows) -> NDArray[np.bool_]:
    """Rows of a step that holds exactly what the step before it held."""
    steps, where = np.unique(rows.step, return_inverse=True)
    # Sums do not depend on the order; two of different content agree once in 2^64.
    digest = np.zeros(steps.size, np.uint64)
    np.add.at(digest, where, rows.text)
    count = np.bincount(where, minlength=steps.size)
    same = np.r_[False, (digest[1:] == digest[:-1]) & (count[1:] == count[:-1])]
    return np.asarray(same[where] & (count[where] > 1))
