"""mutants: every false version of every claim must be caught."""

import argparse
from pathlib import Path

from grpo_checks.experiments.audit.mutants import all_mutants, sensitivities
from grpo_checks.experiments.claims.catalogue import chosen
from grpo_checks.experiments.origin.environment import begun_elsewhere
from grpo_checks.experiments.storage.files import check_target
from grpo_checks.experiments.storage.folders import labels
from grpo_checks.experiments.storage.store import Store
from grpo_checks.experiments.storage.table_file import write_table
from grpo_checks.experiments.storage.terminal import say, table_lines


def run(arguments: argparse.Namespace) -> int:
    """0 where every mutant is caught, else 1. The second table goes beside the first."""
    named = chosen(arguments.claim)
    claims, store = list(named.values()), Store(arguments.runs)
    if not any(claim.mutants for claim in claims):
        raise ValueError(f"claim = {list(named)}: expected one with a mutant")
    part = Path("results") / "part" / labels(named) if arguments.claim else Path("results")
    out = arguments.out or part / "mutants.csv"
    check_target(out)
    if notice := begun_elsewhere(arguments.runs):
        say(notice)
    caught = all_mutants(claims, store)
    write_table(out, caught)
    seen = sensitivities(claims, store)
    second = out.with_name(f"{out.stem}_smallest{out.suffix}")
    write_table(second, seen)
    for line in store.notices():
        say(line)
    say(*table_lines(caught.drop(columns="change", errors="ignore")))
    say(*table_lines(seen))
    missed = caught[caught["verdict"] != "refuted"] if len(caught) else caught
    say(f"{len(caught) - len(missed)} of {len(caught)} mutants caught; tables: {out}, {second}")
    return 0 if missed.empty else 1
