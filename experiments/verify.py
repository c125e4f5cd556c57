"""The main job: run what the claims need, judge them, store rows and verdicts."""

import os
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from tqdm import tqdm

from experiments.claim import Claim, Scope
from experiments.files import Store, canonical, write_atomic
from experiments.judging import BAR, judge_all, runs_of
from experiments.provenance import provenance
from experiments.runs import RunResult, execute
from experiments.settings import RunSettings
from experiments.tables import Report, as_json, as_junit, report


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


def verify(claims: Sequence[Claim], scope: Scope, store: Store, out: Path) -> Report:
    """Check claims and write the tables of ``experiments.tables`` to ``out``, each file whole."""
    started = time.monotonic()
    wanted = [run for claim in claims for run in runs_of(claim, scope)]
    results: Mapping[RunSettings, RunResult] = run_all(wanted, store)
    found = report(claims, judge_all(claims, scope, results))
    settings = sorted((run.settings() for run in results), key=canonical)
    facts = provenance(settings, store.found, time.monotonic() - started)
    write_atomic(out / "rows.csv", found.rows.to_csv(index=False))
    write_atomic(out / "cases.csv", found.cases.to_csv(index=False))
    write_atomic(out / "verdicts.csv", found.verdicts.to_csv(index=False))
    write_atomic(out / "verdicts.json", as_json(found) + "\n")
    write_atomic(out / "junit.xml", as_junit(found))
    write_atomic(out / "provenance.json", canonical(facts) + "\n")
    return found
