"""The main job: run what the claims need, judge them, store rows and verdicts."""

import os
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from tqdm import tqdm

from experiments.claim import Claim, Row, Scope, overall
from experiments.files import Store, canonical, write_atomic
from experiments.markdown import span
from experiments.provenance import provenance
from experiments.runs import RunResult, execute
from experiments.settings import RunSettings

BAR = "{desc} {percentage:3.0f}%|{bar}| {elapsed}<{remaining}"


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
    # Not the number of components, which programs of the plain estimators do not know.
    return run.instance.name, run.group_size, run.estimator, run.prompts


def run_all(wanted: Sequence[RunSettings], store: Store) -> dict[RunSettings, RunResult]:
    """Every run once, as many at a time as there are cores; those of one shape in a row.

    Two threads that meet a new shape at once would both compile it. An interrupt leaves at once;
    what was finished is stored.
    """
    distinct = sorted(set(wanted), key=_cost, reverse=True)
    shapes: dict[tuple[object, ...], list[RunSettings]] = defaultdict(list)
    for run in distinct:
        shapes[_same_shape(run)].append(run)
    results: dict[RunSettings, RunResult] = {}
    pool = ThreadPoolExecutor(os.cpu_count())
    total = sum(map(_cost, distinct))
    with tqdm(
        total=total, desc="training runs", delay=2, leave=False, bar_format=BAR, disable=None
    ) as bar:

        def work(runs: list[RunSettings]) -> None:
            for run in runs:
                results[run] = execute(run, store)
                bar.update(_cost(run))

        try:
            for future in as_completed([pool.submit(work, runs) for runs in shapes.values()]):
                future.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
    return results


def judge_all(
    claims: Sequence[Claim], scope: Scope, results: Mapping[RunSettings, RunResult]
) -> list[list[Row]]:
    """The rows of each claim. Exact claims compute here, as many at a time as there are cores."""
    pool = ThreadPoolExecutor(os.cpu_count())
    bar = tqdm(total=len(claims), desc="claims", delay=2, leave=False, bar_format=BAR, disable=None)

    def work(claim: Claim) -> list[Row]:
        found = claim.rows(scope, results)
        bar.update()
        return found

    try:
        with bar:
            return [future.result() for future in [pool.submit(work, claim) for claim in claims]]
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


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


def verify(claims: Sequence[Claim], scope: Scope, store: Store, out: Path) -> Report:
    """Check claims and write rows.csv, verdicts.csv and provenance.json to ``out``, each whole."""
    started = time.monotonic()
    needed = {claim.name: claim.runs(scope) for claim in claims}
    wanted = [run for runs in needed.values() for run in runs]
    results: Mapping[RunSettings, RunResult] = run_all(wanted, store)
    judged = list(zip(claims, judge_all(claims, scope, results), strict=True))
    table = pd.DataFrame([row.flat() for _, rows in judged for row in rows])
    verdicts = pd.DataFrame([_summary(claim, rows) for claim, rows in judged])
    settings = sorted((run.settings() for run in results), key=canonical)
    facts = provenance(settings, store.found, time.monotonic() - started)
    write_atomic(out / "rows.csv", table.to_csv(index=False))
    write_atomic(out / "verdicts.csv", verdicts.to_csv(index=False))
    write_atomic(out / "provenance.json", canonical(facts) + "\n")
    return Report(table, verdicts)
