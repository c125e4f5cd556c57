"""alarms: how often a true sampled claim is refuted by chance."""

import argparse

from grpo_checks.experiments.audit.alarms.counts import count_alarms
from grpo_checks.experiments.claims.catalogue import find
from grpo_checks.experiments.models.building.argument import from_argument
from grpo_checks.experiments.protocol.claim import Scope
from grpo_checks.experiments.storage.files import canonical, check_target, write_atomic
from grpo_checks.experiments.storage.terminal import say

MAX_RUNS = 10**5


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
