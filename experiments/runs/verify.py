"""The main job: run what the claims need, judge them, store rows and verdicts."""

import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from grpo_checks.experiments.computing.processes import is_first
from grpo_checks.experiments.computing.work import work_through
from grpo_checks.experiments.models.settings import RunResult, RunSettings
from grpo_checks.experiments.origin.provenance import provenance
from grpo_checks.experiments.protocol.claim import Claim, Scope
from grpo_checks.experiments.runs.judging import runs_of, stored_rows, telling
from grpo_checks.experiments.runs.stored_cells import Cell, claim_version, find_cell, judge_cell
from grpo_checks.experiments.runs.tables import Report, as_json, as_junit, report
from grpo_checks.experiments.runs.training import execute
from grpo_checks.experiments.storage.files import (
    canonical,
    check_replaceable,
    digest,
    sweep,
    write_atomic,
)
from grpo_checks.experiments.storage.store import Store

TABLES = (
    "rows.csv",
    "cases.csv",
    "verdicts.csv",
    "verdicts.json",
    "junit.xml",
    "provenance.json",
)
"""What a verification writes."""


def _cost(run: RunSettings) -> int:
    return run.n_steps * run.seeds * (run.group_size + 8)


def _same_shape(run: RunSettings) -> tuple[object, ...]:
    # Not the number of components, which programs of the plain estimators do not know.
    return run.instance.name, run.group_size, run.estimator, run.prompts


def run_all(wanted: Sequence[RunSettings], store: Store) -> dict[RunSettings, RunResult]:
    """Every run once; of runs and of shapes the dearest first, so that no core is left alone."""
    shapes: dict[tuple[object, ...], list[RunSettings]] = defaultdict(list)
    for run in sorted(set(wanted), key=_cost, reverse=True):
        shapes[_same_shape(run)].append(run)
    results: dict[RunSettings, RunResult] = {}

    def work(run: RunSettings, wait: bool) -> None:
        results[run] = execute(run, store, wait)

    groups = sorted(shapes.values(), key=lambda runs: sum(map(_cost, runs)), reverse=True)
    work_through(groups, work, _cost, "training runs")
    return results


def judge_all(claims: Sequence[Claim], scope: Scope, store: Store) -> tuple[list[Cell], int]:
    """The cell of each claim and the number of runs computed for them.

    Only what is not stored is computed: the runs of a stored cell are not even looked at. Exact
    claims compute here, side by side.
    """
    cells = {c.name: cell for c in claims if (cell := find_cell(c, scope, store)) is not None}
    missing = [claim for claim in claims if claim.name not in cells]
    needed = {claim.name: runs_of(claim, scope) for claim in missing}
    results = run_all([run for runs in needed.values() for run in runs], store)
    computed = len(store.computed)

    def work(claim: Claim, wait: bool) -> None:
        cells[claim.name] = judge_cell(claim, scope, needed[claim.name], results, store, wait)

    work_through([[claim] for claim in missing], work, lambda _: 1, "claims")
    return [cells[claim.name] for claim in claims], computed


def _write_tables(out: Path, texts: Mapping[str, str], store: Store) -> None:
    """All of them under one lock: tables of two commands never mix."""
    with store.locked(store.folder / ".tables.lock"):
        for name, text in texts.items():
            sweep(out / name)
            write_atomic(out / name, text)


def verify(claims: Sequence[Claim], scope: Scope, store: Store, out: Path) -> Report:
    """Check claims and write the tables of ``experiments.runs.tables`` to ``out``, each file whole.

    Stored points are decided again every time. Of several processes all compute and judge, and the
    first one writes. Raises ValueError for a claim of which nothing was checked.
    """
    started = time.monotonic()
    for name in TABLES:
        check_replaceable(out / name)
    # First: that a file of them is missing is better known before hours of work.
    points = [stored_rows(claim, scope) for claim in claims]
    cells, computed = judge_all(claims, scope, store)
    judged = [
        telling(c, scope, [*cell.rows, *p])
        for c, cell, p in zip(claims, cells, points, strict=True)
    ]
    tables = report(claims, judged, scope.instance is not None, scope.mutant)
    runs = sorted({run for cell in cells for run in cell.runs})
    code = digest([claim_version(claim) for claim in claims])
    facts = provenance(code, runs, len(runs) - computed, time.monotonic() - started)
    if is_first():
        texts = [
            *(table.to_csv(index=False) for table in (tables.rows, tables.cases, tables.verdicts)),
            as_json(tables) + "\n",
            as_junit(tables),
            canonical(facts) + "\n",
        ]
        _write_tables(out, dict(zip(TABLES, texts, strict=True)), store)
    return tables
