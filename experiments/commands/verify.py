"""verify: check claims."""

import argparse
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from grpo_checks.experiments.claims.catalogue import chosen
from grpo_checks.experiments.computing.compilation import Compilations
from grpo_checks.experiments.computing.processes import is_first, join, start_together
from grpo_checks.experiments.computing.resources import peak_memory
from grpo_checks.experiments.ledger.ledger import differences
from grpo_checks.experiments.models.instances import from_argument
from grpo_checks.experiments.origin.environment import begun_elsewhere
from grpo_checks.experiments.protocol.claim import Claim, Scope
from grpo_checks.experiments.runs.tables import Report, expected
from grpo_checks.experiments.runs.verify import verify
from grpo_checks.experiments.storage.files import check_writable, digest
from grpo_checks.experiments.storage.folders import labels
from grpo_checks.experiments.storage.store import Store
from grpo_checks.experiments.storage.terminal import say, table_lines

PROFILES = ("quick", "paper", "ci")
"""``ci``: the sizes of ``quick``, in a folder of its own and without a word on the ledger."""
MAX_SEEDS = 10**6


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The command's arguments."""
    parser = commands.add_parser("verify", help="check claims; tables go to the output folder")
    parser.add_argument("--profile", choices=PROFILES, default="quick")
    only = "only this claim, or all that a prefix names, as T2 does (may be repeated)"
    parser.add_argument("--claim", action="append", help=only)
    parser.add_argument("--instance", help="only this instance: a name or a .json file")
    parser.add_argument("--mutant", help="a false version of the one --claim; must be refuted")
    seeds = "at least this many seeds per run, rounded up to a power of two: each has its share of "
    seeds += "the error, so that more may be asked for after seeing verdicts"
    parser.add_argument("--seeds", type=int, default=1, help=seeds)
    parser.add_argument("--out", type=Path, help="output folder [results/PROFILE]")
    parser.add_argument("--fresh", action="store_true", help="compute again what is stored")
    parser.add_argument(
        "--coordinator", help="HOST:PORT of process 0, or auto (SLURM, TPU pods, ...)"
    )
    parser.add_argument("--processes", type=int, help="how many processes share --out")
    parser.add_argument("--process", type=int, help="which of them this is, from 0")
    parser.set_defaults(run=run)


def _check_mutant(mutant: str | None, claims: Sequence[Claim]) -> None:
    if mutant is None:
        return
    if len(claims) != 1:
        raise ValueError(f"mutant = {mutant!r}: expected exactly one --claim with it")
    if mutant not in claims[0].mutants:
        raise ValueError(f"mutant = {mutant!r}: expected one of {tuple(claims[0].mutants)}")


def _folder(out: Path, arguments: argparse.Namespace, names: Sequence[str]) -> Path:
    """Where the tables go: a part of the checks must not overwrite the tables of all of them."""
    mutant = arguments.mutant and f"mutant {arguments.mutant}"
    parts = [*(names if arguments.claim else ()), arguments.instance, mutant]
    name = labels(part for part in parts if part)
    return out / "part" / name if name else out


def _print(report: Report, folder: Path, compared: bool) -> None:
    shown = report.verdicts[["claim", "verdict", "expected", "cells", "evidence", "margin"]]
    with pd.option_context("display.width", 200, "display.max_colwidth", 80):
        say(*table_lines(shown))
    for claim in report.verdicts["claim"][~expected(report.verdicts)]:
        for row in report.offending(claim):
            say("  " + ", ".join(f"{k}={v}" for k, v in row.items()))
    say(f"tables: {folder}")
    if compared:
        changed = differences(report.verdicts)
        say(*(changed or ["verdicts as in the ledger (paper_checks.md)"]))


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
