"""conformance --sampler: what a trainer draws by itself, and its updates on that."""

import argparse
from pathlib import Path
from typing import Any

import pandas as pd

from grpo_checks.experiments.conformance import report
from grpo_checks.experiments.conformance.cases.catalogue import SAMPLERS
from grpo_checks.experiments.conformance.trials.sampler import sampler_rows
from grpo_checks.experiments.storage.files import check_target
from grpo_checks.experiments.storage.folders import label
from grpo_checks.experiments.storage.table_file import write_table
from grpo_checks.experiments.storage.terminal import say, table_lines

MODELS, GROUPS, MOST = ("wide",), 64, 10**6


def run(arguments: argparse.Namespace, python: Path, script: Path) -> int:
    """Print and store the table; 1 where what is no fault differs, or a fault does not."""
    if not 2 <= arguments.sampler <= MOST:
        raise ValueError(f"sampler = {arguments.sampler}: expected 2..{MOST} steps")
    if arguments.trainer not in SAMPLERS:
        expected = f"expected one of {tuple(SAMPLERS)}"
        raise ValueError(f"trainer = {arguments.trainer!r} cannot sample here: {expected}")
    cases = [c for c in SAMPLERS[arguments.trainer] if arguments.rule in (None, c.name)]
    name = f"{label(arguments.trainer)}-sampler.csv"
    path = arguments.out or Path("results") / "conformance" / name
    check_target(path)
    rows: list[dict[str, Any]] = []
    for model in arguments.instance or MODELS:
        for size in arguments.groups or (4,):
            where = report.sampled_place(model, size, arguments.batch or GROUPS)
            rows += sampler_rows(python, script, where, cases, arguments.sampler)
    table = pd.DataFrame(rows)
    say(*table_lines(table.drop(columns="versions"), ".4g"))
    write_table(path, table)
    say(f"table: {path}")
    first = table["rule"] == cases[0].name
    return int((table["verdict"] == "differs").ne(~first).any())
