"""verify: check claims."""

import argparse
import re
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from grpo_checks.experiments.claims.catalogue import chosen
from grpo_checks.experiments.computing.compilation import Compilations
from grpo_checks.experiments.computing.processes import is_first, join, start_together
from grpo_checks.experiments.computing.resources import peak_memory
from grpo_checks.experiments.ledger.ledger import differences
from grpo_checks.experiments.models.building.argument import from_argument
from grpo_checks.experiments.origin.environment import begun_elsewhere
from grpo_checks.experiments.protocol.claim import Claim, Scope
from grpo_checks.experiments.runs.tables import SILENT, Report, expected
from grpo_checks.experiments.runs.verify import verify
from grpo_checks.experiments.storage.colours import Colour, coloured
from grpo_checks.experiments.storage.files import check_writable, digest
from grpo_checks.experiments.storage.folders import labels
from grpo_checks.experiments.storage.store import Store
from grpo_checks.experiments.storage.terminal import say, table_lines
from grpo_checks.experiments.storage.text import meant

MAX_SEEDS = 10**6
REASONS = 3
"""Of one claim that are shown; all are in rows.csv."""
COLOURS: Mapping[str, Colour] = {
    "holds": "green",
    "refuted": "red",
    "vacuous": "yellow",
    "assumption unmet": "yellow",
    "inconclusive": "magenta",
}
VERDICT = re.compile("|".join(COLOURS))


def _check_mutant(mutant: str | None, claims: Sequence[Claim]) -> None:
    if mutant is None:
        return
    if len(claims) != 1:
        raise ValueError(f"mutant = {mutant!r}: expected exactly one --claim with it")
    if mutant not in claims[0].mutants:
        known = tuple(claims[0].mutants)
        raise ValueError(f"mutant = {mutant!r}: {meant(mutant, known)}expected one of {known}")


def _folder(out: Path, arguments: argparse.Namespace, names: Sequence[str]) -> Path:
    """Where the tables go: a part of the checks must not overwrite the tables of all of them."""
    mutant = arguments.mutant and f"mutant {arguments.mutant}"
    parts = [*(names if arguments.claim else ()), arguments.instance, mutant]
    name = labels(part for part in parts if part)
    return out / "part" / name if name else out


def _print(report: Report, folder: Path, compared: bool) -> None:
    shown = report.verdicts[["claim", "verdict", "expected", "cells", "evidence", "margin"]]
    say(*table_lines(shown), paint=_verdict_in_colour)
    _say_reasons(report)
    for claim in report.verdicts["claim"][~expected(report.verdicts)]:
        for row in report.offending(claim):
            line = "  " + ", ".join(f"{k}={v}" for k, v in row.items())
            say(line, paint=partial(coloured, colour="bold red"))
    say(f"tables: {folder}")
    if compared:
        changed = differences(report.verdicts)
        say(*(changed or ["verdicts as in the ledger (paper_checks.md)"]))


def _verdict_in_colour(line: str) -> str:
    """The first verdict of a line, which is the one that was come to."""
    return VERDICT.sub(lambda match: coloured(match[0], COLOURS[match[0]]), line, count=1)


def _say_reasons(report: Report) -> None:
    """Why a claim says nothing of the model, in the words of its rows."""
    silent = report.verdicts[report.verdicts["verdict"].isin(SILENT)]
    for claim, verdict in zip(silent["claim"], silent["verdict"], strict=True):
        rows = report.rows[(report.rows["claim"] == claim) & (report.rows["verdict"] == verdict)]
        for why in list(dict.fromkeys(note for note in rows["note"] if note))[:REASONS]:
            say(f"  {claim}: {verdict}: {why}")


def _store(folder: Path, claims: Sequence[Claim], scope: Scope, fresh: bool) -> Store:
    check_writable(folder)
    # The same command goes on with a pass that was killed; another one has its own.
    request = digest([[claim.name for claim in claims], scope.settings()])[:8]
    begun = start_together(folder, request if fresh else None)
    if begun is not None and begun.marked() and is_first():
        say(f"--fresh goes on where it was interrupted: {begun.marked()} results are there")
    if is_first() and (notice := begun_elsewhere(folder)):
        say(notice)
    return Store(folder, begun)


def run(arguments: argparse.Namespace) -> int:
    """0 where every verdict is as expected, which of a mutant is *refuted*, else 1."""
    join(arguments.coordinator, arguments.processes, arguments.process)
    named = chosen(arguments.claim)
    claims = list(named.values())
    _check_mutant(arguments.mutant, claims)
    if not 1 <= arguments.seeds <= MAX_SEEDS:
        raise ValueError(f"seeds = {arguments.seeds}: expected 1..{MAX_SEEDS}")
    spec = from_argument(arguments.instance) if arguments.instance is not None else None
    profile = "quick" if arguments.profile == "ci" else arguments.profile
    scope = Scope(profile, spec, arguments.mutant, arguments.seeds)
    out = arguments.out or Path("results") / arguments.profile
    folder = _folder(out, arguments, list(named))
    store = _store(out / "cells", claims, scope, arguments.fresh)
    compilations = Compilations()
    report = verify(claims, scope, store, folder)
    if store.fresh is not None:
        store.fresh.end()
    for line in store.notices():
        say(line)
    if is_first():
        _print(report, folder, compared=folder == out and arguments.profile != "ci")
        say(f"{compilations}; peak memory {peak_memory() / 2**30:.2f} GiB")
    return 0 if report.as_expected else 1
