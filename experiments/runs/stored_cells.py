"""The rows of a claim as a stored result: what defines them, and the way to JSON and back."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from math import isfinite, isnan
from typing import Any, NamedTuple

import numpy as np

from grpo_checks.experiments.models.settings import RunResult, RunSettings
from grpo_checks.experiments.origin.captured import Walk
from grpo_checks.experiments.origin.code_version import version_of
from grpo_checks.experiments.origin.environment import environment
from grpo_checks.experiments.origin.sources import snapshot
from grpo_checks.experiments.protocol.claim import Claim, Levels, Row, Scope
from grpo_checks.experiments.runs.judging import as_they_count, cell_rows
from grpo_checks.experiments.storage.files import digest
from grpo_checks.experiments.storage.store import Store

NUMBERS = ("observed", "lower", "upper", "bound", "rounding")
TABLES = ("parameters", "extra")
LEVELS = "levels"


class Cell(NamedTuple):
    """What a claim came to in a scope."""

    rows: list[Row]
    runs: Sequence[str]
    """Digests of the settings of the training runs that the rows rest on."""


def cell_settings(claim: Claim, scope: Scope) -> dict[str, Any]:
    """What defines the rows of a claim: what was asked, and the code, which also says the runs."""
    return {
        "claim": claim.name,
        "scope": scope.settings(),
        "code": claim_version(claim),
        **environment(),
    }


def claim_version(claim: Claim) -> str:
    """Digest of its file, of what it imports, and of what its functions carry.

    They may be partial, closures, or from elsewhere.
    """
    walk = Walk()
    values = walk.encoded([claim.rows, claim.runs, [a.unmet for a in claim.assumptions]])
    modules = {__name__, claim.origin.module, *walk.modules}
    # What was imported since, inside a function, counts as it was then.
    sources = {**snapshot(), **claim.origin.sources}
    return digest([version_of(modules, sources), values])


def find_cell(claim: Claim, scope: Scope, store: Store) -> Cell | None:
    """The stored cell, if there is one."""
    stored = store.find(cell_settings(claim, scope), partial(_check, claim, scope.error))
    return stored and _read(stored)


def judge_cell(
    claim: Claim,
    scope: Scope,
    runs: Sequence[RunSettings],
    results: Mapping[RunSettings, RunResult],
    store: Store,
    wait: bool = True,
    judged: list[str] | None = None,
) -> Cell:
    """The cell of a claim, from the results of its runs, stored; where it was not stored yet, the
    name of the claim goes to ``judged``.

    Raises locks.Busy, OSError; ValueError for rows that are none.
    """

    def compute() -> dict[str, Any]:
        rows = _rows(claim, scope, results)
        if judged is not None:
            judged.append(claim.name)
        for row in rows:
            _check_name(claim, row)
        used = sorted(digest(run.settings()) for run in set(runs))
        return {"rows": [_write(row) for row in rows], "count": len(rows), "runs": used}

    check = partial(_check, claim, scope.error)
    return _read(store.get(cell_settings(claim, scope), compute, wait, check))


def _check_name(claim: Claim, row: Row) -> None:
    """The row of another claim would count for that one, or for none."""
    if row.claim != claim.name:
        raise ValueError(f"claim = {claim.name!r}: Row.claim = {row.claim!r}: expected the same")


def _check(claim: Claim, error: float, stored: Any) -> None:
    """Raises ValueError, KeyError, TypeError for what could not have been computed."""
    rows, runs = _read(stored)
    if len(rows) != stored["count"] or [_write(row) for row in rows] != stored["rows"]:
        raise ValueError(f"{len(rows)} rows: expected {stored['count']}, as they are written")
    if not all(re.fullmatch("[0-9a-f]{64}", run) for run in runs):
        raise ValueError(f"runs = {runs}: expected digests")
    for row in rows:
        _check_name(claim, row)
        if row.levels is not None and not all(0 <= level <= 1 for level in row.levels[:2]):
            raise ValueError(f"levels = {row.levels}: expected them in [0, 1]")
    if as_they_count([finite(row) for row in rows], error) != rows:
        raise ValueError("rows that do not count as they stand")


def _rows(claim: Claim, scope: Scope, results: Mapping[RunSettings, RunResult]) -> list[Row]:
    """Where the arithmetic breaks down, one row that says so."""
    try:
        return [finite(row) for row in cell_rows(claim, scope, results)]
    except ArithmeticError as error:
        name = scope.instance.name if scope.instance else ""
        why = f"{type(error).__name__}: {error}"
        return [Row(claim.name, name, {}, None, None, None, None, "inconclusive", why)]


def finite(row: Row) -> Row:
    """The row itself, or, where a number overflowed or is none, one that decides nothing."""
    numbers = {name: getattr(row, name) for name in NUMBERS}
    lost = [name for name, x in numbers.items() if x is not None and not isfinite(x)]
    if not lost:
        return row
    why = f"not finite: {', '.join(lost)}" + (f"; {row.note}" if row.note else "")
    none: dict[str, Any] = dict.fromkeys(lost)
    return replace(row, **none, verdict="inconclusive", note=why)


def _write(row: Row) -> dict[str, Any]:
    """As JSON; tables as pairs, so that columns keep their order."""
    pairs = {name: [[k, _encode(x)] for k, x in getattr(row, name).items()] for name in TABLES}
    plain = {name: _encode(x) for name, x in vars(row).items() if name not in (*TABLES, LEVELS)}
    return {**plain, **pairs, LEVELS: row.levels and list(row.levels)}


def _read(stored: Any) -> Cell:
    rows = []
    for row in stored["rows"]:
        pairs = {name: {k: _decode(x) for k, x in row[name]} for name in TABLES}
        rows.append(Row(**{**row, **pairs, LEVELS: row[LEVELS] and Levels(*row[LEVELS])}))
    return Cell(rows, stored["runs"])


def _encode(value: Any) -> Any:
    """No NaN: what is not known is null. An infinity, which JSON lacks, is named."""
    if isinstance(value, np.generic) or getattr(value, "ndim", None) == 0:
        return _encode(value.item())
    if isinstance(value, float) and not isfinite(value):
        return None if isnan(value) else {"float": repr(value)}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    # As a table would show it: a fraction, a tuple of sizes.
    return str(value)


def _decode(value: Any) -> Any:
    return float(value["float"]) if isinstance(value, dict) else value
