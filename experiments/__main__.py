"""Command line: list the claims, verify them, write the ledger. Exit status: see ``main``."""

import argparse
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path

import jax
import pandas as pd

from experiments.advise import advise
from experiments.catalogue import CLAIMS, find
from experiments.claim import Claim, Scope
from experiments.compilation import Compilations, keep_compiled
from experiments.files import Store, write_atomic
from experiments.instances import from_argument
from experiments.ledger import LEDGER, PAPER, differences, ledger_text
from experiments.resources import peak_memory
from experiments.verify import Report, verify

PROFILES = ("quick", "paper")
MAX_SEEDS = 10**6


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m experiments", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="the claims, their provenance and their mutants")
    check = commands.add_parser("verify", help="check claims; tables go to the output folder")
    check.add_argument("--profile", choices=PROFILES, default="quick")
    check.add_argument("--claim", action="append", help="only this claim (may be repeated)")
    check.add_argument("--instance", help="only this instance: a name or a .json file")
    check.add_argument("--mutant", help="a false version of the one --claim; must be refuted")
    check.add_argument("--seeds", type=int, default=1, help="at least this many seeds per run")
    check.add_argument("--out", type=Path, help="output folder [results/PROFILE]")
    guide = commands.add_parser("advise", help="which estimator and group size, for one model")
    guide.add_argument("--instance", required=True, help="a name or a .json file")
    guide.add_argument("--budget", type=int, default=64, help="episodes per update [64]")
    guide.add_argument(
        "--train", type=int, default=0, help="steps of exact gradient ascent before [0]"
    )
    guide.add_argument("--out", type=Path, help="output folder [results/advise/NAME]")
    commands.add_parser("ledger", help="write paper_checks.md from the rows of the paper profile")
    return parser


def _list() -> None:
    for claim in CLAIMS:
        print(f"{claim.name}  [{claim.provenance}; expected: {claim.expected}]")
        print(f"    {claim.statement}")
        print(f"    assumes: {'; '.join(claim.assumptions)}")
        for name, change in claim.mutants.items():
            print(f"    mutant {name!r}: {change}")


def _claims(arguments: argparse.Namespace) -> list[Claim]:
    claims = [find(name) for name in arguments.claim] if arguments.claim else list(CLAIMS)
    if arguments.mutant is not None:
        if len(claims) != 1:
            raise ValueError(f"mutant = {arguments.mutant!r}: expected exactly one --claim with it")
        if arguments.mutant not in claims[0].mutants:
            known = tuple(claims[0].mutants)
            raise ValueError(f"mutant = {arguments.mutant!r}: expected one of {known}")
    return claims


def _folder(out: Path, arguments: argparse.Namespace) -> Path:
    """Where the tables go: a part of the checks must not overwrite the tables of all of them."""
    parts = [*(arguments.claim or []), arguments.instance, arguments.mutant]
    chosen = [re.sub(r"[^\w.]+", "-", Path(part).name) for part in parts if part]
    return out / "part" / "+".join(chosen) if chosen else out


def _print(report: Report, folder: Path, whole: bool) -> None:
    shown = report.verdicts[["claim", "verdict", "expected", "cells", "margin"]]
    with pd.option_context("display.width", 200, "display.max_colwidth", 80):
        print(shown.to_string(index=False))
    surprises = report.verdicts["claim"][report.verdicts["verdict"] != report.verdicts["expected"]]
    failed = report.rows[report.rows["claim"].isin(surprises)]
    failed = failed[failed["verdict"].isin(["refuted", "inconclusive"])]
    for row in failed.head(5).to_dict("records"):
        given = {k: v for k, v in row.items() if pd.notna(v) and v != "" and "loss" not in str(k)}
        print("  " + ", ".join(f"{k}={v}" for k, v in given.items()))
    print(f"tables: {folder}")
    if whole:
        changed = differences(report.verdicts)
        print("\n".join(changed) if changed else "verdicts as in the ledger (paper_checks.md)")


def _verify(arguments: argparse.Namespace) -> int:
    claims = _claims(arguments)
    if not 1 <= arguments.seeds <= MAX_SEEDS:
        raise ValueError(f"seeds = {arguments.seeds}: expected 1..{MAX_SEEDS}")
    spec = from_argument(arguments.instance) if arguments.instance else None
    scope = Scope(arguments.profile, spec, arguments.mutant, arguments.seeds)
    out = arguments.out or Path("results") / arguments.profile
    folder, store = _folder(out, arguments), Store(out / "cells")
    compilations = Compilations()
    report = verify(claims, scope, store, folder)
    for path in store.set_aside:
        print(f"unsound file set aside and computed again: {path}")
    _print(report, folder, whole=folder == out)
    print(f"{compilations}; peak memory {peak_memory() / 2**30:.2f} GiB")
    return 0 if report.as_expected else 1


def _advise(arguments: argparse.Namespace) -> None:
    spec = from_argument(arguments.instance)
    found = advise(spec, arguments.budget, arguments.train)
    folder = arguments.out or Path("results") / "advise" / spec.name
    shown = found.table.drop(columns="note").dropna(subset=["signal"])
    with pd.option_context("display.width", 200, "display.float_format", "{:.4g}".format):
        print(shown.to_string(index=False))
    print("\n".join([*found.summary, *_refusals(found.table)]))
    rows = found.table.assign(claim="advice", instance=spec.name, budget=arguments.budget)
    write_atomic(folder / "rows.csv", rows.to_csv(index=False))
    print(f"table: {folder / 'rows.csv'}; figure: python -m figures {folder}")


def _refusals(table: pd.DataFrame) -> list[str]:
    """What could not be computed, and why."""
    refused = table[table["note"] != ""]
    return [f"{row.estimator}, {row.note}" for row in refused.itertuples()]


def main(argv: Sequence[str] | None = None) -> int:
    """0: every verdict as expected; 1: some differ; 2: bad input; 3: interrupted, resumable."""
    arguments = _parser().parse_args(argv)
    jax.config.update("jax_enable_x64", True)
    keep_compiled()
    try:
        if arguments.command == "list":
            _list()
        elif arguments.command == "verify":
            return _verify(arguments)
        elif arguments.command == "advise":
            _advise(arguments)
        else:
            write_atomic(LEDGER, ledger_text(PAPER))
        return 0
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted; finished runs are stored, the same command resumes", file=sys.stderr)
        sys.stderr.flush()
        # Worker threads cannot be stopped inside compiled code; leave without waiting for them.
        os._exit(3)


if __name__ == "__main__":
    sys.exit(main())
