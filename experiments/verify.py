"""The main job: run what the claims need, judge them, store rows and verdicts."""

import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from experiments.cells import Cell, find_cell, judge_cell
from experiments.claim import Claim, Row, Scope, overall
from experiments.files import canonical, sweep, write_atomic
from experiments.locks import locked
from experiments.markdown import span
from experiments.processes import is_first
from experiments.provenance import provenance
from experiments.runs import RunResult, execute
from experiments.settings import RunSettings
from experiments.store import Store
from experiments.work import work_through


@dataclass(frozen=True)
class Report:
    """What one command found."""

    rows: pd.DataFrame
    verdicts: pd.DataFrame

    @property
    def as_expected(self) -> bool:
        """Whether every claim came out as expected, or does not apply to the instance."""
        same = self.verdicts["verdict"] == self.verdicts["expected"]
        return bool((same | (self.verdicts["verdict"] == "assumption unmet")).all())


def _cost(run: RunSettings) -> int:
    return run.n_steps * run.seeds * (run.group_size + 8)


def _same_shape(run: RunSettings) -> tuple[object, ...]:
    return (
        run.instance.name,
        run.parameters()["components"],
        run.group_size,
        run.estimator,
        run.prompts,
    )


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
    needed = {claim.name: claim.runs(scope) for claim in missing}
    results = run_all([run for runs in needed.values() for run in runs], store)
    computed = len(store.computed)

    def work(claim: Claim, wait: bool) -> None:
        cells[claim.name] = judge_cell(claim, scope, needed[claim.name], results, store, wait)

    work_through([[claim] for claim in missing], work, lambda _: 1, "claims")
    return [cells[claim.name] for claim in claims], computed


def _margin(rows: Sequence[Row]) -> str:
    """bound/observed over a claim's cells, or the slack where a ratio has no meaning."""
    table = pd.DataFrame([row.flat() for row in rows])
    ratios = pd.to_numeric(table["ratio"]).dropna()
    if (ratios > 0).any():
        return f"bound/observed {span(ratios)}, median {ratios.median():.3g}"
    slacks = pd.to_numeric(table["slack"]).dropna()
    return "" if slacks.empty else f"slack {span(slacks)}"


def _summary(claim: Claim, rows: Sequence[Row]) -> dict[str, object]:
    counts = pd.Series([row.verdict for row in rows]).value_counts()
    return {
        "claim": claim.name,
        "provenance": claim.provenance,
        "verdict": overall([row.verdict for row in rows]),
        "expected": claim.expected,
        "cells": ", ".join(f"{n} {verdict}" for verdict, n in counts.items()),
        "margin": _margin(rows),
        "statement": claim.statement,
    }


def _write_tables(out: Path, texts: Mapping[str, str], lock: Path) -> None:
    """All of them under one lock: tables of two commands never mix."""
    with locked(lock):
        for name, text in texts.items():
            sweep(out / name)
            write_atomic(out / name, text)


def verify(claims: Sequence[Claim], scope: Scope, store: Store, out: Path) -> Report:
    """Check claims and write rows.csv, verdicts.csv and provenance.json to ``out``, each whole.

    Of several processes all compute and judge, and the first one writes.
    """
    started = time.monotonic()
    cells, computed = judge_all(claims, scope, store)
    table = pd.DataFrame([row.flat() for cell in cells for row in cell.rows])
    judged = zip(claims, cells, strict=True)
    verdicts = pd.DataFrame([_summary(claim, cell.rows) for claim, cell in judged])
    runs = sorted({run for cell in cells for run in cell.runs})
    facts = provenance(runs, len(runs) - computed, time.monotonic() - started)
    if is_first():
        texts = {
            "rows.csv": table.to_csv(index=False),
            "verdicts.csv": verdicts.to_csv(index=False),
            "provenance.json": canonical(facts) + "\n",
        }
        _write_tables(out, texts, store.folder / ".tables.lock")
    return Report(table, verdicts)
