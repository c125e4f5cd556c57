"""alarms: how often a true sampled claim is refuted by chance."""

import argparse
from pathlib import Path

from grpo_checks.experiments.audit.alarms.counts import count_alarms
from grpo_checks.experiments.claims.catalogue import find
from grpo_checks.experiments.models.instances import from_argument
from grpo_checks.experiments.protocol.claim import Scope
from grpo_checks.experiments.storage.files import canonical, check_target, write_atomic
from grpo_checks.experiments.storage.terminal import say

MAX_RUNS = 10**5


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The command's arguments."""
    about = "reseed a true sampled claim many times and count its false alarms"
    parser = commands.add_parser("alarms", help=about)
    parser.add_argument("--claim", default="T1.rate", help="T1.rate or T1.path [T1.rate]")
    parser.add_argument("--runs", type=int, default=1000, help="how many times [1000]")
    parser.add_argument("--instance", default="bandit", help="a small one [bandit]")
    parser.add_argument(
        "--out", type=Path, default=Path("results/alarms.json"), help="[results/alarms.json]"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """0 where the counts are within the stated levels, else 1."""
    if not 1 <= arguments.runs <= MAX_RUNS:
        raise ValueError(f"runs = {arguments.runs}: expected 1..{MAX_RUNS}")
    check_target(arguments.out)
    scope = Scope("quick", from_argument(arguments.instance))
    alarms = count_alarms(find(arguments.claim), scope, arguments.runs)
    write_atomic(arguments.out, canonical(alarms.as_json()) + "\n")
    say(
        f"{alarms.claim} on {alarms.instance}, {alarms.cells} cells, {alarms.runs} runs:",
        f"{alarms.alarms} alarms at level {alarms.level}; at the boundary, level "
        f"{alarms.sharp_level}: {alarms.sharp_refuted} refuted, {alarms.sharp_holds} held; "
        f"slopes: {alarms.slope_alarms}, races: {alarms.race_alarms}; at most {alarms.allowed} "
        f"allowed; frequencies: chance {alarms.frequency_refuted:.3g}",
        f"stored: {arguments.out}",
    )
    return 0 if alarms.within_level else 1
