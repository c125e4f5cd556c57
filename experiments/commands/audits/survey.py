"""survey: how common cycles of std-normalised GRPO are, and what stops one."""

import argparse

import pandas as pd

from grpo_checks.experiments.audit.survey import GROUPS, survey
from grpo_checks.experiments.audit.survey_paths import KINDS
from grpo_checks.experiments.audit.what_stops import what_stops
from grpo_checks.experiments.storage.files import check_target
from grpo_checks.experiments.storage.table_file import write_table
from grpo_checks.experiments.storage.terminal import say, table_lines

MAX_MODELS = 10**5


def run(arguments: argparse.Namespace) -> int:
    """Store a record for each model and group size, and print how many models do what."""
    if not 1 <= arguments.models <= MAX_MODELS:
        raise ValueError(f"models = {arguments.models}: expected 1..{MAX_MODELS}")
    groups = tuple(dict.fromkeys(arguments.groups or GROUPS))
    if not all(2 <= size <= max(GROUPS) for size in groups):
        raise ValueError(f"groups = {list(groups)}: expected sizes in 2..{max(GROUPS)}")
    path = arguments.out / ("what_stops.csv" if arguments.changes else "survey.csv")
    check_target(path)
    table = _stops() if arguments.changes else _survey(arguments.models, groups)
    write_table(path, table)
    say(f"stored: {path}")
    return 0


def _survey(models: int, groups: tuple[int, ...]) -> pd.DataFrame:
    table = survey(models, groups)
    for size, records in table.groupby("group_size"):
        counts = {kind: int((records[kind] > 0).sum()) for kind in KINDS[1:]}
        shown = ", ".join(f"{count} {kind}" for kind, count in counts.items())
        say(f"G = {size}: {len(records)} models, from some start: {shown}")
    return table


def _stops() -> pd.DataFrame:
    table = what_stops()
    say(*table_lines(table[["instance", "change", "setting", "outcome", "J", "optimum"]]))
    return table
