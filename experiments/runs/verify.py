"""The main job: run what the claims need, judge them, store rows and verdicts."""

import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from grpo_checks.experiments.computing.processes import is_first
from grpo_checks.experiments.computing.work import work_through
from grpo_checks.experiments.models.settings import RunResult, RunSettings
from grpo_checks.experiments.origin.provenance import provenance
from grpo_checks.experiments.protocol.claim import Claim, Row, Scope
from grpo_checks.experiments.runs.judging import check_stored, runs_of, stored_rows, telling
from grpo_checks.experiments.runs.stored_cells import claim_version, find_cell, judge_cell
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
A_CLAIM = 20_000_000
"""What judging a claim costs, on average, in the units of ``_cost``."""


def _cost(run: RunSettings) -> int:
    return run.n_steps * run.seeds * (run.group_size + 8)


def _same_shape(run: RunSettings) -> tuple[object, ...]:
    # Not the number of components, which programs of the plain estimators do not know.
    return run.instance.name, run.group_size, run.estimator, run.prompts


def _by_shape(wanted: Sequence[RunSettings]) -> list[list[RunSettings]]:
    """Every run once; of runs and of shapes the dearest first, so that no core is left alone."""
    shapes: dict[tuple[object, ...], list[RunSettings]] = defaultdict(list)
    for run in sorted(set(wanted), key=_cost, reverse=True):
        shapes[_same_shape(run)].append(run)
    return sorted(shapes.values(), key=lambda runs: sum(map(_cost, runs)), reverse=True)


def run_all(wanted: Sequence[RunSettings], store: Store) -> dict[RunSettings, RunResult]:
    """Every run once."""
    results: dict[RunSettings, RunResult] = {}

    def work(run: RunSettings, wait: bool) -> None:
        results[run] = execute(run, store, wait)

    work_through(_by_shape(wanted), work, _cost, "training runs")
    return results


class _Task(NamedTuple):
    """Of a verification."""

    work: Callable[[bool], None]
    """Takes whether to wait for what another command is at; raises locks.Busy if not."""
    cost: int = A_CLAIM


class _Verification:
    """What claims come to in a scope: stored points, and cells, which need training runs."""

    def __init__(self, claims: Sequence[Claim], scope: Scope, store: Store) -> None:
        self.scope, self.store = scope, store
        self.points: dict[str, list[Row]] = {}
        self.cells = {c.name: x for c in claims if (x := find_cell(c, scope, store)) is not None}
        missing = [claim for claim in claims if claim.name not in self.cells]
        self.needed = {claim.name: runs_of(claim, scope) for claim in missing}
        self.results: dict[RunSettings, RunResult] = {}
        self.judged: list[str] = []
        """Claims whose cells were not stored yet."""
        work_through(self._tasks(claims, missing), _do, lambda task: task.cost, "claims and runs")

    def _tasks(self, claims: Sequence[Claim], missing: Sequence[Claim]) -> list[list[_Task]]:
        """Side by side: points, which are Python's work, one thread's alone; the dearest runs
        first; the claims that rest on them once they are through; at the end exact claims."""
        points = [_Task(partial(self._decide, claim), 0) for claim in claims]
        shapes = _by_shape([run for runs in self.needed.values() for run in runs])
        trained = [[_Task(partial(self._train, r), _cost(r)) for r in runs] for runs in shapes]
        last = sorted(missing, key=lambda claim: not self.needed[claim.name])
        return [points, *trained, *([_Task(partial(self._judge, claim))] for claim in last)]

    def _decide(self, claim: Claim, wait: bool) -> None:
        self.points[claim.name] = stored_rows(claim, self.scope)

    def _train(self, run: RunSettings, wait: bool) -> None:
        if run not in self.results:
            self.results[run] = execute(run, self.store, wait)

    def _judge(self, claim: Claim, wait: bool) -> None:
        runs = self.needed[claim.name]
        for run in runs:
            self._train(run, wait)
        self.cells[claim.name] = judge_cell(
            claim, self.scope, runs, self.results, self.store, wait, self.judged
        )


def _do(task: _Task, wait: bool) -> None:
    task.work(wait)


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
    for claim in claims:
        check_stored(claim, scope)
    before = len(store.computed)
    done = _Verification(claims, scope, store)
    cells = [done.cells[claim.name] for claim in claims]
    computed = len(store.computed) - before - len(done.judged)
    judged = [
        telling(c, scope, [*cell.rows, *done.points[c.name]])
        for c, cell in zip(claims, cells, strict=True)
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
